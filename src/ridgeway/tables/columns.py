"""How one column of numbers, of booleans or of nothing is prepared.

Each class has `fit`, which learns from a column; the endings that its outputs add to the column's name, `numbers` of
the scaled ones and `indicators` of those that are 0 or 1; and `write`, which fills both.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from ridgeway.tables.cells import as_booleans, as_days, as_numbers
from ridgeway.tables.robust_scaling import CHECKED, RobustScaling

MISSING = "_missing"


@dataclass(frozen=True, config=CHECKED)
class LeftOut:
    """A column that says nothing: a constant one, or text that differs in almost every row."""

    kind: Literal["left_out"] = "left_out"

    @property
    def numbers(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def indicators(self) -> tuple[str, ...]:
        """None."""
        return ()

    def write(self, name: str, column: pd.Series, numbers: np.ndarray, indicators: np.ndarray) -> None:
        """Writes nothing, and reads nothing."""


@dataclass(frozen=True, config=CHECKED)
class NumberColumn:
    """Numbers, or durations in days, scaled robustly; a missing one is the median.

    Attributes:
        kind: what the cells are.
        scaling: None where the cells present don't vary.
        missing: whether cells were missing in fit, and so have an indicator.
    """

    kind: Literal["number", "duration"]
    scaling: RobustScaling | None
    missing: bool

    @classmethod
    def fit(cls, name: str, column: pd.Series, kind: Literal["number", "duration"]) -> NumberColumn | LeftOut:
        """Learns scale and missingness; a constant is left out."""
        values = _READERS[kind](name, column)
        missing = np.isnan(values)
        scaling = RobustScaling.fit(values)
        indicated = bool(missing.any() and not missing.all())
        return cls(kind, scaling, indicated) if scaling or indicated else LeftOut()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The number itself, or the days of a duration."""
        ending = "_days" if self.kind == "duration" else ""
        return (ending,) if self.scaling else ()

    @property
    def indicators(self) -> tuple[str, ...]:
        """Whether the cell is missing."""
        return (MISSING,) if self.missing else ()

    def write(self, name: str, column: pd.Series, numbers: np.ndarray, indicators: np.ndarray) -> None:
        """Fills `numbers` and `indicators`, each `(row, ending)`.

        Raises:
            InputError: a cell is of another kind, or infinite.
        """
        values = _READERS[self.kind](name, column)
        if self.scaling:
            numbers[:, 0] = self.scaling.transform(values)
        if self.missing:
            indicators[:, 0] = np.isnan(values)


@dataclass(frozen=True, config=CHECKED)
class BooleanColumn:
    """True as 1, False and missing as 0.

    Attributes:
        kind: "boolean".
        varies: whether both values occurred in fit.
        missing: whether cells were missing in fit, and so have an indicator.
    """

    kind: Literal["boolean"]
    varies: bool
    missing: bool

    @classmethod
    def fit(cls, name: str, column: pd.Series) -> BooleanColumn | LeftOut:
        """Learns what occurs; a constant is left out."""
        values = as_booleans(name, column)
        varies = bool((values == 0).any() and (values == 1).any())
        indicated = bool(np.isnan(values).any() and not np.isnan(values).all())
        return cls("boolean", varies, indicated) if varies or indicated else LeftOut()

    @property
    def numbers(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def indicators(self) -> tuple[str, ...]:
        """Whether the cell is True, whether it is missing."""
        return ("",) * self.varies + (MISSING,) * self.missing

    def write(self, name: str, column: pd.Series, numbers: np.ndarray, indicators: np.ndarray) -> None:
        """Fills `indicators` `(row, ending)`.

        Raises:
            InputError: a cell is neither True nor False.
        """
        values = as_booleans(name, column)
        if self.varies:
            indicators[:, 0] = values == 1
        if self.missing:
            indicators[:, -1] = np.isnan(values)


_READERS = {"number": as_numbers, "duration": as_days}
