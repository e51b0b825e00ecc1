"""Random draws that come out the same on every machine and under every version of Python and NumPy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# 64 bits a draw.
_SPAN = 1 << 64


class Chance:
    """A stream of draws that its key decides: SHA-256 of the key and of the number of the draw.

    Neither `random` nor NumPy promises the same draws in its next version, and an attempt that is drawn again after
    an upgrade must show the same questions.

    Args:
        *key: what the stream belongs to; streams of different keys have nothing to do with each other.
    """

    def __init__(self, *key: str | int) -> None:
        self._key = json.dumps(key)
        self._drawn = 0

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound` − 1, each as likely."""
        # What lies above the last whole multiple would make small numbers likelier.
        whole = _SPAN - _SPAN % bound
        while True:
            digest = hashlib.sha256(f"{self._key}:{self._drawn}".encode()).digest()
            self._drawn += 1
            number = int.from_bytes(digest[:8], "big")
            if number < whole:
                return number % bound

    def pick(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.below(len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in a random order."""
        rest = list(values)
        for last in range(len(rest) - 1, 0, -1):
            other = self.below(last + 1)
            rest[last], rest[other] = rest[other], rest[last]
        return rest


def opaque_id(*key: str | int) -> str:
    """An identifier that tells nothing of what it stands for to those who don't know its key."""
    return hashlib.sha256(json.dumps(["id", *key]).encode()).hexdigest()[:12]
