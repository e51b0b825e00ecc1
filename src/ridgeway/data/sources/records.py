"""`grain` data sets with random access: an element is a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset, leaves, map_arrays
from ridgeway.data.sources.source import RowSource
from ridgeway.errors import InputError


class RecordSource(RowSource):
    """Elements of a `grain.MapDataset`, of which each is a row, `(x, y)` or `(x, y, sample_weight)`.

    Args:
        records: the data set, neither batched nor repeated.
        floats: dtype of floating arrays.

    Raises:
        InputError: it has no length, or elements that are something else.
    """

    def __init__(self, records: Any, floats: np.dtype) -> None:
        self.name, self.floats = f"the grain {type(records).__name__}", floats
        if not hasattr(records, "__len__") or not hasattr(records, "__getitem__"):
            raise InputError(f"{self.name} has no random access. Pass the grain.MapDataset that it was made from.")
        self._records = records
        self.rows = len(records)
        if not 0 < self.rows < 2**62:
            raise InputError(f"{self.name} has {self.rows} elements. Pass a MapDataset that is not repeated.")

    def block(self, start: int, stop: int) -> Dataset:
        """See the base class."""
        rows = [self._row(place) for place in range(start, stop)]
        first = rows[0]

        def stack(part: int) -> Any:
            columns = zip(*(leaves(row[part]) for row in rows), strict=True)
            arrays = iter([np.stack([np.asarray(value) for _, value in column]) for column in columns])
            return map_arrays(lambda _: next(arrays), first[part])

        return Dataset(*(stack(part) for part in range(3)))

    def _row(self, place: int) -> tuple[Any, Any, Any]:
        row = self._records[place]
        if not isinstance(row, tuple | list) or len(row) not in (2, 3):
            raise InputError(
                f"Element {place} of {self.name} is a {type(row).__name__}, not (x, y) or (x, y, sample_weight). Map "
                "elements to a tuple of two or three."
            )
        return (*row, *([None] * (3 - len(row))))
