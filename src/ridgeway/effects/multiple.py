"""Many questions asked of one run: p-values corrected for their number."""

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction, which holds whatever the dependence between the tests.

    The chance of any false verdict among all stays below the level at which the corrected values are read. The k-th
    smallest of m is multiplied by m − k + 1, and none may be smaller than one before it.

    Args:
        p: p-values, float64 `(m,)`. NaN is a question that could not be asked: it stays, and does not count.

    Returns:
        Corrected p-values, float64 `(m,)`, at most 1.

    References:
        Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6.
    """
    corrected = np.full(len(p), np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected
