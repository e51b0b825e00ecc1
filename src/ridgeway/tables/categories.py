"""How one column of text is prepared: one-hot coding with a level for the rare.

The levels are those that scikit-learn's `OneHotEncoder(max_categories=100, drop="if_binary",
handle_unknown="infrequent_if_exist")` finds. That encoder can't be built from a description, and its own table of zeros
and ones would be copied into the prepared one.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from ridgeway.data.encoders import MANY_LEVELS, check_mixed
from ridgeway.tables.cells import as_levels
from ridgeway.tables.columns import MISSING, LeftOut
from ridgeway.tables.robust_scaling import CHECKED
from ridgeway.telling import warn

_MOST_LEVELS = 100
# Text that differs in more than this share of the rows names them, and says nothing of others; with fewer levels than
# this there are too few rows to tell.
_DISTINCT = 0.9
_FEW_LEVELS = 20


@dataclass(frozen=True, config=CHECKED)
class CategoryColumn:
    """Text and Categoricals: one 0/1 column a level, and a single column where there are two levels.

    A level that did not occur in fit is infrequent, or zeros in all columns where nothing is; so is a missing cell
    unless cells were missing in fit.

    Attributes:
        kind: "category".
        levels: sorted, without the infrequent ones.
        infrequent: whether rare levels stand together in one column after the levels.
        missing: whether missing cells are a level of their own, the last.
    """

    kind: Literal["category"]
    levels: tuple[str, ...]
    infrequent: bool
    missing: bool

    @classmethod
    def fit(cls, name: str, column: pd.Series) -> CategoryColumn | LeftOut:
        """Learns the levels; a constant and names of single rows are left out, the latter with a warning.

        Raises:
            InputError: numbers with a few texts in between.
        """
        codes, texts = as_levels(column)
        counts: Counter[str] = Counter()
        for text, count in zip(texts, np.bincount(codes[codes >= 0], minlength=len(texts)).tolist(), strict=True):
            counts[text] += count
        if len(counts) > MANY_LEVELS and not isinstance(column.dtype, pd.CategoricalDtype):
            # The code -1 of missing cells takes the None at the end.
            check_mixed(name, pd.Series(np.array([*texts, None], dtype=object)[codes]))
        if len(counts) > max(_FEW_LEVELS, _DISTINCT * counts.total()):
            warn(
                f"Column '{name}' is left out: it holds {len(counts)} different texts in {counts.total()} rows, such "
                f"as {texts[0]!r}, which says nothing of new rows. Drop it, or turn it into numbers or groups."
            )
            return LeftOut()
        missing = bool((codes < 0).any() and counts)
        levels = sorted(counts)
        infrequent = len(levels) >= _MOST_LEVELS
        if infrequent:
            # Stable, so that of equally frequent levels the last in order are kept, as by scikit-learn.
            levels = sorted(sorted(levels, key=counts.__getitem__)[1 - _MOST_LEVELS :])
        return cls("category", tuple(levels), infrequent, missing) if len(levels) + missing > 1 else LeftOut()

    @property
    def numbers(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def indicators(self) -> tuple[str, ...]:
        """One a level; the first of two levels is told by the other's 0."""
        endings = tuple(f"_{level}" for level in self.levels)
        endings += ("_infrequent",) * self.infrequent + (MISSING,) * self.missing
        return endings[1:] if len(endings) == 2 else endings

    def write(self, name: str, column: pd.Series, numbers: np.ndarray, indicators: np.ndarray) -> None:
        """Fills `indicators` `(row, ending)`."""
        codes, texts = as_levels(column)
        shift = len(self.levels) + self.infrequent + self.missing - indicators.shape[1]
        # What has no column is told by -1, which lies below every place.
        unseen = len(self.levels) - shift if self.infrequent else -1
        absent = indicators.shape[1] - 1 if self.missing else unseen
        place = {level: index - shift for index, level in enumerate(self.levels)}
        places = np.array([*(place.get(text, unseen) for text in texts), absent])[codes]
        indicators[...] = 0
        rows = np.flatnonzero(places >= 0)
        indicators[rows, places[rows]] = 1
