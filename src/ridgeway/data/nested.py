"""Nested cross-validation: outer folds, each with folds of its own among the rows that it trains on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset
from ridgeway.data.folds import Folds, folds_of
from ridgeway.errors import InputError


@dataclass(frozen=True)
class Nested:
    """Row numbers by outer fold and by the folds within each.

    Attributes:
        name: of the outer splitter, for the record.
        held_out: int32 row numbers that each outer fold sets aside, by outer fold.
        inner: the folds of each outer fold, among its other rows; row numbers are those of the whole.
    """

    name: str
    held_out: tuple[np.ndarray, ...]
    inner: tuple[Folds, ...]

    def __len__(self) -> int:
        """Number of outer folds."""
        return len(self.held_out)

    @property
    def outer(self) -> tuple[int, ...]:
        """The outer fold of each inner fold, in the order of `flat`."""
        return tuple(number for number, folds in enumerate(self.inner) for _ in range(len(folds)))

    def flat(self) -> Folds:
        """The inner folds of all outer folds, one after another."""
        return Folds(
            self.name,
            tuple(rows for folds in self.inner for rows in folds.train),
            tuple(rows for folds in self.inner for rows in folds.held_out),
        )

    def first(self, outer: int) -> int:
        """The place of an outer fold's first inner fold in `flat`."""
        return [0, *accumulate(map(len, self.inner))][outer]


def nested_of(nested: Any, cv: Any, dataset: Dataset, classes: bool, groups: Any = None, seed: int = 0) -> Nested:
    """Splits rows into outer folds, and the rows that each trains on into folds by `cv`.

    Args:
        nested: number of outer folds, at least 2, or a splitter or row numbers, as `cv` in `folds_of`.
        cv: number of inner folds, or a splitter.
        dataset: all rows.
        classes: whether the labels are classes.
        groups: group of each row.
        seed: of the shuffling.

    Raises:
        InputError: as `folds_of`; `cv` is row numbers, which hold for all rows only; an outer fold parts a group.
    """
    if not (isinstance(cv, int | np.integer) or hasattr(cv, "split")):
        raise InputError(
            "nested splits each outer fold's rows by cv anew, and row numbers hold for all rows only. Pass cv as a "
            "number of folds or a splitter."
        )
    given = None if groups is None else np.asarray(groups)
    outer = folds_of(nested, dataset, classes, groups, seed, "nested")
    inner = []
    for number, (rows, held) in enumerate(zip(outer.train, outer.held_out, strict=True)):
        if given is not None and (parted := np.intersect1d(given[rows], given[held])).size:
            raise InputError(
                f"Fold {number} of nested holds out rows of group {parted[0]!r} and trains on others of it. Pass a "
                "number of folds, or a splitter that keeps groups together."
            )
        try:
            folds = folds_of(cv, dataset.take(rows), classes, None if given is None else given[rows], seed)
        except InputError as error:
            raise InputError(f"In fold {number} of nested: {error}") from None
        inner.append(Folds(folds.name, *(tuple(rows[each] for each in side) for side in (folds.train, folds.held_out))))
    return Nested(outer.name, outer.held_out, tuple(inner))
