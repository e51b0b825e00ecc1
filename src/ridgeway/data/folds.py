"""Cross-validation: which rows each fold trains on, and which it holds out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset
from ridgeway.errors import InputError


@dataclass(frozen=True)
class Folds:
    """Row numbers by fold.

    Attributes:
        name: of the splitter, for the record.
        train: int32 row numbers that each fold trains on, in the splitter's order.
        held_out: int32 row numbers that each fold is judged on.
    """

    name: str
    train: tuple[np.ndarray, ...]
    held_out: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        """Number of folds."""
        return len(self.train)

    def fingerprint(self) -> str:
        """SHA-256 of which rows each fold trains on and holds out."""
        digest = hashlib.sha256()
        for rows in (*self.train, *self.held_out):
            digest.update(f"{len(rows)} ".encode() + np.asarray(rows, np.int64).tobytes())
        return digest.hexdigest()

    @cached_property
    def units(self) -> tuple[int, ...]:
        """Which folds hold out the same rows, as the number of the first of them: they are one witness, not several."""
        same: dict[tuple[int, ...], int] = {}
        return tuple(same.setdefault(tuple(np.sort(rows)), fold) for fold, rows in enumerate(self.held_out))

    @property
    def shared(self) -> float:
        """What folds have in common where some row is held out by several, as with `RepeatedKFold`; else 0.

        It is the mean number of held-out rows over the mean number of training rows, by which Nadeau & Bengio (2003,
        Inference for the Generalization Error, Machine Learning 52, equation 9) correct the variance of a mean over
        folds.
        """
        kept = sorted(set(self.units))
        held = np.concatenate([self.held_out[fold] for fold in kept])
        if len(np.unique(held)) == len(held):
            return 0.0
        return len(held) / sum(len(self.train[fold]) for fold in kept)

    def padded(self) -> np.ndarray:
        """The held-out rows as one table, int32 `(fold, row)`; shorter folds end in zeros."""
        return np.stack([pad(rows, max(map(len, self.held_out))) for rows in self.held_out])


def pad(rows: np.ndarray, length: int) -> np.ndarray:
    """Row numbers with zeros behind them, to a length."""
    return np.pad(rows, (0, length - len(rows)))


def folds_of(cv: Any, dataset: Dataset, classes: bool, groups: Any = None, seed: int = 0, name: str = "cv") -> Folds:
    """Splits rows into folds.

    Args:
        cv: number of folds, at least 2: shuffled by `seed`, stratified where `classes`, with whole groups held out
            where there are `groups`; or a scikit-learn splitter, such as `GroupKFold(5)` or `TimeSeriesSplit(5)`; or an
            iterable of `(train, held out)` row numbers.
        dataset: all rows.
        classes: whether the labels are classes.
        groups: group of each row.
        seed: of the shuffling.
        name: of the argument, for messages.

    Raises:
        InputError: fewer than two folds, more than there are rows of a class, or a splitter's own complaint; a fold
            that is empty, names a row that is not there, or trains on a row that it holds out.
    """
    # Imported here: runs without folds need none of it.
    from sklearn.model_selection import check_cv

    labels = class_numbers(dataset.y) if classes else None
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        if not 2 <= cv <= dataset.rows:
            raise InputError(
                f"{name}={cv} folds of {dataset.rows} rows. Pass at least 2, and at most one for each row."
            )
        splitter = _splitter(int(cv), labels is not None, groups is not None, seed)
        if labels is not None:
            rarest = int(np.unique(labels, return_counts=True)[1].min())
            if rarest < cv:
                raise InputError(
                    f"{name}={cv}, and the rarest class has {rarest} rows: some fold would hold out none. Pass fewer "
                    "folds, or a scikit-learn splitter such as KFold."
                )
    else:
        try:
            splitter = check_cv(cv)
        except ValueError as error:
            raise InputError(
                f"{name}={cv!r} can't be used ({error}). Pass a number of folds, a scikit-learn splitter, or an "
                "iterable of (train, held out) row numbers."
            ) from None
    if groups is not None and len(groups) != dataset.rows:
        raise InputError(f"groups has {len(groups)} values and x has {dataset.rows} rows. Pass one group a row.")
    given = labels if labels is not None else class_numbers(dataset.y)
    try:
        pairs = list(splitter.split(np.zeros((dataset.rows, 1)), given, groups))
    except (ValueError, TypeError) as error:
        raise InputError(f"The splitter {splitter!r} can't split these rows: {error}") from None
    kind = type(cv if hasattr(cv, "split") else splitter).__name__.removeprefix("_")
    folds = Folds(kind, *(tuple(_rows(name, pair[side], dataset.rows) for pair in pairs) for side in (0, 1)))
    for number, (train, held) in enumerate(zip(folds.train, folds.held_out, strict=True)):
        if not len(train) or not len(held):
            raise InputError(f"Fold {number} of {name} has {len(train)} rows to train on and {len(held)} held out.")
        both = np.intersect1d(train, held)
        if len(both):
            raise InputError(f"Fold {number} of {name} trains on row {both[0]}, which it also holds out.")
    if not len(folds):
        raise InputError(f"{name} gives no fold. Pass at least one pair of (train, held out) row numbers.")
    return folds


def _splitter(folds: int, classes: bool, grouped: bool, seed: int) -> Any:
    """The splitter that a number of folds stands for: rows of one group are never parted."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if grouped and not classes:
        # It balances the sizes of folds, for which it takes groups by their size: there is nothing to draw.
        return GroupKFold(folds)
    kind = StratifiedGroupKFold if grouped else StratifiedKFold if classes else KFold
    return kind(folds, shuffle=True, random_state=seed)


def class_numbers(y: Any) -> np.ndarray | None:
    """Labels as classes, `(row,)`; None where they are no single column of classes."""
    if not isinstance(y, np.ndarray):
        return None
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()
        return y.argmax(1) if one_hot else None
    if y.size != len(y):
        return None
    flat = y.reshape(-1)
    # Labels between 0 and 1 are shares, not classes.
    return flat.astype(np.int64) if (flat == np.floor(flat)).all() else None


def _rows(name: str, given: Any, rows: int) -> np.ndarray:
    numbers = np.asarray(given)
    if numbers.dtype == bool:
        numbers = np.flatnonzero(numbers)
    if numbers.ndim != 1 or (numbers.size and not np.issubdtype(numbers.dtype, np.integer)):
        raise InputError(f"A fold of {name} is {numbers.dtype} of shape {numbers.shape}. Pass row numbers.")
    outside = (numbers < 0) | (numbers >= rows)
    if outside.any():
        raise InputError(f"A fold of {name} names the row {numbers[outside][0]}, and there are {rows} rows, from 0.")
    return numbers.astype(np.int32)
