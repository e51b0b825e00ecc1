"""Ranks and critical differences against the worked example and the tables of Demšar (2006)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import friedmanchisquare
from tabular.diagram import diagram
from tabular.ranks import cliques, critical_difference, critical_value, rank

NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
# Table 6 of the paper: areas under the curve on 14 data sets.
AREAS = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        # Printed as 0.975 twice, ranked second and third: by the digits that are not printed.
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_the_worked_example():
    ranking = rank(AREAS, higher_is_better=True)
    np.testing.assert_allclose(ranking.mean_ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert ranking.friedman == pytest.approx(9.28, abs=0.005)
    assert ranking.iman_davenport == pytest.approx(3.69, abs=0.005)
    # The paper: F(3, 39) at 0.05 is 2.85, so the hypothesis that all are alike falls.
    assert ranking.iman_davenport_p < 0.05
    assert ranking.critical_difference == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)


def test_losses_are_ranked_the_other_way():
    loss = rank(1 - AREAS, higher_is_better=False)
    np.testing.assert_allclose(loss.mean_ranks, rank(AREAS, higher_is_better=True).mean_ranks)


def test_means_that_differ_by_rounding_are_ties():
    one, other = np.mean([0.9, 0.9, 0.95]), np.mean([0.95, 0.9, 0.9]) + 1e-16
    assert one != other
    np.testing.assert_array_equal(rank(np.array([[one, other]]), higher_is_better=True).mean_ranks, [1.5, 1.5])


@pytest.mark.parametrize(
    ("alpha", "published"),
    [
        (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_critical_values_of_table_5(alpha, published):
    found = [critical_value(methods, alpha) for methods in range(2, 11)]
    np.testing.assert_allclose(found, published, atol=1.1e-3)


def test_friedman_without_ties_is_scipys():
    scores = np.random.default_rng(0).normal(size=(9, 5)) + np.arange(5) / 3
    expected = friedmanchisquare(*scores.T)
    found = rank(scores, higher_is_better=True)
    assert found.friedman == pytest.approx(expected.statistic)
    assert found.friedman_p == pytest.approx(expected.pvalue)


def test_groups_of_the_worked_example():
    ranks = np.sort(rank(AREAS, higher_is_better=True).mean_ranks)
    # At 0.05 no pair differs. At 0.10 "C4.5 is worse than C4.5+m and C4.5+m+cf; C4.5+cf may belong to either group".
    assert cliques(ranks, critical_difference(4, 14, 0.05)) == [(0, 3)]
    assert cliques(ranks, critical_difference(4, 14, 0.10)) == [(0, 2), (2, 3)]
    assert cliques(ranks, 0.01) == []


def test_the_diagram_shows_each_method_at_its_rank_and_each_group():
    figure = diagram(rank(AREAS, higher_is_better=True, alpha=0.10), NAMES, "AUC")
    texts = [note.text for note in figure.layout.annotations]
    assert {"C4.5 (3.14)", "C4.5+m (2.00)", "C4.5+cf (2.89)", "C4.5+m+cf (1.96)", "CD = 1.12"} <= set(texts)
    bars = [trace for trace in figure.data if trace.line.width == 5]
    np.testing.assert_allclose([[*bar.x] for bar in bars], [[1.924, 2.933], [2.853, 3.183]], atol=1e-3)
    stalks = [trace.x[0] for trace in figure.data if len(trace.x) == 3]
    np.testing.assert_allclose(stalks, [1.964, 2.000, 2.893, 3.143], atol=5e-4)
