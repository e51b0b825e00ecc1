"""What is wrong with arrays before they are trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset, leaves
from ridgeway.errors import InputError


def check_dataset(dataset: Dataset) -> None:
    """Checks that arrays can be trained on.

    Raises:
        InputError: no rows; lengths that differ; NaN or infinity; text or objects where numbers belong.
    """
    if dataset.y is None:
        raise InputError("y is None. Pass the labels, one row for each row of x; for an autoencoder pass x again.")
    named = [
        (f"{part}{where}", np.asarray(value))
        for part in ("x", "y", "sample_weight")
        for where, value in leaves(getattr(dataset, part))
    ]
    if not leaves(dataset.x) or not leaves(dataset.y):
        raise InputError("x or y holds no array. Pass arrays with one row for each example.")
    for name, array in named:
        if array.ndim == 0:
            raise InputError(f"{name} is {array!r}, a single value. Pass an array with one row for each example.")
        if array.size == 0:
            raise InputError(f"{name} is empty: its shape is {array.shape}. Pass at least one row.")
    first_name, first = named[0]
    for name, array in named[1:]:
        if len(array) != len(first):
            raise InputError(
                f"{first_name} has {len(first)} rows and {name} has {len(array)}. Pass arrays of equal length."
            )
    for name, array in named:
        _check_numbers(name, array)


def _check_numbers(name: str, array: np.ndarray) -> None:
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool or array.dtype.name == "bfloat16"):
        example = array.reshape(-1)[0]
        raise InputError(
            f"{name} holds {array.dtype} values such as {example!r}, and the model wants numbers. Encode them first: "
            "labels and single columns with ridgeway.one_hot, whole tables with sklearn.preprocessing."
        )
    if np.issubdtype(array.dtype, np.integer) or array.dtype == bool:
        return
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(axis) for axis in np.argwhere(bad)[0])
        kind = "NaN" if np.isnan(array[place]) else "infinity"
        inside = f", place {place[1:]}" if len(place) > 1 else ""
        raise InputError(
            f"{name} holds {int(bad.sum())} values that are NaN or infinite; the first, {kind}, is in row {place[0]}"
            f"{inside}. Drop those rows or fill the values in."
        )


def _is_one_hot(labels: np.ndarray) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=-1) == 1).all())


def check_labels(y: Any, classes: int | None, loss: str, ignored: int | None = None) -> None:
    """Checks class labels against the model's output.

    Args:
        y: labels, leading axis the rows.
        classes: size of the model's last axis, None where it is not known.
        loss: name of the loss; only class losses are checked.
        ignored: a label that the loss leaves out (`ignore_class`).

    Raises:
        InputError: a label outside the classes, or labels of another width than the model's output.
    """
    labels = np.asarray(y)
    low = loss.lower().replace("_", "")
    if "sparsecategorical" in low and classes is not None:
        if classes > 1 and labels.ndim > 1 and labels.shape[-1] == classes and _is_one_hot(labels):
            raise InputError(
                f"y has the shape {labels.shape} and is one-hot, and {loss} wants the number of the class. Use "
                "y.argmax(axis=-1), or CategoricalCrossentropy."
            )
        outside = (labels < 0) | (labels >= classes) | (labels != np.floor(labels))
        if ignored is not None:
            outside &= labels != ignored
        if outside.any():
            place = int(np.argwhere(outside)[0][0])
            value = labels[outside].reshape(-1)[0]
            raise InputError(
                f"y holds the label {value:g} in row {place}, outside the model's {classes} classes 0 to {classes - 1}."
                f" Number the classes from 0, or give the last layer {int(np.max(labels)) + 1} units."
            )
    elif "categoricalcrossentropy" in low and classes is not None:
        if labels.ndim < 2 or labels.shape[-1] != classes:
            raise InputError(
                f"y has the shape {labels.shape}, and {loss} wants one column for each of the model's {classes} "
                "classes. Use keras.utils.to_categorical(y), or SparseCategoricalCrossentropy for integer labels."
            )
    elif "binarycrossentropy" in low:
        outside = (labels < 0) | (labels > 1)
        if outside.any():
            place = int(np.argwhere(outside)[0][0])
            raise InputError(
                f"y holds the label {labels[outside].reshape(-1)[0]:g} in row {place}, and {loss} wants labels from 0 "
                "to 1. Recode the two classes as 0 and 1."
            )
