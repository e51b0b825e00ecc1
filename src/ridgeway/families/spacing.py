"""Evenly spaced strengths."""

from __future__ import annotations

import math

import numpy as np

from ridgeway.errors import InputError


def logspace(low: float, high: float, num: int) -> list[float]:
    """`num` values from `low` to `high`, both included, evenly spaced on a log scale.

    Strengths act over orders of magnitude, so a grid of them is even in their logarithm. Unlike
    `numpy.logspace`, the ends are the values themselves, not exponents.

    Args:
        low: first value, above 0.
        high: last value, above 0.
        num: how many, at least 1.

    Raises:
        InputError: an end is not above 0, or num is below 1.
    """
    if not (low > 0 and high > 0 and math.isfinite(low) and math.isfinite(high)):
        raise InputError(
            f"logspace({low:g}, {high:g}, {num}) needs ends above 0. Add 0 itself by [0.0, *logspace(...)]."
        )
    if num < 1:
        raise InputError(f"logspace({low:g}, {high:g}, {num}) asks for {num} values. Pass at least 1.")
    values = np.geomspace(low, high, num).tolist()
    # The ends as they were given, not as exp(log(...)) rounds them.
    if num > 1:
        values[0], values[-1] = float(low), float(high)
    return [float(value) for value in values]
