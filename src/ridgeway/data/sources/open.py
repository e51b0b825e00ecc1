"""What can be streamed, and by which source."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset, map_arrays
from ridgeway.data.sources.arrays import ArraySource, is_mapped, mapped_npy, mapped_npz
from ridgeway.data.sources.remote import RemoteNpy, file_system, is_address
from ridgeway.data.sources.source import DataSource
from ridgeway.errors import InputError

_TABLES = (".csv", ".tsv", ".parquet", ".pq")


def is_streamed(x: Any) -> bool:
    """Whether inputs are read while lanes train.

    So are a path, a `pyarrow.dataset`, a memory-mapped array, a `keras.utils.PyDataset` and a `grain` data set; and a
    list or dict of arrays of which one is memory-mapped.
    """
    if isinstance(x, str | os.PathLike | DataSource) or _is_arrow(x) or _is_batches(x) or _is_grain(x):
        return True
    parts = x.values() if isinstance(x, Mapping) else x if isinstance(x, list | tuple) else (x,)
    return any(map(is_mapped, parts))


def open_source(x: Any, y: Any, sample_weight: Any, floats: np.dtype, labelled: bool = True) -> DataSource:
    """The source of rows.

    Args:
        x: what `is_streamed` knows, or arrays in memory.
        y: labels. With a table the name of their column; with arrays an array or the path of a `.npy` file; None where
            x holds the labels itself.
        sample_weight: weights of rows, likewise.
        floats: dtype of floating arrays.
        labelled: whether there must be labels; rows to predict have none.

    Raises:
        InputError: nothing of these, a file that can't be read, or labels where x has its own.
    """
    if isinstance(x, str | os.PathLike) and not labelled and str(x).lower().endswith(".npy"):
        return ArraySource(Dataset(_given(x), None), floats, f"'{x}'")
    if _is_batches(x) or _is_grain(x):
        if y is not None or sample_weight is not None:
            raise InputError(
                f"x is a {type(x).__name__}, which gives labels and weights itself. Pass None for y and sample_weight."
            )
        if _is_batches(x):
            from ridgeway.data.sources.batches import BatchSource

            return BatchSource(x, floats)
        from ridgeway.data.sources.records import RecordSource

        return RecordSource(x, floats)
    if _is_arrow(x):
        from ridgeway.data.sources.tables import table_source

        return table_source(x, y, sample_weight, floats, "the pyarrow dataset", labelled)
    if is_address(x):
        return _of_address(x, y, sample_weight, floats, labelled)
    if isinstance(x, str | os.PathLike):
        return _of_file(Path(x), y, sample_weight, floats, labelled)
    if y is None and not labelled:
        return ArraySource(Dataset(map_arrays(_array, x), None), floats)
    if y is None:
        raise InputError("y is None. Pass the labels, one row for each row of x; for an autoencoder pass x again.")
    return ArraySource(Dataset(*(map_arrays(_array, part) for part in (x, _given(y), _given(sample_weight)))), floats)


def _of_file(path: Path, y: Any, sample_weight: Any, floats: np.dtype, labelled: bool) -> DataSource:
    if not path.exists():
        raise InputError(f"There is no file or folder '{path}'. Check the path.")
    kind = path.suffix.lower()
    if path.is_dir() or kind in _TABLES:
        from ridgeway.data.sources.tables import file_dataset, table_source

        return table_source(file_dataset(path, y), y, sample_weight, floats, f"'{path}'", labelled)
    if kind == ".npy":
        x = mapped_npy(path)
    elif kind == ".npz":
        found = mapped_npz(path)
        pairs = (("x", "y"), ("X", "y"), ("x_train", "y_train"), ("X_train", "y_train"))
        names = next((pair for pair in pairs if pair[0] in found), None)
        if names is None:
            raise InputError(
                f"'{path}' holds the arrays {', '.join(found) or 'none'}, and none is named x or x_train. Save it by "
                "numpy.savez(file, x=x, y=y)."
            )
        x, y = found[names[0]], found.get(names[1]) if y is None else y
    else:
        raise InputError(
            f"'{path}' is of no kind that can be streamed. Pass .npy, .npz, CSV or Parquet, a folder of Parquet files, "
            "or a keras.utils.PyDataset that reads it."
        )
    if y is None and labelled:
        raise InputError(f"y is None, and '{path}' holds no labels. Pass an array of them, or the path of a .npy file.")
    parts = (x, *(map_arrays(_array, _given(part)) for part in (y, sample_weight)))
    return ArraySource(Dataset(*parts), floats, f"'{path}'")


def _of_address(address: str, y: Any, sample_weight: Any, floats: np.dtype, labelled: bool) -> DataSource:
    """Rows on shared storage: a `.npy` file, or Parquet; of all else only the local file is read."""
    if address.lower().endswith(".npy"):
        if y is None:
            raise InputError(
                f"y is None, and '{address}' holds no labels. Pass an array, or the address of a .npy file."
            )
        parts = (_given(address), *(map_arrays(_array, _given(part)) for part in (y, sample_weight)))
        return ArraySource(Dataset(*parts), floats, f"'{address}'")
    files, path = file_system(address)
    if path.lower().endswith((".parquet", ".pq")) or files.isdir(path):
        from ridgeway.data.sources.tables import remote_dataset, table_source

        return table_source(remote_dataset(address, files, path), y, sample_weight, floats, f"'{address}'", labelled)
    raise InputError(
        f"'{address}' is of no kind that can be read in place on shared storage. Pass .npy, Parquet or a folder of "
        "Parquet files, or copy it here."
    )


def _given(part: Any) -> Any:
    """Labels or weights, of a file where they are one."""
    if is_address(part):
        if not part.lower().endswith(".npy"):
            raise InputError(f"'{part}' is no .npy file. Pass an array, or the address of one that numpy.save wrote.")
        return RemoteNpy(part)
    if not isinstance(part, str | os.PathLike):
        return part
    path = Path(part)
    if path.suffix.lower() != ".npy" or not path.exists():
        raise InputError(
            f"{os.fspath(part)!r} is no .npy file. Pass an array, or the path of one that numpy.save wrote."
        )
    return mapped_npy(path)


def _array(value: Any) -> Any:
    return value if is_mapped(value) or isinstance(value, RemoteNpy) else np.asarray(value)


def _is_arrow(x: Any) -> bool:
    found = sys.modules.get("pyarrow.dataset")
    return found is not None and isinstance(x, found.Dataset)


def _is_batches(x: Any) -> bool:
    # The caller has imported Keras: a model is at hand.
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(x, keras.utils.PyDataset)


def _is_grain(x: Any) -> bool:
    # Neither is imported nor asked for unless somebody passes one.
    return type(x).__module__.partition(".")[0] == "grain"
