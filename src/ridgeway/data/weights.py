"""`class_weight` as weights of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeway.errors import InputError


def apply_class_weight(y: Any, class_weight: Mapping[int, float], sample_weight: Any = None) -> np.ndarray:
    """The weight of each row by its class, as `fit(class_weight=)` gives it.

    Args:
        y: integer labels `(row,)` or `(row, 1)`, or one-hot `(row, class)`.
        class_weight: weight by class; a class that is not named weighs 1.
        sample_weight: must be None, as in Keras.

    Returns:
        float32 `(row,)`.

    Raises:
        InputError: both weights are given, several outputs, or a key that is no class number.
    """
    if sample_weight is not None:
        raise InputError(
            "class_weight and sample_weight can't be given together. Multiply the class weights into sample_weight."
        )
    if not isinstance(y, np.ndarray):
        raise InputError("class_weight needs a model with one output. Pass sample_weight instead.")
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] != 1 else y.reshape(len(y), -1)[:, 0]
    labels = np.round(labels).astype(int)
    weights = np.ones(len(labels), np.float32)
    for label, weight in class_weight.items():
        if not isinstance(label, int | np.integer):
            raise InputError(f"class_weight names the class {label!r}. Name classes by their numbers, from 0.")
        weights[labels == label] = weight
    return weights
