"""Arrays as training reads them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.data import Dataset, lists_as_arrays
from ridgeway.errors import InputError


def as_arrays(dataset: Dataset, model: keras.Model | None = None) -> Dataset:
    """NumPy arrays in the dtypes that `fit` would train on: floats as `keras.config.floatx()`, integers as they are.

    Args:
        dataset: arrays, DataFrames, lists of numbers, or nested structures of them.
        model: says how many inputs and outputs a list of lists may stand for; without it, and before it is built, one.

    Raises:
        InputError: something can't be read as an array.
    """
    inputs, outputs = _places(model, "inputs"), _places(model, "outputs")
    return Dataset(
        lists_as_arrays("x", dataset.x, inputs),
        lists_as_arrays("y", dataset.y, outputs),
        lists_as_arrays("sample_weight", dataset.sample_weight, outputs),
    ).map(_array)


def _places(model: keras.Model | None, which: str) -> int:
    # A subclassed model has none of these.
    known = getattr(model, which, None) if model is not None and model.built else None
    return len(known) if known else 1


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
