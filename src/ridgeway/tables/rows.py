"""Which rows are trained on, how often, how much each weighs, and in which folds they are held out.

A row of weight 3 has to count as three rows, and one of weight 0 as none. Whole numbers are therefore made true by
repetition, so that weights and repeated rows give the same network to the last digit; others weigh the loss.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.errors import InputError

# Whole weights are repeated as long as there are not more than so many times the rows; beyond, they weigh the loss.
_MOST_COPIES = 10

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Rows:
    """Rows to train on, as places among those given.

    Attributes:
        given: int64 `(row,)`: the place of each row among those given; a row that counts twice stands there twice.
        weights: float64 `(row,)` with mean 1, or None where all weigh the same.
    """

    given: np.ndarray
    weights: np.ndarray | None

    def taken(self, order: np.ndarray) -> Rows:
        """The rows in another order."""
        return Rows(self.given[order], None if self.weights is None else self.weights[order])


def weighted_rows(count: int, weights: np.ndarray | None) -> Rows:
    """The rows that weights leave.

    Args:
        count: number of rows given.
        weights: float64 `(row,)`, none negative, or None.

    Raises:
        InputError: all weights are zero.
    """
    every = np.arange(count)
    if weights is None:
        return Rows(every, None)
    if not weights.any():
        raise InputError("All weights of rows are zero: there is nothing to learn from. Pass one above zero at least.")
    whole = bool((weights == np.floor(weights)).all())
    if whole and weights.sum() <= _MOST_COPIES * count:
        return Rows(np.repeat(every, weights.astype(int)), None)
    kept = np.flatnonzero(weights)
    return Rows(kept, weights[kept] / weights[kept].mean())


def canonical_order(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """An order of rows that depends on what they hold only, not on how they were passed.

    Batches are drawn by place, so that without it the same table, shuffled, would give another network.
    """
    columns = [x, y.reshape(len(y), -1), np.zeros((len(y), 0)) if weights is None else weights[:, None]]
    keys = [np.ascontiguousarray(part).view(np.uint8).reshape(len(y), -1) for part in columns]
    whole = np.ascontiguousarray(np.concatenate(keys, axis=1))
    return np.argsort(whole.view(f"V{whole.shape[1]}")[:, 0], kind="stable")


def checked_groups(groups: Any, count: int) -> np.ndarray | None:
    """The number of each row's group, int64 `(row,)`; None where there are none.

    Raises:
        InputError: not one a row, or missing ones.
    """
    if groups is None:
        return None
    named = pd.Series(np.asarray(groups, dtype=object) if np.ndim(groups) == 1 else [])
    if len(named) != count:
        raise InputError(f"groups has shape {np.shape(groups)} and X has {count} rows. Pass one group a row.")
    if named.isna().any():
        raise InputError(f"groups has no value in row {int(named.isna().to_numpy().argmax())}. Name each row's group.")
    # Sorted, so that folds do not depend on the order of rows.
    return np.asarray(pd.factorize(named, sort=True)[0], np.int64)


def given_folds(cv: Any, count: int, y: np.ndarray, groups: np.ndarray | None = None) -> list[Fold] | None:
    """The folds of a splitter or of given row numbers, among the rows given; None where `cv` says how many or a share.

    Args:
        cv: as in an estimator.
        count: number of rows given.
        y: their labels.
        groups: their groups, or None.

    Raises:
        InputError: it is nothing that can be split by.
    """
    from sklearn.model_selection import check_cv

    if isinstance(cv, int | float | np.integer | np.floating) and not isinstance(cv, bool):
        return None
    try:
        splitter = check_cv(cv)
        pairs = splitter.split(np.empty(count), y, groups)
        return [(_numbers(train, count), _numbers(held, count)) for train, held in pairs]
    except (ValueError, TypeError, IndexError) as error:
        raise InputError(
            f"cv={cv!r} can't be used ({error}). Pass a number of folds, a share of the rows to hold out, a "
            "scikit-learn splitter, or an iterable of (train, held out) row numbers."
        ) from None


def drawn_folds(
    cv: Any, given: np.ndarray, y: np.ndarray, classes: bool, seed: int, groups: np.ndarray | None = None
) -> list[Fold]:
    """Folds by chance among the rows given, stratified where labels are classes and each has rows enough.

    Where there are groups, folds hold out whole ones.

    Args:
        cv: number of folds, at least 2 and made smaller where there are not so many rows; or a share of the rows, in
            (0, 1), to hold out once.
        given: places of the rows to train on, in the order in which they are drawn; see `Rows`.
        y: labels of those `(row, ...)`.
        classes: whether they are classes.
        seed: of the draw.
        groups: int64, of all rows given, or None.

    Raises:
        InputError: `cv` is neither, or fewer than two rows or groups.
    """
    from sklearn.model_selection import (
        GroupKFold,
        GroupShuffleSplit,
        KFold,
        ShuffleSplit,
        StratifiedGroupKFold,
        StratifiedKFold,
        StratifiedShuffleSplit,
    )

    # Copies of a row stay together: held out, it must not have been trained on.
    numbers, first = np.unique(given, return_index=True)
    first = np.sort(first)
    numbers, labels = given[first], y[first]
    if len(numbers) < 2:
        raise InputError("X has n_samples=1 row of a weight above zero, and folds need two at least. Pass more rows.")
    own = None if groups is None else groups[numbers]
    apart = len(numbers) if own is None else len(np.unique(own))
    if apart < 2:
        raise InputError("All rows are of one group, and folds hold out whole groups. Pass two groups at least.")
    largest = int(np.unique(labels, return_counts=True)[1].max()) if classes else 0
    splitter: Any
    if isinstance(cv, int | np.integer):
        if cv < 2:
            raise InputError(f"cv={cv} is no number of folds. Pass 2 or more; 3 is usual.")
        folds = min(int(cv), apart)
        stratified = classes and largest >= folds
        if own is not None and not stratified:
            splitter = GroupKFold(folds)
        else:
            kind: Any = StratifiedGroupKFold if own is not None else StratifiedKFold if stratified else KFold
            splitter = kind(folds, shuffle=True, random_state=seed)
    else:
        if not 0 < cv < 1:
            raise InputError(f"cv={cv!r} is no share to hold out. Pass one above 0 and below 1, or a number of folds.")
        held = min(max(round(cv * apart), 1), apart - 1)
        counts = np.unique(labels, return_counts=True)[1] if classes else np.zeros(1)
        both = counts.min() >= 2 and len(counts) <= min(held, len(numbers) - held)
        once: Any = GroupShuffleSplit if own is not None else StratifiedShuffleSplit if both else ShuffleSplit
        splitter = once(1, test_size=held, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer rows than folds: some fold holds out none of it, which harms nothing.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [(numbers[train], numbers[held]) for train, held in splitter.split(labels, labels, own)]


def folds_among(folds: Sequence[Fold], given: np.ndarray) -> list[Fold]:
    """Folds of the rows given as places among the rows that are trained on.

    Raises:
        InputError: weights leave a fold without a row on one side.
    """
    found = [tuple(np.flatnonzero(np.isin(given, side)) for side in fold) for fold in folds]
    for number, (train, held) in enumerate(found):
        if not len(train) or not len(held):
            raise InputError(
                f"Fold {number} of cv has {len(train)} rows of a weight above zero to train on and {len(held)} held "
                "out. Pass other folds, or other weights."
            )
    return [(train, held) for train, held in found]


def _numbers(given: Any, count: int) -> np.ndarray:
    # Row numbers or a mask; what lies outside is an IndexError. NumPy would count those below 0 from the end.
    given = np.asarray(given)
    if given.dtype != bool and given.size and given.min() < 0:
        raise IndexError(f"a fold names the row {given.min()}, and there are {count} rows, from 0")
    return np.arange(count)[given]
