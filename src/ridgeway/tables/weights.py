"""Weights of rows, from those given and from classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

from ridgeway.errors import InputError

# Weights beyond this are divided by the largest, so that no sum or product of them overflows; they can't be counts.
_LARGEST = 1e100


def within_range(weights: np.ndarray) -> np.ndarray:
    """Weights in the same proportions whose sums and products are finite.

    Args:
        weights: finite float64 `(row,)`, none negative.
    """
    largest = weights.max(initial=0.0)
    # What is that large or that small is no count: only proportions matter.
    return weights / largest if largest > _LARGEST or 0 < largest < 1 / _LARGEST else weights


def checked_weights(sample_weight: Any, rows: int) -> np.ndarray | None:
    """`sample_weight` as float64 `(row,)`, or None.

    Raises:
        ValueError: scikit-learn's, of weights that are not finite numbers.
        InputError: their number is not that of the rows, or one is negative.
    """
    if sample_weight is None:
        return None
    weights = check_array(
        sample_weight,
        ensure_2d=False,
        allow_nd=True,
        dtype=np.float64,
        input_name="sample_weight",
        ensure_min_samples=0,
    )
    if weights.shape != (rows,):
        raise InputError(f"sample_weight has the shape {weights.shape}, and X has {rows} rows. Pass one weight a row.")
    if (weights < 0).any():
        place = int((weights < 0).argmax())
        raise InputError(f"sample_weight is {weights[place]:g} in row {place}. Pass weights from 0.")
    return within_range(weights)


def class_weights(given: Any, classes: Sequence[Any], codes: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The weight of each class, float64 `(class,)`.

    Args:
        given: "balanced" for weights by which all classes weigh the same together, as in scikit-learn; or a weight by
            label, 1 for labels that are not named.
        classes: labels.
        codes: class number of each row.
        weights: of the rows, or None.

    Raises:
        InputError: `given` is neither; it leaves a label out and names one that is not there, as one that is misspelt
            would; or it has a weight that is no finite number from zero.
    """
    if isinstance(given, str) and given == "balanced":
        shares = np.bincount(codes, weights=weights, minlength=len(classes)).astype(np.float64)
        present = shares > 0
        found = np.zeros(len(classes))
        found[present] = shares.sum() / (present.sum() * shares[present])
        return found
    if not isinstance(given, Mapping):
        raise InputError(f"class_weight={given!r} is unknown. Pass None, 'balanced' or a weight by label.")
    unknown = [label for label in given if label not in classes]
    unnamed = [label for label in classes if label not in given]
    if unknown and unnamed:
        raise InputError(
            f"class_weight names the label {unknown[0]!r}, which y does not have, and leaves {unnamed[0]!r} out."
        )
    for label, weight in given.items():
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise InputError(f"class_weight gives {label!r} the weight {weight!r}. Pass a finite number from 0.")
    return within_range(np.array([given.get(label, 1.0) for label in classes], np.float64))
