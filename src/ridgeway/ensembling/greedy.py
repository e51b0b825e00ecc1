"""Greedy selection with replacement (Caruana, Niculescu-Mizil, Crew & Ksikes 2004)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Means = Sequence[np.ndarray]


def greedy(
    candidates: Means, scores: Callable[[Means, Means, int], np.ndarray], size: int
) -> tuple[list[int], list[float]]:
    """Takes, one after another, the candidate that makes the mean of those taken the best.

    A candidate may be taken again, which gives it more weight. Of the ensembles on the way, the best is given back: the
    smallest of equals.

    Args:
        candidates: arrays `(candidate, row, ...)` of predictions on a scale on which they can be averaged.
        scores: takes the candidates, the sum of those taken (arrays `(row, ...)`) and the number that there are with
            one more; gives the score of each candidate's mean with them, `(candidate,)`, less is better, NaN for none.
        size: most members.

    Returns:
        The numbers of those taken, in order, and the score after each.

    Raises:
        ValueError: no candidate has a score.
    """
    total = [np.zeros_like(array[0]) for array in candidates]
    taken: list[int] = []
    trace: list[float] = []
    for count in range(1, size + 1):
        found = np.asarray(scores(candidates, total, count), np.float64)
        if np.isnan(found).all():
            raise ValueError("No candidate has a score.")
        # The first of equals, so that the result does not depend on rounding of a search.
        best = int(np.nanargmin(found))
        taken.append(best)
        trace.append(float(found[best]))
        total = [one + array[best] for one, array in zip(total, candidates, strict=True)]
    # The same candidate taken again changes nothing but the last digits.
    size = int(np.argmax(np.isclose(trace, min(trace), rtol=1e-6, atol=0.0))) + 1
    return taken[:size], trace[:size]
