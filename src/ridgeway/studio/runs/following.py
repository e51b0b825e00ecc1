"""Reads `events.jsonl` while it grows.

Each line has an id that grows with its place: `<end of the line>-<checksum of the line>`. A run that goes on from a
checkpoint cuts the file and writes on: whoever had read further learns by the id that what it knows is no longer so.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Bytes of a line: longer ones are none of ours.
_LONGEST = 1_000_000
# Bytes read at once.
_PIECE = 1 << 20


@dataclass(frozen=True)
class News:
    """What was read.

    Attributes:
        events: in their order.
        again: whether they begin anew, and what was read before is no longer so.
        id: of the last line read so far; empty for none.
    """

    events: list[dict[str, Any]]
    again: bool
    id: str


class Follower:
    """Reads a file of events, each line once.

    Args:
        file: it may not be there yet.
        after: id of the last line that is known already.
    """

    def __init__(self, file: Path, after: str = "") -> None:
        self._file = file
        self._place, self._sum = _parsed(after)
        # What a stranger's id says is checked before it is believed.
        self._last: bytes | None = None

    def read(self) -> News:
        """What came since, a piece of it where there is much."""
        try:
            with open(self._file, "rb") as file:
                again = self._place > 0 and not self._stands(file.fileno())
                if again:
                    self._place, self._last = 0, None
                file.seek(self._place)
                content = file.read(_PIECE)
        except FileNotFoundError:
            again, self._place, self._last = self._place > 0, 0, None
            return News([], again, "")
        whole = content[: content.rfind(b"\n") + 1]
        events = []
        for line in whole.splitlines(keepends=True):
            self._last, self._place = line, self._place + len(line)
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                # Torn by a power cut; the lines after it are sound.
                continue
            if isinstance(event, dict):
                events.append(event)
        return News(events, again, self.id)

    @property
    def id(self) -> str:
        """Of the last line read."""
        if not self._place:
            return ""
        checksum = self._sum if self._last is None else zlib.crc32(self._last)
        return f"{self._place}-{checksum:08x}"

    def _stands(self, descriptor: int) -> bool:
        """Whether the last line read is still where it was."""
        if self._last is not None:
            found = os.pread(descriptor, len(self._last), self._place - len(self._last))
            return found == self._last
        start = max(0, self._place - _LONGEST)
        before = os.pread(descriptor, self._place - start, start)
        if len(before) < self._place - start or not before.endswith(b"\n"):
            return False
        line = before[before.rfind(b"\n", 0, -1) + 1 :]
        self._last = line
        return zlib.crc32(line) == self._sum


def _parsed(told: str) -> tuple[int, int]:
    place, _, checksum = told.partition("-")
    try:
        known = int(place), int(checksum, 16)
    except ValueError:
        return 0, 0
    return known if 0 < known[0] < 1 << 50 and 0 <= known[1] < 1 << 32 else (0, 0)
