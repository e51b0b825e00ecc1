"""Arrays as training reads them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.data import Dataset
from ridgeway.errors import InputError


def as_arrays(dataset: Dataset) -> Dataset:
    """NumPy arrays in the dtypes that `fit` would train on: floats as `keras.config.floatx()`, integers as they are.

    Args:
        dataset: arrays, DataFrames or nested structures of them.

    Raises:
        InputError: something can't be read as an array.
    """
    return dataset.map(_array)


def _array(value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"A {type(value).__name__} among the data can't be read as an array ({error}). Pass NumPy arrays or "
            "DataFrames that hold all rows."
        ) from None
    if np.issubdtype(array.dtype, np.floating) and array.dtype != keras.config.floatx():
        array = array.astype(keras.config.floatx())
    return array
