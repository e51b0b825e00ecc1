"""What files say that they hold, compared with what they are, before anything of that size is made.

A few bytes can claim any number of rows, and a small archive can unpack to more than there is memory.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from ridgeway.errors import InputError
from ridgeway.files import in_bytes
from ridgeway.memory import memory

# A file of a run may unpack to so many times its size: Keras does not compress, and measured numbers hardly shrink.
_MOST_TIMES = 100
# So much may be claimed by a file of any size.
_ALWAYS = 64 << 20
#: So many times at most data of the user's own may unpack to: deflate reaches no more.
DEFLATE = 1032


def check_size(file: Path, claimed: int, times: int | None = _MOST_TIMES) -> None:
    """Checks that a file can hold what it claims to, and that it fits into memory; arguments as in `check_claim`.

    Raises:
        InputError: it can't.
    """
    check_claim(file, claimed, file.stat().st_size, times)


def check_claim(file: Path, claimed: int, stored: int, times: int | None = _MOST_TIMES) -> None:
    """Checks what is claimed against the bytes behind it, and against memory.

    Args:
        file: the file, or the directory of several.
        claimed: bytes, once it is unpacked.
        stored: bytes on the disk.
        times: how many times its size a file of this kind may unpack to; None where it may shrink to any size.

    Raises:
        InputError: it can't.
    """
    if times is not None and claimed > max(_ALWAYS, times * stored):
        raise InputError(
            f"'{file}' has {in_bytes(stored)} and claims to hold {in_bytes(claimed)}, as no sound file does. Restore "
            "it from a copy, or leave it alone if it is a stranger's."
        )
    total = memory().total
    if total is not None and claimed > total:
        raise InputError(
            f"'{file}' holds {in_bytes(claimed)}, more than the {in_bytes(total)} of this machine's memory. Pass fewer "
            "rows, or use a larger machine."
        )


def check_archive(file: Path) -> None:
    """Checks a zip file of a model before it is unpacked.

    Raises:
        InputError: its files are larger than such an archive can hold.
        zipfile.BadZipFile: it is none.
    """
    with zipfile.ZipFile(file) as archive:
        check_size(file, sum(max(one.file_size, one.compress_size) for one in archive.infolist()))


def check_parquet(file: Path, times: int | None = _MOST_TIMES) -> None:
    """Checks a Parquet file by its footer.

    Args:
        file: the file.
        times: as in `check_size`.

    Raises:
        InputError: it claims more rows than it can hold.
    """
    import pyarrow.parquet

    about = pyarrow.parquet.read_metadata(file)
    groups = sum(about.row_group(place).num_rows for place in range(about.num_row_groups))
    # Eight bytes a number; a text has a pointer of as much.
    check_size(file, max(about.num_rows, groups) * max(about.num_columns, 1) * 8, times)


def check_npy(file: Path, stream: IO[bytes], size: int) -> None:
    """Checks an array of an `.npz` by its header: NumPy makes room for all of it before it reads on.

    Args:
        file: the archive.
        stream: at the array's beginning.
        size: bytes from there to the array's end.

    Raises:
        InputError: the header claims another shape.
        ValueError: it is no header.
    """
    shape, _, dtype = npy_header(stream)
    # Objects are pickled, and NumPy is told to refuse them.
    if not dtype.hasobject and (left := size - stream.tell()) != math.prod(shape) * dtype.itemsize:
        raise InputError(
            f"'{file}' has {left} bytes of data for an array of the shape {shape} that its header claims. Save it "
            "again by numpy.savez."
        )


def npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is laid out by columns, and dtype of a `.npy` array; the stream then stands at its data.

    Raises:
        ValueError: it is no header.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)
