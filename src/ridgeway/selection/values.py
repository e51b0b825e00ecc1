"""Values of hyperparameters: numbers, or words where a hyperparameter is a choice."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.selection.rounding import rounded

#: A number, or a word such as `"batch"`.
Value = float | str


def value_of(given: Any) -> Value:
    """A cell of a table as a plain float or string."""
    return str(given) if isinstance(given, str) else float(given)


def shown(value: Value, digits: int = 3) -> str:
    """A value as people read it: a word as it is, a number to so many significant digits."""
    return value if isinstance(value, str) else rounded(float(value), digits)


def in_words(about: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter's values are words.

    Args:
        about: `record["hyperparameters"][name]`.
    """
    return any(isinstance(value, str) for value in about["values"])


def ordered_words(about: Mapping[str, Any], column: pd.Series | None = None) -> list[str]:
    """The words in the order in which to show them, then those of the column that the record does not know."""
    seen = [] if column is None else sorted(map(str, column.unique()))
    return list(dict.fromkeys([*map(str, about.get("order") or about["values"]), *seen]))


def sort_key(column: pd.Series, about: Mapping[str, Any]) -> np.ndarray:
    """What to sort a column by, float64 `(rows,)`: numbers themselves, words by their place in the order."""
    if not in_words(about):
        return column.to_numpy(dtype=float)
    places = {word: place for place, word in enumerate(ordered_words(about, column))}
    return np.array([places[str(word)] for word in column], dtype=float)


def with_ordered_words(frame: pd.DataFrame, record: Mapping[str, Any]) -> pd.DataFrame:
    """The frame with its columns of words as ordered categories, so that sorting and grouping keep their order."""
    kinds = {
        name: pd.CategoricalDtype(ordered_words(about, frame[name]), ordered=True)
        for name, about in record["hyperparameters"].items()
        if in_words(about)
    }
    return frame.astype(kinds)


def equal_to(column: pd.Series, value: Value) -> np.ndarray:
    """Which cells hold exactly this value, bool `(rows,)`."""
    if isinstance(value, str):
        return np.array([cell == value for cell in column], dtype=bool)
    same: np.ndarray = column.to_numpy(dtype=float) == value
    return same
