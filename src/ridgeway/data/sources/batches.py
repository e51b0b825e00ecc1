"""`keras.utils.PyDataset`: batches as it makes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset, leaves, map_arrays
from ridgeway.data.sources.order import Reading
from ridgeway.data.sources.source import Check, Chunk, DataSource, aligned
from ridgeway.errors import InputError


class BatchSource(DataSource):
    """The batches of a `PyDataset`; where it has several workers, so many threads make them.

    The batches of an epoch come in its order, or their order is drawn anew for each pass, as `fit` does. Rows within a
    batch stay as they are.

    Args:
        batches: the `PyDataset`, with a finite number of batches of `(x, y)` or `(x, y, sample_weight)`. `rows` counts
            on equal sizes, but for the last one.
        floats: dtype of floating arrays.

    Raises:
        InputError: no batches, an endless number, or batches that are something else.
    """

    def __init__(self, batches: Any, floats: np.dtype) -> None:
        self.name, self.floats = f"the {type(batches).__name__}", floats
        self._batches = batches
        count = batches.num_batches
        if not count:
            raise InputError(
                f"{self.name[0].upper()}{self.name[1:]} has {'no end' if count is None else 'no batches'}: num_batches "
                f"is {count}. Give it a __len__, the batches of an epoch."
            )
        self._count = int(count)
        self._beginning = self._batch(0)
        last = self._batch(self._count - 1).rows
        self.batch_size = self._beginning.rows
        self.rows = (self._count - 1) * self.batch_size + min(last, self.batch_size)

    def head(self, rows: int) -> Dataset:
        """See the base class."""
        return self._beginning.map(lambda array: array[:rows])

    def ends(self) -> Dataset:
        """See the base class; of the first batch, for the last may have another size."""
        return self._beginning

    def pass_over(self, batch_size: int, steps: int, reading: Reading, number: int, check: Check) -> Generator[Chunk]:
        """See the base class."""
        order = np.arange(self._count)
        if reading.seed is not None:
            np.random.default_rng([reading.seed, number]).shuffle(order)
        waiting: list[Dataset] = []
        self._batches.on_epoch_begin()
        for place, batch in self._made(order):
            self.look(batch, f"Batch {place}", check)
            if batch.rows == batch_size:
                waiting.append(batch)
            if waiting and (batch.rows != batch_size or len(waiting) == steps):
                yield _stacked(waiting, steps)
                waiting = []
            if batch.rows != batch_size:
                # Each size is a program of its own: one batch long, whatever stands beside it.
                yield _stacked([batch], 1)
        if waiting:
            yield _stacked(waiting, steps)
        self.checked = True
        self._batches.on_epoch_end()

    def _made(self, order: np.ndarray) -> Iterator[tuple[int, Dataset]]:
        workers = int(getattr(self._batches, "workers", 1) or 1)
        if workers == 1:
            yield from ((int(place), self._batch(int(place))) for place in order)
            return
        with ThreadPoolExecutor(workers) as pool:
            begun: deque[tuple[int, Future[Dataset]]] = deque()
            for place in map(int, order):
                begun.append((place, pool.submit(self._batch, place)))
                if len(begun) > workers:
                    number, batch = begun.popleft()
                    yield number, batch.result()
            yield from ((number, batch.result()) for number, batch in begun)

    def _batch(self, place: int) -> Dataset:
        batch = self._batches[place]
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise InputError(
                f"Batch {place} of {self.name} is a {type(batch).__name__}, not (x, y) or (x, y, sample_weight). Let "
                "__getitem__ return a tuple of two or three."
            )
        return Dataset(*batch, *([None] * (3 - len(batch)))).map(self.converted)


def _stacked(batches: list[Dataset], steps: int) -> Chunk:
    """Batches of one size one after another, in a chunk that has room for `steps`."""

    def stack(part: str) -> Any:
        columns = zip(*(leaves(getattr(batch, part)) for batch in batches), strict=True)
        arrays = iter([_laid_out([array for _, array in column], steps) for column in columns])
        return map_arrays(lambda _: next(arrays), getattr(batches[0], part))

    return Chunk((stack("x"), stack("y"), stack("sample_weight")), len(batches))


def _laid_out(arrays: list[np.ndarray], steps: int) -> np.ndarray:
    space = aligned((steps, *arrays[0].shape), arrays[0].dtype)
    for place, array in enumerate(arrays):
        space[place] = array
    return space
