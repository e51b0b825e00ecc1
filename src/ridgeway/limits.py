"""What files say that they hold, compared with what they are, before anything of that size is made.

A few bytes can claim any number of rows, and a small archive can unpack to more than there is memory.
"""

from __future__ import annotations

import io
import math
import operator
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ridgeway.errors import InputError
from ridgeway.files import in_bytes, in_one_line
from ridgeway.memory import memory

if TYPE_CHECKING:
    import pyarrow as pa

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
    """Checks a zip file of a model before it is unpacked, and the weights in it.

    Raises:
        InputError: its files, or the arrays of its weights, are larger than such an archive can hold.
        zipfile.BadZipFile: it is none.
        OSError: what is called weights is no HDF5.
    """
    with zipfile.ZipFile(file) as archive:
        check_size(file, sum(max(one.file_size, one.compress_size) for one in archive.infolist()))
        for name in archive.namelist():
            if name.endswith(".h5"):
                check_hdf5(file, io.BytesIO(archive.read(name)))


def check_hdf5(file: Path, content: IO[bytes]) -> None:
    """Checks the arrays of an HDF5 file: one of which no part is stored has any size, and reads as zeros.

    Args:
        file: where it stands, for messages.
        content: the HDF5 file.

    Raises:
        InputError: they claim more than they have bytes for, or stand in other files.
        OSError: it is no HDF5.
    """
    import h5py

    claimed = stored = 0

    def add(name: str, item: Any) -> None:
        nonlocal claimed, stored
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            raise InputError(
                f"The weights '{in_one_line(name)}' of '{file}' stand in another file. Leave it alone if it is a "
                "stranger's, or save the model again."
            )
        claimed += item.size * item.dtype.itemsize
        stored += item.id.get_storage_size()

    with h5py.File(content, "r") as weights:
        weights.visititems(add)
    check_claim(file, claimed, stored)


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
    groups = [about.row_group(place) for place in range(about.num_row_groups)]
    rows = max(about.num_rows, sum(group.num_rows for group in groups))
    # Eight bytes a number; a text has a pointer of as much. A list has more values than rows.
    widths = [max(8, about.schema.column(place).length) for place in range(about.num_columns)]
    chunks = [[group.column(place) for group in groups] for place in range(about.num_columns)]
    values = [max(rows, sum(chunk.num_values for chunk in column)) for column in chunks]
    pages = sum(chunk.total_uncompressed_size for column in chunks for chunk in column)
    check_size(file, max(pages, rows * 8, sum(map(operator.mul, values, widths))), times)


def read_parquet(file: Path) -> pa.Table:
    """A Parquet file from anyone. A text that stands in it once, for any number of rows, is counted for each.

    Raises:
        InputError: it claims more than it can hold.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    check_parquet(file)
    about = pq.read_metadata(file)
    columns = [about.schema.column(place) for place in range(about.num_columns)]
    texts = [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
    table = pq.read_table(file, read_dictionary=texts)
    claimed = table.nbytes
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            # Lengths are taken, not texts.
            pieces = [pc.binary_length(piece.dictionary).take(piece.indices) for piece in column.chunks]
            claimed += sum(pc.sum(lengths).as_py() or 0 for lengths in pieces)
    check_size(file, claimed)
    plain = [
        pa.field(field.name, field.type.value_type, field.nullable, field.metadata)
        if pa.types.is_dictionary(field.type)
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain, table.schema.metadata))


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
