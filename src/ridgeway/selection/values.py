"""Values of hyperparameters: numbers, or words where a hyperparameter is a choice; True and False go as words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.selection.rounding import rounded

#: A number, or a word such as `"batch"`, or a bool.
Value = float | str


def value_of(given: Any) -> Value:
    """A cell of a table as a plain float or string, an int or a bool where it is one."""
    plain = given.item() if isinstance(given, np.generic) else given
    return plain if isinstance(plain, str | int) else float(plain)


def shown(value: Value, digits: int = 3) -> str:
    """A value as people read it: a word or a whole number as it is, another to so many significant digits."""
    return str(value) if isinstance(value, str | int) else rounded(float(value), digits)


def in_words(about: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter's values are words.

    Args:
        about: `record["hyperparameters"][name]`.
    """
    return any(isinstance(value, str | bool) for value in about["values"])


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
    words = {
        name: pd.Categorical(frame[name].map(str), ordered_words(about, frame[name]), ordered=True)
        for name, about in record["hyperparameters"].items()
        if in_words(about)
    }
    return frame.assign(**words)


def equal_to(column: pd.Series, value: Value) -> np.ndarray:
    """Which cells hold exactly this value, bool `(rows,)`."""
    if isinstance(value, str | bool):
        return np.array([cell == value for cell in column], dtype=bool)
    same: np.ndarray = column.to_numpy(dtype=float) == value
    return same
