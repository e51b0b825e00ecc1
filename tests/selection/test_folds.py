"""Errors over folds: repeats of a fold are one observation."""

import math

import numpy as np
import pytest
from tests.selection.conftest import lanes

from ridgeway.selection import compare, configurations, select


def folded(scores):
    """A table of two configurations; `scores` of shape `(configuration, repeat, fold)`."""
    scores = np.asarray(scores)
    table, record = lanes({"dropout": [0.0, 0.5]}, scores.reshape(len(scores), -1).tolist())
    folds = scores.shape[2]
    table["fold"], table["repeat"] = table["repeat"] % folds, table["repeat"] // folds
    return table, record


SCORES = np.random.default_rng(0).normal(size=(2, 4, 5)) + np.random.default_rng(1).normal(size=(2, 1, 5))


def test_the_standard_error_is_that_of_the_means_of_folds():
    summary = configurations(*folded(SCORES)).set_index("dropout")
    for place, dropout in enumerate([0.0, 0.5]):
        means = SCORES[place].mean(axis=0)
        assert summary.loc[dropout, "mean"] == pytest.approx(SCORES[place].mean())
        assert summary.loc[dropout, "standard_error"] == pytest.approx(means.std(ddof=1) / math.sqrt(5))


def test_repeating_the_same_lanes_is_no_new_evidence():
    once, again = folded(SCORES[:, :1]), folded(np.repeat(SCORES[:, :1], 6, axis=1))
    first, second = configurations(*once), configurations(*again)
    np.testing.assert_allclose(first["standard_error"], second["standard_error"])
    gains = [
        compare(table, select(table, record), select(table.assign(val_data_loss=-table["val_data_loss"]), record))
        for table, record in (once, again)
    ]
    assert gains[0].low == pytest.approx(gains[1].low)
    assert gains[0].n == gains[1].n == 5
