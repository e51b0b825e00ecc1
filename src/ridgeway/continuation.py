"""A run that goes on where it was: what is written on the way, and what is found again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ridgeway.checkpoints import Checkpoints, Damaged, Restored, latest
from ridgeway.checkpoints.identity import differing
from ridgeway.checkpoints.packing import Lanes
from ridgeway.checkpoints.status import FOLDER
from ridgeway.engine.lanes import LaneResult
from ridgeway.engine.queues import Course
from ridgeway.errors import InputError, first_line


@dataclass(frozen=True)
class Moment:
    """Where a run stands beside its lanes.

    Attributes:
        rung: the rung that it is in, counted from 0.
        asked: configurations that its search was asked for.
        told: configurations that its search was told of, with their scores, in order.
        rounds: epochs that were trained side by side.
        first: seconds until the first one ended.
        elapsed: seconds since the call, those of all sessions together.
        limit: seconds that its time limit came to, None where it has none or was not asked yet.
        events: bytes of `events.jsonl`.
        best: logs that callbacks were told last.
        executor: the record of the executor.
    """

    rung: int
    asked: int
    told: Sequence[tuple[int, float]]
    rounds: int
    first: float | None
    elapsed: float
    limit: float | None
    events: int
    best: Mapping[str, float]
    executor: Mapping[str, Any]


@dataclass
class Continuation:
    """The checkpoints of one run.

    Args:
        checkpoints: writes them.
        same: digests of what must be the same when it goes on.
        restored: what it goes on from, None where it begins.
    """

    checkpoints: Checkpoints
    same: Mapping[str, str]
    restored: Restored | None = None
    _written: int = field(init=False, default=0)

    @classmethod
    def of(cls, directory: Path, every: float, same: Mapping[str, str], restored: Restored | None) -> Continuation:
        """Opens a run's checkpoints.

        Raises:
            InputError: what was passed differs from what the run was begun with.
        """
        if restored is None:
            return cls(Checkpoints(directory, every), same)
        with _as_written(directory):
            before = dict(restored.notes["same"])
            Moment(**restored.notes["moment"])
        check_same(directory, before, same)
        kept = Checkpoints(directory, every, restored.notes["batches"], restored.notes["generation"])
        return cls(kept, same, restored)

    @property
    def moment(self) -> Moment | None:
        """Where the run stood, None where it begins."""
        return None if self.restored is None else Moment(**self.restored.notes["moment"])

    def lanes(self, named: Lanes) -> tuple[list[LaneResult], Course]:
        """Those that have ended, and those under way."""
        assert self.restored is not None
        with _as_written(self.checkpoints.folder):
            results = [result for batch in self.restored.finished for result in named.results(*batch)]
            course = named.course(self.restored.arrays, self.restored.notes["course"])
        self._written = len(results)
        return results, course

    def save(self, named: Lanes, course: Callable[[], Course], results: Sequence[LaneResult], moment: Moment) -> None:
        """Begins to write a checkpoint."""
        ended = results[self._written :]
        self._written = len(results)

        def live() -> tuple[Any, Mapping[str, Any]]:
            arrays, notes = named.packed_course(course())
            return arrays, {"course": notes, "moment": asdict(moment), "same": dict(self.same)}

        self.checkpoints.save(live, (lambda: named.packed_results(ended)) if ended else None)


def check_same(directory: str | os.PathLike[str], before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Compares what a run was begun with and what is passed to go on with it.

    Args:
        directory: the run's.
        before: digests of what it was begun with; empty where it is not known.
        now: those of what is passed.

    Raises:
        InputError: something differs; it is named.
    """
    if before and (other := differing(before, now)):
        raise InputError(
            f"'{directory}' was begun with other {', '.join(other)}. Pass what it was begun with to resume it, or "
            "another directory to begin anew."
        )


def restored_of(directory: str | os.PathLike[str]) -> Restored | None:
    """The newest whole checkpoint of a run's directory, None where there is none.

    Raises:
        InputError: there are some, and none can be used.
    """
    try:
        return latest(Path(directory))
    except Damaged as error:
        raise InputError(
            f"No checkpoint of '{directory}' can be used: {error}. Restore the files, or begin anew in another "
            "directory."
        ) from None


def reached(restored: Restored) -> int:
    """Epochs that were trained, lanes side by side, until a checkpoint.

    Raises:
        InputError: the checkpoint is not as ridgeway writes it.
    """
    with _as_written(Path(FOLDER)):
        return int(restored.notes["moment"]["rounds"])


@contextmanager
def _as_written(folder: Path) -> Iterator[None]:
    """Around the reading of what a checkpoint notes, which a stranger may have written.

    Raises:
        InputError: it is not what ridgeway writes.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The checkpoint in '{folder}' is not as ridgeway writes it ({type(error).__name__}: {first_line(error)}). "
            "Begin anew in another directory."
        ) from error
