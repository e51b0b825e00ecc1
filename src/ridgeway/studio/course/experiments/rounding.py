"""Results as plain JSON values, no longer than a chart can show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_DIGITS = 5


def plain(value: Any, digits: int = _DIGITS) -> Any:
    """A structure of arrays and numbers as lists and Python numbers.

    Args:
        value: dicts, lists, tuples, NumPy arrays and scalars, text, None.
        digits: significant digits that are kept of a float.

    Returns:
        The same structure; a number that is not finite becomes None, for JSON has none.
    """
    if isinstance(value, dict):
        return {str(name): plain(inner, digits) for name, inner in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), digits)
    if isinstance(value, list | tuple):
        return [plain(inner, digits) for inner in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.{digits}g}") if math.isfinite(value) else None
    return value
