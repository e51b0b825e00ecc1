"""`.npz` archives and IDX files, the format of MNIST."""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ridgeway.errors import InputError
from ridgeway.limits import DEFLATE, check_npy, check_size

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# Bytes read at a time.
_AT_ONCE = 1 << 24
_IDX_ENDINGS = ("-idx3-ubyte", "-idx1-ubyte", ".idx", ".idx3-ubyte", ".idx1-ubyte")

Pair = tuple[np.ndarray, np.ndarray | None]


def read_npz(file: Path) -> Pair:
    """Reads `x` and `y` (or `x_train` and `y_train`) of an archive; never unpickles.

    Raises:
        InputError: it is no archive, has no such arrays, or holds Python objects.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            for x_name, y_name in (("x", "y"), ("X", "y"), ("x_train", "y_train"), ("X_train", "y_train")):
                if x_name in archive.files:
                    named = [name for name in (x_name, y_name) if name in archive.files]
                    _check_arrays(file, named)
                    return archive[x_name], archive[y_name] if y_name in archive.files else None
            raise InputError(
                f"'{file}' holds the arrays {', '.join(archive.files) or 'none'}, and none is named x or x_train. "
                "Save it by numpy.savez(file, x=x, y=y)."
            )
    except InputError:
        raise
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"'{file}' can't be read as .npz: {error}. Save plain arrays by numpy.savez.") from None


def _check_arrays(file: Path, names: Sequence[str]) -> None:
    """Checks by the archive's directory and the arrays' headers that they fit into memory, before they are read."""
    with zipfile.ZipFile(file) as archive:
        members = [archive.getinfo(f"{name}.npy") for name in names]
        check_size(file, sum(one.file_size for one in members), DEFLATE)
        for one in members:
            with archive.open(one) as stream:
                check_npy(file, stream, one.file_size)


def is_idx(file: Path) -> bool:
    """Whether a file's name says that it is IDX, compressed or not."""
    name = file.name.removesuffix(".gz").lower()
    return name.endswith(_IDX_ENDINGS)


def read_idx(file: Path) -> np.ndarray:
    """One array of an IDX file, `.gz` or not.

    Raises:
        InputError: the file is no IDX, or shorter or longer than its header says.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            return _read_idx(file, cast(BinaryIO, stream))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"'{file}' can't be read: {error}. Pass an IDX file.") from None


def _read_idx(file: Path, stream: BinaryIO) -> np.ndarray:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _IDX_TYPES:
        raise InputError(f"'{file}' is no IDX file: it begins with {start.hex()}. Pass an IDX file such as MNIST's.")
    dimensions = start[3]
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise InputError(f"'{file}' ends inside its header. Fetch the file again.")
    shape = struct.unpack(f">{dimensions}I", sizes)
    dtype = np.dtype(_IDX_TYPES[start[2]])
    claimed = math.prod(shape) * dtype.itemsize
    # Before anything of that size is made: a header can claim any number of rows, and a small .gz hold as many.
    impossible = claimed > DEFLATE * file.stat().st_size
    if not impossible:
        check_size(file, claimed, None)
    wanted = (min(claimed, _AT_ONCE) if impossible else claimed) + 1
    content = bytearray()
    while len(content) < wanted and (part := stream.read(min(wanted - len(content), _AT_ONCE))):
        content += part
    if len(content) != claimed:
        found = f"more than {wanted - 1}" if len(content) == wanted else len(content)
        raise InputError(f"'{file}' has {found} bytes of data, not the shape {shape} of its header.")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def read_idx_pair(path: Path) -> Pair:
    """Images and labels: of a folder that holds a pair, or of an images file with its labels beside it.

    Raises:
        InputError: no pair is there.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    images = [file for file in files if is_idx(file) and "labels" not in file.name]
    if not images:
        raise InputError(f"'{path}' holds no IDX images. Pass a folder with files such as train-images-idx3-ubyte.gz.")
    # MNIST's own names: the larger part is called train.
    chosen = next((file for file in images if file.name.startswith("train")), images[0])
    labels = chosen.with_name(chosen.name.replace("images", "labels").replace("idx3", "idx1"))
    if labels == chosen or not labels.exists():
        if path.is_dir():
            raise InputError(f"'{chosen}' has no labels beside it. Add '{labels.name}'.")
        return read_idx(chosen), None
    return read_idx(chosen), read_idx(labels)


def holds_idx(path: Path) -> bool:
    """Whether a folder holds IDX files."""
    return path.is_dir() and any(is_idx(file) for file in path.iterdir())
