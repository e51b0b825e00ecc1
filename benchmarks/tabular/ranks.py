"""Are several classifiers on several data sets different? Demšar (2006), JMLR 7:1-30, section 3.2.

The data sets are the independent units: the seeds of one are averaged first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, f, rankdata, studentized_range


@dataclass(frozen=True)
class Ranking:
    """Mean ranks with Friedman's test and Nemenyi's critical difference.

    Attributes:
        mean_ranks: of each method, 1 is best.
        datasets: how many were ranked.
        friedman: Friedman's chi-squared.
        friedman_p: its p-value with one degree of freedom less than methods.
        iman_davenport: Iman and Davenport's less conservative statistic, from Friedman's.
        iman_davenport_p: its p-value.
        critical_difference: two methods whose mean ranks differ by at least this much differ at level `alpha`.
        alpha: that level.
    """

    mean_ranks: np.ndarray
    datasets: int
    friedman: float
    friedman_p: float
    iman_davenport: float
    iman_davenport_p: float
    critical_difference: float
    alpha: float


def rank(scores: np.ndarray, *, higher_is_better: bool, alpha: float = 0.05) -> Ranking:
    """Ranks methods on each data set; ties share the mean of their places.

    Args:
        scores: shape (data sets, methods), at least 1 and 2.
        higher_is_better: True for accuracies, False for losses.
        alpha: level of the Nemenyi test.
    """
    # Equal means of seeds may differ in the last bits: they are ties.
    ranks = rankdata(np.round(-scores if higher_is_better else scores, 10), axis=1)
    datasets, methods = ranks.shape
    mean = ranks.mean(0)
    # Demšar's equations: no correction for ties.
    friedman = 12 * datasets / (methods * (methods + 1)) * float(np.sum(mean**2) - methods * (methods + 1) ** 2 / 4)
    rest = datasets * (methods - 1) - friedman
    davenport = (datasets - 1) * friedman / rest if rest > 1e-12 else np.inf
    return Ranking(
        mean,
        datasets,
        friedman,
        float(chi2.sf(friedman, methods - 1)),
        davenport,
        float(f.sf(davenport, methods - 1, (methods - 1) * (datasets - 1))) if datasets > 1 else np.nan,
        critical_difference(methods, datasets, alpha),
        alpha,
    )


def critical_value(methods: int, alpha: float = 0.05) -> float:
    """Nemenyi's q: the studentized range for infinitely many degrees of freedom over √2 (Demšar's table 5a)."""
    return float(studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2))


def critical_difference(methods: int, datasets: int, alpha: float = 0.05) -> float:
    """For k methods on N data sets: q √(k (k + 1) / 6N)."""
    return critical_value(methods, alpha) * float(np.sqrt(methods * (methods + 1) / (6 * datasets)))


def cliques(mean_ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Longest runs of methods, by rank, that do not differ.

    Args:
        mean_ranks: sorted, best first.
        difference: the critical one.

    Returns:
        First and last place of each run of two or more, none inside another.
    """
    runs: list[tuple[int, int]] = []
    for first in range(len(mean_ranks)):
        last = int(np.flatnonzero(mean_ranks - mean_ranks[first] < difference)[-1])
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs
