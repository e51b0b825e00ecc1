"""Checkpoints of a run: written while it trains on, two generations kept, the newest whole one read."""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ridgeway.checkpoints.status import FOLDER
from ridgeway.checkpoints.stored_tree import Arrays, Damaged, check_notes, read_arrays, write_tree
from ridgeway.files import in_one_line

logger = logging.getLogger(__name__)

_KEPT = 2
# Seconds from one account of all lanes to the next, at least so many times what the last one took: with this its cost
# stays below 3 %, whatever the disk, the network and the size of the lanes.
_TIMES = 40
#: Of what a checkpoint holds, and how; one of another format is not read.
FORMAT = 1
_PARTIAL = re.compile(r"\.(generation|finished)-\d{6,}\.partial")
_GENERATION, _FINISHED = re.compile(r"generation-(\d{6,})"), re.compile(r"finished-(\d{6,})")


def spacing(every: float, cost: float) -> float:
    """Seconds from one account of all lanes to the next.

    Args:
        every: at least so many; 0 for one at each epoch, whatever it costs.
        cost: seconds that the last one took.
    """
    return max(every, _TIMES * cost) if every else 0.0


@dataclass(frozen=True)
class Restored:
    """What a checkpoint holds.

    Attributes:
        arrays: of the lanes that are under way.
        notes: of the run.
        finished: arrays and notes of each batch of lanes that had ended, in their order.
    """

    arrays: Arrays
    notes: Mapping[str, Any]
    finished: Sequence[tuple[Arrays, Mapping[str, Any]]]


class Checkpoints:
    """Writes a run's checkpoints, one at a time, in a thread.

    Lanes that have ended are written once, in a directory of their own; a generation names those that belong to it.

    Args:
        directory: the run's.
        every: seconds from one checkpoint to the next, at least; more where writing takes long.
        batches: names of the batches of ended lanes that are written already.
        generation: number of the newest generation that is there.

    Attributes:
        folder: where they lie.
    """

    def __init__(self, directory: Path, every: float, batches: Sequence[str] = (), generation: int = 0) -> None:
        self.folder = directory / FOLDER
        self._every, self._cost = every, 0.0
        self._batches, self._generation = list(batches), generation
        self._worker = ThreadPoolExecutor(1, "ridgeway-checkpoint")
        self._writing: Future[float] | None = None
        self._last = time.perf_counter()
        self._tidy()

    def due(self) -> bool:
        """Whether it is time for the next one.

        Raises:
            OSError: the last one could not be written.
        """
        if self._writing is not None:
            if not self._writing.done():
                return False
            self.wait()
        return time.perf_counter() - self._last >= spacing(self._every, self._cost)

    def save(
        self,
        live: Callable[[], tuple[Arrays, Mapping[str, Any]]],
        ended: Callable[[], tuple[Arrays, Mapping[str, Any]]] | None,
    ) -> None:
        """Takes copies now and writes them while the caller goes on.

        Args:
            live: gives lanes under way and the run's notes.
            ended: gives lanes that have ended since the last one, None where there are none.

        Raises:
            OSError: the last one could not be written.
        """
        self.wait()
        began = time.perf_counter()
        arrays, notes = live()
        batch = None if ended is None else ended()
        took = time.perf_counter() - began
        self._writing = self._worker.submit(self._write, arrays, notes, batch, took)
        self._last = time.perf_counter()

    def wait(self) -> None:
        """Until what is being written is written.

        Raises:
            OSError: it could not be.
        """
        if self._writing is not None:
            writing, self._writing = self._writing, None
            self._cost = writing.result()

    def close(self) -> None:
        """Ends the thread, after what it writes."""
        self._worker.shutdown()

    def remove(self) -> None:
        """Takes all checkpoints away: the run has ended, and its files are written."""
        self.close()
        remove_checkpoints(self.folder.parent)

    def _write(
        self,
        arrays: Arrays,
        notes: Mapping[str, Any],
        batch: tuple[Arrays, Mapping[str, Any]] | None,
        took: float,
    ) -> float:
        began = time.perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        if batch is not None:
            name = f"finished-{len(self._batches) + 1:06d}"
            write_tree(self.folder / name, *batch)
            self._batches.append(name)
        number = self._generation + 1
        write_tree(
            self.folder / f"generation-{number:06d}",
            arrays,
            {"format": FORMAT, "run": notes, "finished": self._batches},
        )
        self._generation = number
        for old in _generations(self.folder)[:-_KEPT]:
            shutil.rmtree(old)
        return took + time.perf_counter() - began

    def _tidy(self) -> None:
        """Takes away what was being written, and what came after the generation that is gone on from."""
        if not self.folder.exists():
            return
        for place in self.folder.iterdir():
            made = _GENERATION.fullmatch(place.name)
            newer = made is not None and int(made[1]) > self._generation
            stray = _FINISHED.fullmatch(place.name) is not None and place.name not in self._batches
            # Nothing else: a file manager or a network file system may have left something of its own.
            if not (_PARTIAL.fullmatch(place.name) or newer or stray):
                continue
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink()


def remove_checkpoints(directory: Path) -> None:
    """Takes all checkpoints of a run away."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)


def latest(directory: Path) -> Restored | None:
    """The newest checkpoint that is whole; None where there is none at all.

    Raises:
        Damaged: there are some, and none is whole.
    """
    folder = directory / FOLDER
    damaged: list[str] = []
    for place in reversed(_generations(folder)):
        try:
            notes, batches = _sound(place)
            arrays = read_arrays(place)
            finished = [(read_arrays(folder / name), noted) for name, noted in batches.items()]
        except Damaged as error:
            damaged.append(str(error))
            logger.warning("A checkpoint is not used: %s.", error)
            continue
        names = {"batches": list(batches), "generation": int(place.name.rpartition("-")[2])}
        return Restored(arrays, notes["run"] | names, finished)
    if damaged:
        raise Damaged("; ".join(damaged))
    return None


def check(directory: Path) -> list[tuple[str, str | None]]:
    """Each checkpoint directory of a run, with what is wrong with it, None where it is whole.

    A generation is whole if `latest` takes it: with all batches of ended lanes that it stands on.
    """
    found: list[tuple[str, str | None]] = []
    folder = directory / FOLDER
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        reads: Callable[[Path], Any] = _sound if _GENERATION.fullmatch(place.name) else check_notes
        if reads is check_notes and not _FINISHED.fullmatch(place.name):
            continue
        try:
            reads(place)
        except Damaged as error:
            found.append((place.name, str(error)))
        else:
            found.append((place.name, None))
    return found


def _sound(place: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The notes of a generation that is whole, and those of each batch of ended lanes that it stands on, by name.

    Raises:
        Damaged: a file of either is not as it was written, or it is of another format.
    """
    notes = check_notes(place)
    if notes.get("format") != FORMAT:
        raise Damaged(f"'{place}' is of format {in_one_line(notes.get('format'))}, and this ridgeway reads {FORMAT}")
    run, names = notes.get("run"), notes.get("finished")
    if not isinstance(run, dict) or not isinstance(names, list) or not all(map(_is_finished, names)):
        raise Damaged(f"'{place}' has notes that ridgeway did not write")
    return notes, {name: check_notes(place.with_name(name)) for name in names}


def _is_finished(name: Any) -> bool:
    return isinstance(name, str) and _FINISHED.fullmatch(name) is not None


def _generations(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    made = [place for place in folder.iterdir() if _GENERATION.fullmatch(place.name)]
    return sorted(made, key=lambda place: int(place.name.rpartition("-")[2]))
