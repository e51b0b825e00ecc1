"""Files on shared storage, by their address: `s3://`, `gs://`, `file://` and what else fsspec knows."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from ridgeway.errors import InputError, first_line
from ridgeway.limits import npy_header

# Bytes in which the header of a `.npy` file ends: NumPy writes 128 for all but very long descriptions.
_HEADER = 1 << 16


def is_address(path: Any) -> bool:
    """Whether a text is an address such as "s3://bucket/x.npy"."""
    return isinstance(path, str) and "://" in path


def file_system(address: str) -> tuple[Any, str]:
    """What reads an address, and its path there.

    Raises:
        InputError: the scheme is unknown, or its package is not installed.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"'{address}' can't be opened: {first_line(error)}. Install what reads it, such as s3fs for s3:// or gcsfs "
            "for gs://."
        ) from None


class RemoteNpy:
    """The array of a `.npy` file on shared storage: rows are read when they are asked for, and no others.

    Args:
        address: of the file.

    Attributes:
        shape: of the array.
        dtype: of its elements.
        ndim: number of its axes.

    Raises:
        InputError: the file can't be read, is cut off, holds Python objects, or is laid out by columns.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._files, self._path = file_system(address)
        try:
            head = io.BytesIO(self._files.cat_file(self._path, start=0, end=_HEADER))
            self.shape, in_columns, self.dtype = npy_header(head)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"'{address}' can't be read as .npy: {first_line(error)}. Save a plain array by numpy.save."
            ) from None
        if self.dtype.hasobject or in_columns:
            what = "holds Python objects" if self.dtype.hasobject else "is laid out by columns"
            raise InputError(
                f"'{address}' {what}: its rows can't be read by their place. Save a plain array in C order."
            )
        self.ndim = len(self.shape)
        self._start = head.tell()
        self._row = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._check_length()

    def _check_length(self) -> None:
        needed = self._start + math.prod(self.shape) * self.dtype.itemsize
        # Some web servers don't tell.
        size = self._files.size(self._path)
        if size is not None and size < needed:
            raise InputError(
                f"'{self.address}' is cut off: its header claims an array of the shape {self.shape}, {needed} bytes in "
                f"all, and it has {size}. Copy it there again."
            )

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.shape[0])

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Rows that stand side by side, `(row, ...)`."""
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise IndexError(f"{self.address} gives rows that stand side by side, and the step is {step}.")
        stop = max(start, stop)
        if start == stop:
            return np.empty((0, *self.shape[1:]), self.dtype)
        try:
            content = self._files.cat_file(
                self._path, start=self._start + start * self._row, end=self._start + stop * self._row
            )
        except OSError as error:
            raise InputError(
                f"Rows {start} to {stop - 1} of '{self.address}' can't be read: {first_line(error)}. Check the storage."
            ) from error
        if len(content) != (stop - start) * self._row:
            raise InputError(
                f"Rows {start} to {stop - 1} of '{self.address}' came with {len(content)} bytes in place of "
                f"{(stop - start) * self._row}: the file changes, or the storage cuts answers off. Check the storage."
            )
        return np.frombuffer(content, self.dtype).reshape(stop - start, *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All rows."""
        return np.asarray(self[:], dtype)
