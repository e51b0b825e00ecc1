"""Rows that lanes did not train on, to judge them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgeway.data.dataset import Dataset


@dataclass(frozen=True)
class HeldOut:
    """The validation rows of a path.

    Attributes:
        dataset: all rows that some lane was judged on.
        folds: int64 row numbers that each fold held out, by fold; None where all lanes held out all rows.
    """

    dataset: Dataset
    folds: tuple[np.ndarray, ...] | None = None

    def rows(self, fold: int) -> np.ndarray:
        """Numbers of the rows that a lane of this fold was judged on."""
        return np.arange(self.dataset.rows) if self.folds is None else self.folds[fold]

    def of(self, fold: int) -> Dataset:
        """Those rows."""
        chosen: Any = self.rows(fold)
        return self.dataset if self.folds is None else self.dataset.map(lambda array: array[chosen])
