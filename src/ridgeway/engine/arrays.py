"""Arrays as training reads them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.data import Dataset


def as_arrays(dataset: Dataset) -> Dataset:
    """NumPy arrays in the dtypes that `fit` would train on: floats as `keras.config.floatx()`, integers as they are.

    Args:
        dataset: arrays, DataFrames or nested structures of them.
    """
    return dataset.map(_array)


def _array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    if np.issubdtype(array.dtype, np.floating) and array.dtype != keras.config.floatx():
        array = array.astype(keras.config.floatx())
    return array
