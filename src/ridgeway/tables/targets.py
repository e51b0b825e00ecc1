"""What targets may hold, before scikit-learn's own checks, whose words on these cases say little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ridgeway.errors import InputError


def check_present(y: Any) -> None:
    """Refuses targets that are missing; NaN among numbers is for scikit-learn to refuse.

    Raises:
        InputError: names the first row without a target.
    """
    values = _objects(y)
    missing = pd.isna(values)
    # Not NaN among numbers, of which scikit-learn has its own words.
    missing[[isinstance(value, float) for value in values]] &= any(isinstance(value, str) for value in values)
    if missing.any():
        row = int(missing.argmax())
        raise InputError(f"y is missing in row {row} ({values[row]!r}). Leave rows without a target out.")


def check_comparable(y: Any) -> None:
    """Refuses labels that have no order, such as text and numbers mixed, of which NumPy would make text in a list.

    Raises:
        InputError: names one of each type.
    """
    examples = {isinstance(label, str): label for label in _objects(y)[::-1]}
    if len(examples) == 2:
        raise InputError(
            f"y mixes text and other labels, such as {examples[True]!r} and {examples[False]!r}. Pass all as text, or "
            "all as numbers."
        )


def _objects(y: Any) -> np.ndarray:
    """A list or column of Python objects `(row,)`; empty where it is something else, which has one type."""
    if isinstance(y, pd.Series):
        # Text and nullable numbers of pandas too, whose missing cells NumPy has no type for.
        y = y.to_numpy(dtype=object) if pd.api.types.is_extension_array_dtype(y.dtype) or y.dtype == object else ()
    if isinstance(y, list | tuple):
        try:
            y = np.asarray(y, object)
        except ValueError:
            y = ()
    values = np.asarray(y)
    one_column = values.dtype == object and (values.ndim == 1 or values.size == len(values))
    return values.reshape(-1) if one_column else np.empty(0, object)


def noted_labels(classes: np.ndarray) -> list[Any]:
    """Labels as JSON holds them: dates, for one, as text."""
    if classes.dtype.kind in "mM":
        return classes.astype(str).tolist()
    return [label if isinstance(label, str | bool | int | float) else str(label) for label in classes.tolist()]
