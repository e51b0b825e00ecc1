"""Means over seeds with 95 % intervals (Student's t), and paired differences: lanes of one seed share their batches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats


class Interval(NamedTuple):
    """A mean and the half width of its 95 % interval, over `n` seeds."""

    mean: float
    half: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} ± {self.half:.2g}"

    @property
    def above(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.mean - self.half > 0

    @property
    def below(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.mean + self.half < 0


def interval(values: np.ndarray | pd.Series) -> Interval:
    """Of values, one a seed."""
    values = np.asarray(values, float)
    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return Interval(float(values.mean()), float(half), n)


def difference(first: pd.Series, second: pd.Series) -> Interval:
    """First less second, seed by seed; both indexed by repeat."""
    both = pd.concat([first, second], axis=1).dropna()
    return interval(both.iloc[:, 0] - both.iloc[:, 1])


def by_epoch(frame: pd.DataFrame, by: str) -> dict[object, pd.DataFrame]:
    """For each value of `by` a frame indexed by epoch with `mean` and `half`, over seeds."""
    result = {}
    for value, group in frame.groupby(by, sort=False):
        rows = {epoch: interval(part["value"])[:2] for epoch, part in group.groupby("epoch")}
        result[value] = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "half"])
    return result
