"""From values to places on a drawing, and round values to name: for the course's charts and the quiz's figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable


def round_step(span: float, count: int) -> float:
    """1, 2 or 5 times a power of ten, so that a span takes about so many steps; at most as many.

    Args:
        span: from the least value to the largest; none counts as 1.
        count: of steps.
    """
    raw = (span if span > 0 else 1.0) / count
    unit = 10.0 ** math.floor(math.log10(raw))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """What takes low to start, high to end, and all else in proportion."""
    span = high - low or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def line(
    points: Iterable[tuple[float, float | None]], across: Callable[[float], float], down: Callable[[float], float]
) -> str:
    """An SVG path through points, broken where one has no y."""
    found, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        found.append(f"{pen}{across(x):.1f} {down(y):.1f}")
        pen = "L"
    return " ".join(found)
