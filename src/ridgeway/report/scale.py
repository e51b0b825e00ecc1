"""How far a metric's axis reaches, so that one wild lane does not flatten all others."""

from collections.abc import Iterable

import numpy as np


def reach(values: Iterable[float], mode: str) -> tuple[float, float, int]:
    """The range of a metric's axis.

    It holds all values, unless the worst lie more than four times as far from the best as the ninth decile
    does: then it ends a little beyond that one, and the figure says how many points lie outside.

    Args:
        values: the metric's values; those that are not finite are left out.
        mode: `"min"` or `"max"`: the better end is never cut.

    Returns:
        Lower end, upper end, and how many values lie outside.
    """
    finite = np.asarray(list(values), dtype=float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return 0.0, 1.0, 0
    badness = finite if mode == "min" else -finite
    best, worst = float(badness.min()), float(badness.max())
    usual = float(np.quantile(badness, 0.9)) - best
    if usual > 0 and worst - best > 4 * usual:
        worst = best + 1.5 * usual
    pad = 0.06 * (worst - best) or 0.05 * abs(best) or 0.05
    low, high = best - pad, worst + pad
    outside = int((badness > high).sum())
    return (low, high, outside) if mode == "min" else (-high, -low, outside)


def spread_labels(places: list[float], least: float) -> list[float]:
    """Move labels apart along one axis, as little as needed, keeping their order.

    Args:
        places: where the labels would stand.
        least: smallest distance between two of them.

    Returns:
        New places, in the order given.
    """
    order = np.argsort(places, kind="stable")
    # Distances taken off, "not closer than least" becomes "not decreasing": isotonic regression by pooling.
    blocks: list[tuple[float, int]] = []
    for index, which in enumerate(order):
        blocks.append((places[which] - index * least, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, m), (b, n) = blocks[-2:]
            blocks[-2:] = [((a * m + b * n) / (m + n), m + n)]
    level = [value for value, size in blocks for _ in range(size)]
    moved = list(places)
    for index, which in enumerate(order):
        moved[which] = level[index] + index * least
    return moved
