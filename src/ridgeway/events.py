"""What happens in a run, one JSON object a line, for whoever watches it."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ridgeway.engine.lanes import LaneResult
from ridgeway.engine.slots import Round
from ridgeway.files import no_space, storage_full


class EventLog:
    """Appends to `events.jsonl`.

    Every line has `event` and `time` (seconds since 1970). `start` has the plan; `begin` has a `lane`, its
    `configuration`, `repeat` and `fold`, and `outer` where it belongs to an outer fold; `epoch` has `lane`, `epoch`
    (from 1) and `logs`; `lane` says that one stopped and why, with what `measured` gives of it; `end` says how the run
    ended, `resume` that it goes on.
    Numbers that are not finite are null: JSON has no word for them.

    Args:
        file: the file.
        size: bytes of it that count, where a run goes on; None for all.
        measured: further numbers of a lane that stopped, by name.
    """

    def __init__(
        self,
        file: Path,
        size: int | None = None,
        measured: Callable[[LaneResult], Mapping[str, float]] = lambda result: {},
    ) -> None:
        self._name, self._measured = file, measured
        # Through no link: it would be cleared and written to wherever it leads. Unbuffered: what could not be written
        # is not tried once more at the end.
        self._file = open(file, "ab", buffering=0, opener=_own)  # noqa: SIM115 - open as long as the run
        if size is not None:
            # What came after the moment that the run goes on from comes again.
            os.ftruncate(self._file.fileno(), min(size, self.size))

    @property
    def size(self) -> int:
        """Bytes so far."""
        return os.fstat(self._file.fileno()).st_size

    def write(self, event: str, **fields: Any) -> None:
        """Appends one event and hands it to the system at once.

        Raises:
            StorageFull: there is no space for it; no part of the line is left.
        """
        line = {"event": event, "time": round(time.time(), 3), **_finite(fields)}
        content = (json.dumps(line, allow_nan=False) + "\n").encode()
        before = os.fstat(self._file.fileno()).st_size
        handled = sys.exception()
        try:
            left = memoryview(content)
            while left:
                # A disk that fills up takes a part, and refuses the next.
                left = left[self._file.write(left) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), before)
            if (code := no_space(error, handled)) is not None:
                raise storage_full(self._name, code) from error
            raise

    def round(self, news: Round) -> None:
        """Appends the lanes that began, the epoch that each live lane did, and the lanes that stopped."""
        for result in news.results:
            if len(result.history) == 1:
                plan = result.plan
                outer = {} if plan.outer is None else {"outer": plan.outer}
                self.write(
                    "begin",
                    lane=plan.lane,
                    configuration=dict(plan.configuration),
                    repeat=plan.repeat,
                    fold=plan.fold,
                    **outer,
                )
            self.write("epoch", lane=result.plan.lane, epoch=len(result.history), logs=result.history[-1])
        for result in news.finished:
            about = {"stopped": result.stopped, "epochs": len(result.history), **self._measured(result)}
            self.write("lane", lane=result.plan.lane, **about)

    def sync(self) -> None:
        """Makes sure that all events are on the disk.

        Raises:
            StorageFull: there is no space for them.
        """
        handled = sys.exception()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if (code := no_space(error, handled)) is not None:
                raise storage_full(self._name, code) from error
            raise

    def close(self) -> None:
        """Closes the file, synced: its checksum is about to be written down.

        Raises:
            StorageFull: as `sync`; it is closed all the same.
        """
        try:
            self.sync()
        finally:
            self._file.close()


def _own(file: str, flags: int) -> int:
    return os.open(file, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
