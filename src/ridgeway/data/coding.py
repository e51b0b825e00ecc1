"""Categories as zeros and ones: one-hot and dummy coding, by scikit-learn's `OneHotEncoder`.

One-hot coding gives each category a column, 1 in its own rows and 0 elsewhere. Dummy coding leaves out the column of
the first category, the reference, whose rows are then all zeros: beside an intercept, and without a penalty, the full
set of columns would be linearly dependent (Suits, D. B., 1957, "Use of dummy variables in regression equations",
Journal of the American Statistical Association 52, 548-551).
"""

from __future__ import annotations

import difflib
import numbers
import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ridgeway.errors import InputError

Coding = Literal["one_hot", "dummy"]
Unknown = Literal["error", "ignore"]


def one_hot(
    labels: Any, categories: Sequence[Any] | None = None, handle_unknown: Unknown = "error"
) -> tuple[np.ndarray, list[Any]]:
    """Labels as one-hot vectors, such as `keras.losses.CategoricalCrossentropy` takes as targets.

    Args:
        labels: one label a row, `(row,)` or `(row, 1)`: a list, array or pandas Series of text, numbers or booleans.
        categories: all categories in the order of the columns, those without a row too. By default the order of a
            pandas Categorical, and else the labels that occur, sorted.
        handle_unknown: of a label outside `categories`: "error", or "ignore" for a row of zeros, as scikit-learn's
            `OneHotEncoder` does.

    Returns:
        float32 `(row, category)`, and the list of categories, one a column.

    Raises:
        InputError: a label is missing or outside `categories` (unless that is ignored), a category stands there
            twice, there are no labels or more than one a row, or text is mixed with numbers.
    """
    return _coded(labels, categories, "one_hot", handle_unknown)


def dummy(
    labels: Any, categories: Sequence[Any] | None = None, handle_unknown: Unknown = "error"
) -> tuple[np.ndarray, list[Any]]:
    """Labels in dummy coding: one-hot vectors without the column of the first category, which is all zeros.

    Args:
        labels: as in `one_hot`.
        categories: as in `one_hot`; the first is the reference.
        handle_unknown: as in `one_hot`; a row of zeros is also how the reference is written.

    Returns:
        float32 `(row, category - 1)`, and the list of all categories, the reference first. A single category has no
        column.

    Raises:
        InputError: as in `one_hot`.
    """
    return _coded(labels, categories, "dummy", handle_unknown)


def indicators(column: Sequence[Any], categories: Sequence[Any], coding: Coding, unknown: Unknown) -> np.ndarray:
    """One column of a table as its zeros and ones.

    Args:
        column: categories `(row,)`.
        categories: in the order of the columns.
        coding: "one_hot", or "dummy" without the column of the first category.
        unknown: of what is outside `categories`: "error", or "ignore" for a row of zeros.

    Returns:
        float32 `(row, category)`, or `(row, category - 1)`.

    Raises:
        ValueError: scikit-learn's, of what is outside `categories`. Callers say it in words of their own beforehand.
    """
    from sklearn.preprocessing import OneHotEncoder

    # As objects, for scikit-learn sorts the categories of all other types.
    known = _objects(categories)
    encoder = OneHotEncoder(
        categories=[known],
        drop="first" if coding == "dummy" else None,
        handle_unknown=unknown,
        sparse_output=False,
        dtype=np.float32,
    )
    encoder.fit(known[:1, None])
    with warnings.catch_warnings():
        # Callers count the unknown and say so themselves; scikit-learn warns of them in dummy coding only.
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        return np.asarray(encoder.transform(_objects(column)[:, None]))


def nearest(value: Any, known: Sequence[Any]) -> list[Any]:
    """The values nearest to one that is not known: up to 3, or the first 8 where none is near."""
    numeric = [one for one in known if isinstance(one, numbers.Real)]
    if isinstance(value, numbers.Real) and len(numeric) == len(known):
        return sorted(numeric, key=lambda one: abs(float(one) - float(value)))[:3]
    names: dict[str, Any] = {}
    for one in known:
        names.setdefault(str(one).casefold(), one)
    near = difflib.get_close_matches(str(value).casefold(), names, n=3, cutoff=0.4)
    return [names[name] for name in near] or list(known[:8])


def _coded(
    labels: Any, categories: Sequence[Any] | None, coding: Coding, unknown: Unknown
) -> tuple[np.ndarray, list[Any]]:
    if unknown not in get_args(Unknown):
        raise InputError(f"handle_unknown={unknown!r} is no choice. There are 'error' and 'ignore'.")
    values = _values(labels)
    if categories is not None:
        known = np.asarray(categories, dtype=object).tolist()
        if not isinstance(known, list) or not known:
            raise InputError(f"categories={categories!r} is no list of categories. Pass one, as in ['a', 'b'].")
    elif isinstance(getattr(labels, "dtype", None), pd.CategoricalDtype):
        known = labels.dtype.categories.tolist()
    else:
        known = _sorted(values)
    twice = [one for place, one in enumerate(known) if one in known[:place]] if categories is not None else []
    if twice:
        raise InputError(f"The category {twice[0]!r} stands twice in categories. Name each once.")
    # scikit-learn takes text or numbers, and no mixture; checked here for the message.
    _sorted(known)
    outside = set(values) - set(known)
    if outside and unknown == "error":
        label = next(value for value in values if value in outside)
        near = ", ".join(map(repr, nearest(label, known)))
        raise InputError(f"The label {label!r} is none of the {len(known)} categories. The nearest are {near}.")
    return indicators(values, known, coding, unknown), known


def _values(labels: Any) -> list[Any]:
    """The labels, one a row, none missing."""
    # As objects, for NumPy turns the numbers of a list into text where the list holds text too.
    array = np.asarray(labels, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"The labels have the shape {array.shape}. Pass one label a row.")
    if not len(array):
        raise InputError("There are no labels. Pass at least one.")
    missing = pd.isna(array)
    if missing.any():
        raise InputError(
            f"{int(missing.sum())} labels are missing, the first in row {int(missing.argmax()) + 1}. Drop those rows."
        )
    return array.tolist()


def _sorted(values: Sequence[Any]) -> list[Any]:
    try:
        return sorted(set(values))
    except TypeError:
        kinds = " and ".join(sorted({type(value).__name__ for value in values}))
        raise InputError(f"The labels are of the types {kinds}. Make them all text, or all numbers.") from None


def _objects(values: Sequence[Any]) -> np.ndarray:
    kept = np.empty(len(values), dtype=object)
    kept[:] = values
    return kept
