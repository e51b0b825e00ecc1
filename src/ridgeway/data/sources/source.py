"""What all sources have in common, and how one with rows in any order gives an epoch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from ridgeway.data.ahead import ahead
from ridgeway.data.dataset import Dataset, leaves, map_arrays
from ridgeway.data.sources.order import Reading, windows
from ridgeway.errors import InputError

#: Looks at rows as they are read, and raises where they can't be trained on.
Check = Callable[[Dataset], None]

# Rows of either end that tell a source from another.
_TELLING = 1000


class Chunk(NamedTuple):
    """Batches of equal size, one after another.

    Attributes:
        data: `(x, y, sample_weight)`, arrays `(step, row, ...)`.
        steps: how many of them count; what is behind them means nothing.
    """

    data: tuple[Any, Any, Any]
    steps: int


class DataSource(ABC):
    """Rows that are read from where they are, pass by pass.

    Attributes:
        name: what messages call it.
        rows: number of rows.
        floats: dtype of floating arrays.
        batch_size: rows of a batch where the source makes batches itself, else None.
        in_memory: whether all rows are held in memory all the same.
        checked: whether all rows have been looked at.
    """

    name: str
    rows: int
    floats: np.dtype
    batch_size: int | None = None
    in_memory: bool = False
    checked: bool = False

    _first: Dataset | None = None

    @abstractmethod
    def head(self, rows: int) -> Dataset:
        """The first so many rows, or as many as come at once, in the dtypes that are trained on."""

    def first(self) -> Dataset:
        """The first row."""
        if self._first is None:
            # A copy: what it is a part of may be large.
            self._first = self.head(1).map(np.array)
        return self._first

    @abstractmethod
    def ends(self) -> Dataset:
        """The rows at the beginning and the end, which tell this source from others."""

    def labels(self, start: int, stop: int) -> Any:
        """Labels of these rows, where they can be read without the inputs; else None."""
        return None

    @abstractmethod
    def pass_over(self, batch_size: int, steps: int, reading: Reading, number: int, check: Check) -> Generator[Chunk]:
        """All rows once, in chunks.

        Args:
            batch_size: rows of a batch.
            steps: batches of a full chunk.
            reading: how many rows are in memory together, and whether they are shuffled.
            number: which pass: another one has another order.
            check: called with rows that have not been looked at.
        """

    def converted(self, array: Any) -> np.ndarray:
        """A NumPy array in the dtype that is trained on."""
        array = np.asarray(array)
        return array.astype(self.floats) if np.issubdtype(array.dtype, np.floating) else array

    def look(self, dataset: Dataset, where: str, check: Check) -> None:
        """Checks rows that were read.

        Raises:
            InputError: what is wrong with them, and where they stand.
        """
        if self.checked:
            return
        try:
            check(dataset)
        except InputError as error:
            raise InputError(f"{where} of {self.name}, counted from there: {error}") from error


class RowSource(DataSource):
    """A source that gives any run of rows.

    Attributes:
        offset: number of its first row where people count from.
    """

    offset: int = 0

    @abstractmethod
    def block(self, start: int, stop: int) -> Dataset:
        """The rows from `start` to before `stop`; floating arrays in any precision."""

    def edges(self, rows: int) -> np.ndarray:
        """Where blocks of about so many rows begin, int64 ascending from 0, with the number of rows behind them."""
        return np.append(np.arange(0, self.rows, rows), self.rows)

    def release(self) -> None:
        """Called when a block has been copied."""

    def head(self, rows: int) -> Dataset:
        """See the base class."""
        return self.block(0, min(rows, self.rows)).map(self.converted)

    def ends(self) -> Dataset:
        """See the base class."""
        few = min(_TELLING, self.rows)
        pieces = [self.block(0, few), self.block(self.rows - few, self.rows)]
        return joined([piece.map(self.converted) for piece in pieces])

    def pass_over(self, batch_size: int, steps: int, reading: Reading, number: int, check: Check) -> Generator[Chunk]:
        """See the base class."""
        size = batch_size * steps
        space, filled = None, 0
        # While batches are put together from one window, the next is read.
        with closing(ahead(self._windows(reading, number, check), 1)) as read:
            for dataset, order in read:
                taken = 0
                while taken < len(order):
                    if space is None:
                        space = _space(dataset, size, self.floats)
                    now = min(len(order) - taken, size - filled)
                    _gather(dataset, order[taken : taken + now], space, filled)
                    taken, filled = taken + now, filled + now
                    if filled == size:
                        yield _chunk(space, steps, batch_size, steps)
                        space, filled = None, 0
        if space is None:
            return
        full, left = divmod(filled, batch_size)
        if full:
            yield _chunk(space, steps, batch_size, full)
        if left:
            # A copy: the space is far larger.
            rest = space.map(lambda array: array[filled - left : filled].copy())
            yield _chunk(rest, 1, left, 1)

    def _windows(self, reading: Reading, number: int, check: Check) -> Generator[tuple[Dataset, np.ndarray]]:
        """Rows that are in memory together, each time with the order in which they go into batches."""
        for runs, order in windows(self, reading, number):
            space, filled = None, 0
            for start, stop in runs:
                block = self.block(start, stop)
                if space is None:
                    space = _space(block, len(order), self.floats)
                _copy(block, space, filled, stop - start)
                where = f"Rows {self.offset + start} to {self.offset + stop - 1}"
                self.look(space.map(_part(filled, filled + stop - start)), where, check)
                filled += stop - start
                del block
                self.release()
            assert space is not None
            yield space, order
        self.checked = True


class Slice(RowSource):
    """A run of rows of another source."""

    def __init__(self, source: RowSource, start: int, stop: int) -> None:
        self._source, self._start, self._stop = source, start, stop
        self.name, self.floats, self.in_memory = source.name, source.floats, source.in_memory
        self.rows, self.offset = stop - start, source.offset + start

    def block(self, start: int, stop: int) -> Dataset:
        """See the base class."""
        return self._source.block(self._start + start, self._start + stop)

    def labels(self, start: int, stop: int) -> Any:
        """See the base class."""
        return self._source.labels(self._start + start, self._start + stop)

    def edges(self, rows: int) -> np.ndarray:
        """See the base class."""
        return np.unique(np.clip(self._source.edges(rows), self._start, self._stop)) - self._start

    def release(self) -> None:
        """See the base class."""
        self._source.release()


def _part(start: int, stop: int) -> Callable[[Any], Any]:
    return lambda array: array[start:stop]


def _space(dataset: Dataset, rows: int, floats: np.dtype) -> Dataset:
    def empty(array: Any) -> np.ndarray:
        dtype = floats if np.issubdtype(array.dtype, np.floating) else array.dtype
        return aligned((rows, *array.shape[1:]), dtype)

    return dataset.map(empty)


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Space for an array that begins at a multiple of 64 bytes: JAX on a CPU then uses it where it is."""
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def _pairs(source: Dataset, target: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for part in ("x", "y", "sample_weight"):
        both = leaves(getattr(source, part)), leaves(getattr(target, part))
        for (_, array), (_, space) in zip(*both, strict=True):
            yield array, space


def _copy(source: Dataset, target: Dataset, place: int, rows: int) -> None:
    for array, space in _pairs(source, target):
        space[place : place + rows] = array


def _gather(source: Dataset, rows: np.ndarray, target: Dataset, place: int) -> None:
    for array, space in _pairs(source, target):
        # "clip" lets NumPy write in place: the row numbers are our own.
        np.take(array, rows, axis=0, out=space[place : place + len(rows)], mode="clip")


def _chunk(space: Dataset, steps: int, batch_size: int, count: int) -> Chunk:
    shaped = space.map(lambda array: array.reshape(steps, batch_size, *array.shape[1:]))
    return Chunk((shaped.x, shaped.y, shaped.sample_weight), count)


def pieces(source: DataSource, rows: int) -> Iterator[Dataset]:
    """All rows once as they stand, so many at a time, or as many as the source puts into a batch; unchecked."""
    size = source.batch_size or min(rows, source.rows)
    with closing(source.pass_over(size, 1, Reading(size, None), 0, lambda _: None)) as chunks:
        for chunk in chunks:
            yield Dataset(*(map_arrays(lambda array: array[0], part) for part in chunk.data))


def joined(pieces: list[Dataset]) -> Dataset:
    """Rows one after another."""

    def join(part: str) -> Any:
        columns = zip(*(leaves(getattr(piece, part)) for piece in pieces), strict=True)
        arrays = iter([np.concatenate([array for _, array in column]) for column in columns])
        return map_arrays(lambda _: next(arrays), getattr(pieces[0], part))

    return Dataset(join("x"), join("y"), join("sample_weight"))
