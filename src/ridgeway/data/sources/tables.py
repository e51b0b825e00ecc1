"""`pyarrow.dataset`: Parquet read in place; CSV and all else copied once into a temporary file."""

from __future__ import annotations

import contextlib
import difflib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
from pyarrow import csv

from ridgeway.data.dataset import Dataset
from ridgeway.data.sources.arrays import ArraySource
from ridgeway.data.sources.source import RowSource
from ridgeway.errors import InputError
from ridgeway.telling import warn

# Rows of a CSV that are copied at a time.
_COPIED = 1 << 15
_PARTS = ("x", "y", "sample_weight")
# Bytes of a row group, as float32, from which on one is too large to keep several in memory.
_LARGE = 1 << 28


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what.

    Attributes:
        x: names of the features, all numeric.
        y: name of the label, None for none.
        weight: name of the weight of a row, None for none.
        floats: dtype of features and of other floating numbers.
    """

    x: tuple[str, ...]
    y: str | None
    weight: str | None
    floats: np.dtype

    @classmethod
    def of(cls, schema: pa.Schema, name: str, y: Any, weight: Any, floats: np.dtype, labelled: bool = True) -> Columns:
        """Takes all columns but those of label and weight for features.

        Raises:
            InputError: a column that is not there, or that does not hold numbers.
        """
        for what, column in (("y", y), ("sample_weight", weight)):
            if column is None and (what == "sample_weight" or not labelled):
                continue
            if not isinstance(column, str):
                raise InputError(f"{name} is a table, and {what} is {type(column).__name__}. Pass a column's name.")
            if column not in schema.names:
                near = difflib.get_close_matches(column, schema.names, n=3, cutoff=0.4) or schema.names[:8]
                raise InputError(f"{what}={column!r} is no column of {name}. The nearest are {', '.join(near)}.")
        x = tuple(column for column in schema.names if column not in (y, weight))
        if not x:
            raise InputError(f"{name} has no column beside {y!r}. Pass a table with features.")
        for column in schema.names:
            kind = schema.field(column).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
                raise InputError(
                    f"Column {column!r} of {name} holds {kind}, and rows that are streamed must be numbers. Encode it "
                    "first, leave it out, or read the table into memory: ridgeway.PathClassifier takes such columns."
                )
        return cls(x, y, weight, floats)

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.x, *(name for name in (self.y, self.weight) if name is not None)]

    def rows(self, table: pa.Table) -> Dataset:
        """Rows as arrays: features `(row, feature)`."""
        x = np.empty((table.num_rows, len(self.x)), self.floats)
        for place, name in enumerate(self.x):
            x[:, place] = _column(table, name)
        return Dataset(x, self.label(table), None if self.weight is None else _column(table, self.weight))

    def label(self, table: pa.Table) -> np.ndarray | None:
        """The labels alone."""
        return None if self.y is None else _column(table, self.y)


def _column(table: pa.Table, name: str) -> np.ndarray:
    column = table.column(name)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    return np.asarray(column.to_numpy())


class ParquetSource(RowSource):
    """Row groups of Parquet files. Blocks are whole row groups, for a part of one can't be read by itself."""

    def __init__(self, dataset: pads.Dataset, files: Sequence[Any], columns: Columns, name: str) -> None:
        self.name, self.floats = name, columns.floats
        self._dataset, self._columns = dataset, columns
        self._groups = list(_row_groups(files))
        self._edges = np.cumsum([0, *(count for _, _, count in self._groups)])
        self.rows = int(self._edges[-1])
        largest = int(np.diff(self._edges).max(initial=0))
        if largest * len(columns.x) * self.floats.itemsize > _LARGE:
            warn(
                f"A row group of {name} has {largest} rows, and two at least are in memory at a time. Write the file "
                "with smaller ones: pyarrow.parquet.write_table(..., row_group_size=50_000)."
            )

    def edges(self, rows: int) -> np.ndarray:
        """See the base class; at the borders of row groups, with at least so many rows between two."""
        edges = [0]
        for edge in self._edges[1:]:
            if edge - edges[-1] >= rows or edge == self.rows:
                edges.append(int(edge))
        return np.array(edges)

    def block(self, start: int, stop: int) -> Dataset:
        """See the base class."""
        return self._columns.rows(self._table(start, stop, self._columns.names))

    def labels(self, start: int, stop: int) -> Any:
        """See the base class."""
        if self._columns.y is None:
            return None
        return self.converted(self._columns.label(self._table(start, stop, [self._columns.y])))

    def release(self) -> None:
        """Gives back what Arrow keeps for later."""
        pa.default_memory_pool().release_unused()

    def _table(self, start: int, stop: int, names: list[str]) -> pa.Table:
        first = int(np.searchsorted(self._edges, start, side="right")) - 1
        last = int(np.searchsorted(self._edges, stop, side="left"))
        tables = [
            fragment.subset(row_group_ids=[group]).to_table(schema=self._dataset.schema, columns=names)
            for fragment, group, _ in self._groups[first:last]
        ]
        table = pa.concat_tables(tables).slice(start - int(self._edges[first]), stop - start)
        _refuse_missing(table, self.name, start)
        return table


def _refuse_missing(table: pa.Table, name: str, start: int) -> None:
    for column in table.column_names:
        if count := table.column(column).null_count:
            last = start + table.num_rows - 1
            raise InputError(
                f"Column {column!r} of {name} has {count} missing cells in rows {start} to {last}. Fill them in or "
                "drop those rows."
            )


