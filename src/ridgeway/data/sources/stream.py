"""A source as lanes train on it: batches of one size, in an order, with class weights put on."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ridgeway.data.checks import check_dataset
from ridgeway.data.dataset import Dataset, leaves
from ridgeway.data.sources.order import Reading
from ridgeway.data.sources.source import Check, Chunk, DataSource
from ridgeway.data.weights import apply_class_weight

#: Bytes that travel to the device at a time: enough that a call costs nothing beside it, little beside a window.
CHUNK_BYTES = 4 << 20
#: Bytes of rows that are shuffled together, where the user does not say how many rows.
WINDOW_BYTES = 64 << 20


@dataclass(frozen=True)
class Stream:
    """Batches of a source, pass by pass.

    Attributes:
        source: the rows.
        batch_size: rows of a batch; the last one of a pass may be smaller.
        reading: how many rows are in memory together, and whether they are shuffled.
        check: called with rows that were not looked at before; raises where they can't be trained on.
        class_weight: weight of each class, None for none.
    """

    source: DataSource
    batch_size: int
    reading: Reading
    check: Check = check_dataset
    class_weight: Mapping[int, float] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.source.rows

    @cached_property
    def steps(self) -> int:
        """Batches of a full chunk."""
        most = max(1, CHUNK_BYTES // (row_bytes(self.source) * self.batch_size))
        return max(1, min(most, self.rows // self.batch_size))

    def head(self, rows: int) -> tuple[Any, Any, Any]:
        """`(x, y, sample_weight)` of the first rows, so many or as many as come at once."""
        found = self.source.first() if rows == 1 else self.source.head(rows)
        weight = found.sample_weight
        if self.class_weight is not None:
            weight = apply_class_weight(found.y, self.class_weight, weight)
        return found.x, found.y, weight

    def chunks(self, number: int) -> Generator[Chunk]:
        """All rows once, as the pass of this number takes them."""
        with closing(self._pass(number, self.reading)) as chunks:
            yield from map(self._weighted, chunks)

    def beginning(self, steps: int) -> Generator[Chunk]:
        """The first so many full batches as they stand, to measure time by."""
        with closing(self._pass(0, self.reading._replace(seed=None))) as chunks:
            for chunk in chunks:
                yield self._weighted(chunk._replace(steps=min(chunk.steps, steps)))
                steps -= chunk.steps
                if steps <= 0:
                    return

    def _pass(self, number: int, reading: Reading) -> Generator[Chunk]:
        return self.source.pass_over(self.batch_size, self.steps, reading, number, self.check)

    def _weighted(self, chunk: Chunk) -> Chunk:
        if self.class_weight is None:
            return chunk
        x, y, weight = chunk.data
        flat = y.reshape(-1, *y.shape[2:])
        return chunk._replace(data=(x, y, apply_class_weight(flat, self.class_weight, weight).reshape(y.shape[:2])))


def row_bytes(source: DataSource) -> int:
    """Bytes of a row in memory."""
    row: Dataset = source.first()
    return max(1, sum(array.nbytes for part in (row.x, row.y, row.sample_weight) for _, array in leaves(part)))
