"""`.keras` files, from anyone."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from ridgeway.limits import check_archive, check_hdf5

if TYPE_CHECKING:
    import keras


def read_model(file: Path) -> keras.Model:
    """Reads a model that Keras saved; a file from a stranger runs no code and unpacks to no more than it can hold.

    Args:
        file: a `.keras` file.

    Raises:
        InputError: it unpacks to too much.
        Exception: what Keras makes of a file that it can't read.
    """
    import h5py
    import keras

    if zipfile.is_zipfile(file):
        check_archive(file)
    elif h5py.is_hdf5(file):
        # Keras's older format.
        with file.open("rb") as content:
            check_hdf5(file, content)
    return keras.models.load_model(file, safe_mode=True)
