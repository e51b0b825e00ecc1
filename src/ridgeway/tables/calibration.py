"""Temperature: one number that makes probabilities as sure as they are right (Guo, Pleiss, Sun & Weinberger 2017)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

# Temperatures from 1/20 to 20 are looked at: beyond, probabilities are 0 and 1, or all alike.
_WIDEST = np.log(20.0)
_TINY = float(np.finfo(np.float64).tiny)


def temperature(shares: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The temperature T by which softmax(log(shares) / T) has the least mean log loss.

    Args:
        shares: probabilities `(row, class)` of rows that were not trained on.
        codes: class number of each row.
        weights: of rows, or None.
    """
    logs = np.log(np.maximum(shares, _TINY))

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        own = logsumexp(scaled, axis=1) - scaled[np.arange(len(codes)), codes]
        return float(np.average(own, weights=weights))

    found = minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-8})
    return float(np.exp(found.x))
