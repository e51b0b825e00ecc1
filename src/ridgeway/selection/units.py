"""Which lanes are one witness: what errors and intervals are taken over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Units:
    """What the folds of a run have in common.

    Repeats of a fold were judged on the same rows, so their mean is one number, and so are folds that hold out the same
    rows. Where folds share only some of these, as with `RepeatedKFold` or `ShuffleSplit`, their numbers are correlated,
    and the spread between them is no measure of how far their mean is off: its variance is taken as
    s² (1/n + held out/trained on) in the place of s²/n (Nadeau & Bengio 2003, Inference for the Generalization Error,
    Machine Learning 52; Bouckaert & Frank 2004 for repeated cross-validation). To count overlapping folds as one unit
    would be safe too, but leave no interval at all for these splitters.

    Attributes:
        same: of each fold, the number of the first that holds out the same rows; empty where each has rows of its own.
        shared: held-out rows over training rows where folds overlap, else 0.
    """

    same: tuple[int, ...] = ()
    shared: float = 0.0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Units:
        """Reads a path's record; runs of before have no such lines, and their folds count as independent."""
        folds = record.get("folds") or {}
        return cls(tuple(folds.get("units", ())), float(folds.get("shared", 0.0)))

    def of_lanes(self, table: pd.DataFrame) -> pd.Series | None:
        """The unit of each lane, int `(lane,)`; None where lanes have one fold, so that repeats are the units."""
        if "fold" not in table or table["fold"].nunique() < 2:
            return None
        return table["fold"].map(dict(enumerate(self.same))) if self.same else table["fold"]

    def error(self, numbers: np.ndarray) -> float:
        """The standard error of the mean of numbers by unit, float64 `(unit,)`; NaN for fewer than two."""
        if len(numbers) < 2:
            return math.nan
        return float(numbers.std(ddof=1) * math.sqrt(1 / len(numbers) + self.shared))