def _parquet_files(dataset: pads.Dataset) -> list[Any]:
    """The Parquet files of which a dataset is all rows; none where it is something else, or has a filter."""
    if not isinstance(getattr(dataset, "format", None), pads.ParquetFileFormat):
        return []
    try:
        fragments = list(dataset.get_fragments())
    except ValueError:
        # Newer versions of Arrow refuse to part a filtered dataset; older ones forget the filter.
        return []
    return fragments if sum(count for _, _, count in _row_groups(fragments)) == dataset.count_rows() else []


def _row_groups(files: Sequence[Any]) -> Iterator[tuple[Any, int, int]]:
    """Each row group that has rows: its file, its number there, and its rows."""
    for file in files:
        file.ensure_complete_metadata()
        yield from ((file, group.id, group.num_rows) for group in file.row_groups if group.num_rows)


def table_source(
    dataset: pads.Dataset, y: Any, weight: Any, floats: np.dtype, name: str, labelled: bool = True
) -> RowSource:
    """A source of a table's rows.

    Args:
        dataset: Parquet is read in place, row group by row group. Rows of any other kind have no place by which they
            could be read in another order, or are slow to parse: they are copied once into a temporary file, as
            numbers.
        y: name of the column with the labels.
        weight: name of the column with the weights of rows, or None.
        floats: dtype of features.
        name: what messages call it.
        labelled: whether there must be labels.

    Raises:
        InputError: columns that are not there or not numeric, no rows, or a file that can't be read.
    """
    columns = Columns.of(dataset.schema, name, y, weight, floats, labelled)
    try:
        fragments = _parquet_files(dataset)
        if fragments:
            return ParquetSource(dataset, fragments, columns, name)
        return _copied(dataset, columns, name)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{name} can't be read: {' '.join(str(error).split())[:300]}") from error


class CopiedSource(ArraySource):
    """Rows in temporary files of this process; another one copies them for itself."""

    def __init__(self, rows: Dataset, dataset: pads.Dataset, columns: Columns, name: str) -> None:
        super().__init__(rows, columns.floats, name)
        self._made_of = dataset, columns, name

    def __reduce__(self) -> tuple[Any, ...]:
        dataset, _, name = self._made_of
        if not isinstance(dataset, pads.FileSystemDataset):
            raise InputError(
                f"{name} is a {type(dataset).__name__} of this process, in memory or filtered, which other machines "
                "can't read. Write it by pyarrow.dataset.write_dataset where each node can read it, and pass that path."
            )
        return _copied, self._made_of


def _copied(dataset: pads.Dataset, columns: Columns, name: str) -> ArraySource:
    """The rows in temporary files, which are gone with the source."""
    rows = 0
    with contextlib.ExitStack() as stack:
        # Without names: the disk is free again when nothing reads them any more, however the process ends.
        files = {part: stack.enter_context(tempfile.TemporaryFile()) for part in _PARTS}
        first: Dataset | None = None
        batches = dataset.to_batches(
            columns=columns.names, batch_size=_COPIED, batch_readahead=2, fragment_readahead=1, use_threads=False
        )
        for batch in batches:
            table = pa.Table.from_batches([batch])
            _refuse_missing(table, name, rows)
            piece = columns.rows(table)
            first = first or piece
            for part in _PARTS:
                array = getattr(piece, part)
                if array is not None:
                    array.tofile(files[part])
            rows += batch.num_rows
        if not rows or first is None:
            raise InputError(f"{name} holds no rows. Pass at least one.")

        def mapped(part: str) -> np.ndarray | None:
            array = getattr(first, part)
            files[part].flush()
            return None if array is None else np.memmap(files[part], array.dtype, "r", shape=(rows, *array.shape[1:]))

        return CopiedSource(Dataset(*map(mapped, _PARTS)), dataset, columns, name)


def remote_dataset(address: str, files: Any, path: str) -> pads.Dataset:
    """A Parquet file, or a folder of them, on shared storage.

    Args:
        address: as it was given, for messages.
        files: the file system, of fsspec.
        path: where it stands there.

    Raises:
        InputError: it can't be read.
    """
    try:
        return pads.dataset(path, format="parquet", filesystem=files, partitioning="hive")
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"'{address}' can't be read: {' '.join(str(error).split())[:300]}") from error


def file_dataset(path: Path, y: Any) -> pads.Dataset:
    """A CSV file, a Parquet file, or a folder of Parquet files.

    Raises:
        InputError: the file can't be read.
    """
    try:
        if path.is_dir() or path.suffix.lower() in (".parquet", ".pq"):
            return pads.dataset(path, format="parquet", partitioning="hive" if path.is_dir() else None)
        options = csv.ParseOptions(delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        guessed = pads.dataset(path, format=pads.CsvFileFormat(options)).schema
        # Kinds are guessed by the first rows: whole numbers there may have fractions further down.
        wide = {
            field.name: pa.float64()
            for field in guessed
            if field.name != y and (pa.types.is_integer(field.type) or pa.types.is_null(field.type))
        }
        convert = csv.ConvertOptions(column_types=wide)
        return pads.dataset(path, format=pads.CsvFileFormat(options, convert_options=convert))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"'{path}' can't be read: {' '.join(str(error).split())[:300]}") from error
