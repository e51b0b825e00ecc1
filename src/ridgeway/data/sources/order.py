"""The order in which a pass takes the rows of a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

#: Blocks that are in memory together: rows from so many places are mixed.
BLOCKS = 16


class Reading(NamedTuple):
    """How the rows of a source are read.

    Attributes:
        rows: that are in memory together, at most, unless one block has more.
        seed: of the draws by which they are shuffled; None for the order in which they stand.
    """

    rows: int
    seed: int | None = None


class Blocks(Protocol):
    """Rows that are read block by block."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def edges(self, rows: int, /) -> np.ndarray:
        """Where blocks of about so many rows begin, and the number of all rows."""


#: Runs of rows, each from its first to before its last, and the order of all of them together.
Window = tuple[list[tuple[int, int]], np.ndarray]


def windows(source: Blocks, reading: Reading, number: int) -> Iterator[Window]:
    """The windows of a pass: rows that are read together, with the order in which they go into batches.

    Rows are cut into blocks of consecutive ones, a sixteenth of `reading.rows` each. Blocks are taken in a random
    order, and the rows of each sixteen are shuffled together. Everything is drawn from `(reading.seed, number)`.

    Args:
        source: the rows.
        reading: how many are in memory together, and the seed.
        number: of the pass, from 0.

    Yields:
        Runs of rows in the order in which they are read, and int64 `(row,)`: of the rows laid side by side, the order.
    """
    edges = source.edges(max(1, reading.rows // BLOCKS)).tolist()
    blocks = list(zip(edges[:-1], edges[1:], strict=True))
    if reading.seed is None:
        for start, stop in blocks:
            yield [(start, stop)], np.arange(stop - start)
        return
    random = np.random.default_rng([reading.seed, number])
    runs: list[tuple[int, int]] = []
    rows = 0
    for place in random.permutation(len(blocks)):
        start, stop = blocks[place]
        if runs and rows + stop - start > reading.rows:
            yield runs, random.permutation(rows)
            runs, rows = [], 0
        runs.append((start, stop))
        rows += stop - start
    yield runs, random.permutation(rows)


def row_order(source: Blocks, reading: Reading, number: int) -> np.ndarray:
    """The numbers of all rows in the order in which a pass takes them, int64 `(row,)`."""
    parts = []
    for runs, order in windows(source, reading, number):
        rows = np.concatenate([np.arange(start, stop) for start, stop in runs])
        parts.append(rows[order])
    return np.concatenate(parts)
