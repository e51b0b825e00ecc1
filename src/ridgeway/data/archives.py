"""`.npz` archives and IDX files, the format of MNIST."""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
from pathlib import Path

import numpy as np

from ridgeway.errors import InputError

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
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
                    return archive[x_name], archive[y_name] if y_name in archive.files else None
            raise InputError(
                f"'{file}' holds the arrays {', '.join(archive.files) or 'none'}, and none is named x or x_train. "
                "Save it by numpy.savez(file, x=x, y=y)."
            )
    except InputError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"'{file}' can't be read as .npz: {error}. Save plain arrays by numpy.savez.") from None


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
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError) as error:
        raise InputError(f"'{file}' can't be read: {error}. Pass an IDX file.") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise InputError(
            f"'{file}' is no IDX file: it begins with {content[:4].hex()}. Pass an IDX file such as MNIST's."
        )
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise InputError(f"'{file}' ends inside its header. Fetch the file again.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    dtype = np.dtype(_IDX_TYPES[content[2]])
    # Compared before anything of that size is made: a header can claim any number of rows.
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise InputError(f"'{file}' has {len(content) - start} bytes of data, not the shape {shape} of its header.")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


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
