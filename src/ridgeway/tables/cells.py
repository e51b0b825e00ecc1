"""The cells of one column as what they stand for: numbers, dates, durations or levels of text."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd

from ridgeway.errors import InputError

Kind = Literal["number", "boolean", "date", "duration", "category", "empty"]

# What pandas.api.types.infer_dtype says of a column of Python objects; all else is taken as text.
_OBJECTS: dict[str, Kind] = {
    "empty": "empty",
    "boolean": "boolean",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "timedelta": "duration",
    "timedelta64": "duration",
}
# Mixtures of these are numbers too.
_NUMBERS = (numbers.Real, Decimal)
# Differences of float64 numbers below this don't overflow.
_LARGEST = 1e300


def plain(column: pd.Series) -> pd.Series:
    """The column without an extension dtype that stands for a plain one: pyarrow, sparse, period."""
    if isinstance(column.dtype, pd.ArrowDtype):
        return column.array.__arrow_array__().to_pandas()
    if isinstance(column.dtype, pd.SparseDtype):
        return pd.Series(np.asarray(column))
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    return column


def kind_of(name: str, column: pd.Series) -> Kind:
    """What a plain column holds; "empty" where all its cells are missing Python objects.

    Raises:
        InputError: complex numbers.
    """
    types = pd.api.types
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category"
    inferred = types.infer_dtype(column, skipna=True) if column.dtype == object else None
    if inferred == "complex" or types.is_complex_dtype(column):
        raise InputError(f"Complex data not supported: column '{name}' holds complex numbers. Pass real parts.")
    if inferred in ("mixed", "mixed-integer") and all(isinstance(cell, _NUMBERS) for cell in column.dropna()):
        return "number"
    if inferred is not None:
        return _OBJECTS.get(inferred, "category")
    if types.is_bool_dtype(column):
        return "boolean"
    if types.is_numeric_dtype(column):
        return "number"
    if types.is_datetime64_any_dtype(column):
        return "date"
    return "duration" if types.is_timedelta64_dtype(column) else "category"


def as_numbers(name: str, column: pd.Series, wanted: str = "numbers") -> np.ndarray:
    """float64 `(row,)`, NaN where missing; text is read as numbers where it can be.

    Numbers beyond ±1e300 become ±1e300, so that differences stay finite.

    Args:
        name: of the column.
        column: plain cells `(row,)`.
        wanted: what the cells are called in messages.

    Raises:
        InputError: a cell is infinite, or no number.
    """
    kind = kind_of(name, column)
    if kind in ("date", "duration"):
        raise _unlike(name, column.dropna(), wanted)
    try:
        values = column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError, OverflowError):
        raise _unlike(name, [cell for cell in column.dropna() if not _reads_as_number(cell)], wanted) from None
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise InputError(
            f"Column '{name}' of X contains infinity: {values[row]} in data row {row + 1}. Pass a finite number, or "
            "NaN where it is missing."
        )
    return np.clip(values, -_LARGEST, _LARGEST)


def as_booleans(name: str, column: pd.Series) -> np.ndarray:
    """float64 `(row,)` of 0 and 1, NaN where missing.

    Raises:
        InputError: a cell is neither.
    """
    values = as_numbers(name, column, "booleans")
    other = ~(np.isnan(values) | (values == 0) | (values == 1))
    if other.any():
        raise InputError(
            f"Column '{name}' holds {values[other][0]:g}, and held booleans in fit. Pass True, False, 1 or 0."
        )
    return values


def as_days(name: str, column: pd.Series) -> np.ndarray:
    """Durations as days, float64 `(row,)`, NaN where missing.

    Raises:
        InputError: a cell is no duration.
    """
    if column.isna().all():
        return np.full(len(column), np.nan)
    if kind_of(name, column) != "duration":
        raise _unlike(name, column.dropna(), "durations")
    if column.dtype == object:
        # Not by pandas, whose nanoseconds end after 292 years.
        return column.to_numpy().astype("timedelta64[us]") / np.timedelta64(1, "D")
    return column.dt.total_seconds().to_numpy(np.float64) / 86400


def as_dates(name: str, column: pd.Series) -> pd.Series:
    """datetime64, with a time zone or without, NaT where missing.

    Raises:
        InputError: a cell is no date.
    """
    if column.isna().all():
        return pd.Series(np.full(len(column), np.datetime64("NaT", "us")))
    if kind_of(name, column) != "date":
        raise _unlike(name, column.dropna(), "dates")
    try:
        return pd.to_datetime(column)
    except ValueError as error:
        raise InputError(f"Column '{name}' holds dates that can't be read together: {error}") from None


def as_levels(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Levels as text.

    Returns:
        The place `(row,)` of each cell's level in the second, -1 where it is missing, and the levels that occur; two
        of them may read alike.
    """
    try:
        codes, levels = pd.factorize(column)
    except TypeError:
        # Cells without a hash, such as lists.
        codes, levels = pd.factorize(column.map(str, na_action="ignore"))
    return codes, [_as_text(level) for level in levels]


def reads_as_numbers(column: pd.Series) -> bool:
    """Whether each cell of a column of text is a number written out, "nan" too."""
    try:
        column.to_numpy(np.float64, na_value=np.nan)
    except ValueError:
        return False
    return True


def _as_text(level: Any) -> str:
    # Whole numbers stand as floats where a cell is missing among them.
    whole = isinstance(level, float) and level.is_integer()
    return str(int(level) if whole else level)


def _reads_as_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _unlike(name: str, cells: Iterable[Any], wanted: str) -> InputError:
    example = next(iter(cells))
    return InputError(f"Column '{name}' holds {example!r}, and held {wanted} in fit. Pass {wanted} there.")
