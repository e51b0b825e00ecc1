"""Arrays as a source: in memory, or memory-mapped, of which only what is read comes into memory."""

from __future__ import annotations

import mmap
import socket
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset, leaves, map_arrays
from ridgeway.data.sources.source import RowSource
from ridgeway.errors import InputError, first_line
from ridgeway.limits import npy_header


class ArraySource(RowSource):
    """Rows of arrays.

    Args:
        dataset: arrays with the rows as leading axis, any of them memory-mapped.
        floats: dtype of floating arrays.
        name: what messages call it.

    Raises:
        InputError: arrays of different length, or without rows.
    """

    def __init__(self, dataset: Dataset, floats: np.dtype, name: str = "x") -> None:
        self.name, self.floats = name, floats
        self._dataset = dataset
        named = [
            (f"{part}{where}", array)
            for part in ("x", "y", "sample_weight")
            for where, array in leaves(getattr(dataset, part))
        ]
        for label, array in named:
            if array.ndim == 0 or not len(array):
                raise InputError(f"{label} of {name} holds no rows: its shape is {array.shape}. Pass at least one row.")
            if len(array) != len(named[0][1]):
                raise InputError(
                    f"{named[0][0]} of {name} has {len(named[0][1])} rows and {label} has {len(array)}. Pass arrays of "
                    "equal length."
                )
        self.rows = len(named[0][1])
        self._maps = [array for _, array in named if is_mapped(array)]
        self.in_memory = all(isinstance(array, np.ndarray) for _, array in named) and not self._maps

    def __getstate__(self) -> dict[str, Any]:
        """For another process: of what is mapped, the place in its file, which it must be able to read."""
        return {**self.__dict__, "_dataset": self._dataset.map(_unmapped), "_maps": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._dataset = self._dataset.map(lambda array: array.mapped() if isinstance(array, _InFile) else array)
        parts = (self._dataset.x, self._dataset.y, self._dataset.sample_weight)
        self._maps = [array for part in parts for _, array in leaves(part) if is_mapped(array)]

    def block(self, start: int, stop: int) -> Dataset:
        """See the base class."""
        return self._dataset.map(lambda array: np.asarray(array[start:stop]))

    def labels(self, start: int, stop: int) -> Any:
        """See the base class."""
        return map_arrays(lambda array: self.converted(array[start:stop]), self._dataset.y)

    def release(self) -> None:
        """Gives mapped pages back: the system would count them as this process's memory until it needs them."""
        for array in self._maps:
            # Of a private mapping ("c") that would undo what was written to it.
            if array.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
                array._mmap.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class _InFile:
    """Where a mapped array stands."""

    file: str
    dtype: np.dtype
    offset: int
    shape: tuple[int, ...]
    in_columns: bool

    def mapped(self) -> np.ndarray:
        try:
            return np.memmap(self.file, self.dtype, "r", self.offset, self.shape, "F" if self.in_columns else "C")
        except (OSError, ValueError) as error:
            raise InputError(
                f"'{self.file}' can't be read on {socket.gethostname()}: {first_line(error)}. Put it where each node "
                "can read it by this path."
            ) from None


def _unmapped(array: Any) -> Any:
    if not is_mapped(array):
        return array
    whole = array.flags.c_contiguous or array.flags.f_contiguous
    if array.filename is None or not whole:
        raise InputError(
            f"An array of shape {array.shape} is a part of a mapped file, which other machines can't find. Pass the "
            "path of a file that holds its rows and no others."
        )
    # A view of the mapping knows no offset of its own.
    start = array.__array_interface__["data"][0] - np.frombuffer(array._mmap, np.uint8).__array_interface__["data"][0]
    page = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
    return _InFile(str(array.filename), array.dtype, page + start, array.shape, not array.flags.c_contiguous)


def is_mapped(array: Any) -> bool:
    """Whether an array is on disk, mapped into memory."""
    return isinstance(array, np.memmap) and getattr(array, "_mmap", None) is not None


def mapped_npy(path: Path) -> np.ndarray:
    """The array of a `.npy` file, memory-mapped.

    Raises:
        InputError: the file can't be read, or holds Python objects.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"'{path}' can't be read as .npy: {error}. Save a plain array by numpy.save.") from None


def mapped_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed `.npz` archive by name, memory-mapped.

    Raises:
        InputError: the file is no archive of plain arrays, or is compressed.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            return {
                member.filename.removesuffix(".npy"): _mapped_member(path, file, member)
                for member in archive.infolist()
            }
    except InputError:
        raise
    except (OSError, ValueError, EOFError, struct.error, zipfile.BadZipFile) as error:
        raise InputError(f"'{path}' can't be read as .npz: {error}. Save plain arrays by numpy.savez.") from None


def _mapped_member(path: Path, file: Any, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        raise InputError(f"'{path}' is compressed, and its rows can't be read by their place. Save it by numpy.savez.")
    # What stands before a member's bytes: 30 of a header, its name, and an extra field that the directory may have
    # otherwise (PKWARE's APPNOTE, section 4.3.7).
    file.seek(member.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    file.seek(member.header_offset + 30 + name + extra)
    shape, in_columns, dtype = npy_header(file)
    if dtype.hasobject:
        raise InputError(f"'{member.filename}' of '{path}' holds Python objects. Save plain arrays by numpy.savez.")
    return np.memmap(path, dtype, "r", file.tell(), shape, "F" if in_columns else "C")
