"""The validation rows that `validation_split` takes."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from ridgeway.data.dataset import Dataset, leaves
from ridgeway.errors import InputError
from ridgeway.telling import warn

# A difference is told of when chance would hardly bring it and it is large enough to matter.
_CHANCE = 1e-4
_LARGE_SHARE = 0.1
_LARGE_DISTANCE = 0.2


def split_tail(dataset: Dataset, fraction: float) -> tuple[Dataset, Dataset]:
    """Cuts the last rows off for validation, unshuffled, as `fit(validation_split=)` does.

    Args:
        dataset: all rows.
        fraction: share of the rows, in (0, 1).

    Returns:
        Training and validation rows; training has floor(rows · (1 − fraction)).

    Raises:
        InputError: the fraction is out of range, or leaves one side empty.

    Warns:
        UserWarning: the tail's labels are plainly distributed otherwise than the rest's.
    """
    cut = cut_of(dataset.rows, fraction)
    train = dataset.map(lambda array: array[:cut])
    tail = dataset.map(lambda array: array[cut:])
    warn_of_difference(train.y, tail.y, dataset.rows - cut)
    return train, tail


def cut_of(rows: int, fraction: float) -> int:
    """How many of the rows are left to train on: floor(rows · (1 − fraction)).

    Raises:
        InputError: the fraction is out of range, or leaves one side empty.
    """
    if not 0 < fraction < 1:
        raise InputError(f"validation_split={fraction:g} is out of range. Pass a share above 0 and below 1.")
    cut = math.floor(rows * (1.0 - fraction))
    if cut in (0, rows):
        raise InputError(
            f"validation_split={fraction:g} of {rows} rows leaves one side empty. Pass more rows, another share, or "
            "validation_data."
        )
    return cut


def warn_of_difference(first: object, tail: object, rows: int) -> None:
    """Warns where the labels of the tail, of so many rows, are plainly distributed otherwise than the first ones."""
    difference = _difference(first, tail)
    if difference:
        warn(
            f"validation_split takes the last {rows} rows as they come, and their labels differ from the rest: "
            f"{difference}. Shuffle the rows before fit_path, or pass validation_data."
        )


def _difference(first: object, second: object) -> str | None:
    """What plainly differs between two sets of labels, of one output or several, or None."""
    for (where, one), (_, other) in zip(leaves(first), leaves(second), strict=True):
        difference = _difference_of_output(np.asarray(one), np.asarray(other))
        if difference:
            return f"in y{where} {difference}" if where else difference
    return None


def _difference_of_output(first: np.ndarray, second: np.ndarray) -> str | None:
    classes = _classes(first, second)
    if classes is not None:
        return _class_difference(*classes)
    if first.ndim > 2:
        # Images and sequences: what differs there between parts is no matter of labels.
        return None
    columns = first.reshape(len(first), -1), second.reshape(len(second), -1)
    for column, (one, other) in enumerate(zip(columns[0].T, columns[1].T, strict=True)):
        test = stats.ks_2samp(one, other)
        if test.pvalue < _CHANCE / columns[0].shape[1] and test.statistic > _LARGE_DISTANCE:
            named = "their mean" if columns[0].shape[1] == 1 else f"the mean of column {column}"
            return f"{named} is {other.mean():.3g} against {one.mean():.3g}"
    return None


def _classes(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Labels as class numbers, where they are classes."""
    if first.ndim == 2 and first.shape[1] > 1:
        one_hot = ((first == 0) | (first == 1)).all() and (first.sum(axis=1) == 1).all()
        return (first.argmax(1), second.argmax(1)) if one_hot else None
    if first.size != len(first):
        return None
    flat = first.ravel(), second.ravel()
    whole = all((values == np.floor(values)).all() for values in flat)
    few = len(np.unique(flat[0])) <= max(2, min(1000, len(flat[0]) // 2))
    return flat if whole and few else None


def _class_difference(first: np.ndarray, second: np.ndarray) -> str | None:
    labels = np.union1d(first, second)
    counts = np.array([[np.sum(values == label) for label in labels] for values in (first, second)])
    if len(labels) < 2:
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    gap = np.abs(shares[1] - shares[0])
    missing = labels[(counts[0] > 0) & (counts[1] == 0)]
    if stats.chi2_contingency(counts).pvalue >= _CHANCE or gap.max() < min(_LARGE_SHARE, 0.5 * shares.max()):
        return None
    worst = int(gap.argmax())
    text = f"class {labels[worst]:g} is {shares[1, worst]:.0%} of them against {shares[0, worst]:.0%}"
    return text + (f", and {len(missing)} classes are missing" if len(missing) else "")
