"""Greedy selection with replacement, against the procedure as the paper writes it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from ridgeway.ensembling.greedy import greedy


def scores_of(labels):
    def scores(candidates, total, count):
        (each,), (one,) = candidates, total
        return np.array([log_loss(labels, (one + other) / count, labels=[0, 1, 2]) for other in each])

    return scores


def simulated(seed, candidates, rows):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, rows)
    logits = random.normal(size=(candidates, rows, 3)) + 1.5 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return labels, probabilities


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(4, 30), st.integers(1, 6))
def test_each_step_takes_the_one_that_helps_most(seed, candidates, rows, size):
    labels, probabilities = simulated(seed, candidates, rows)
    taken, trace = greedy([probabilities], scores_of(labels), size)
    bag = []
    for step, number in enumerate(taken):
        means = [np.mean([probabilities[i] for i in [*bag, other]], axis=0) for other in range(candidates)]
        losses = [log_loss(labels, mean, labels=[0, 1, 2]) for mean in means]
        assert losses[number] == pytest.approx(min(losses), abs=1e-12)
        bag.append(number)
        assert trace[step] == pytest.approx(losses[number], abs=1e-12)
    # The best ensemble on the way: no prefix is better, none that is shorter as good.
    assert 1 <= len(taken) <= size and trace[-1] == min(trace)
    assert trace[-1] <= min(log_loss(labels, each, labels=[0, 1, 2]) for each in probabilities) + 1e-12


def test_one_that_is_taken_again_weighs_more():
    """The best mean of a value that is too low by 1 and one that is too high by 2 takes the first twice."""
    candidates = [np.array([[-1.0], [2.0]])]
    taken, trace = greedy(candidates, lambda each, total, count: ((each[0] + total[0]) / count)[:, 0] ** 2, 5)
    assert sorted(taken) == [0, 0, 1] and trace[-1] == 0


def test_candidates_without_a_score_are_not_taken():
    taken, _ = greedy([np.zeros((2, 1))], lambda each, total, count: np.array([np.nan, 1.0]), 3)
    assert taken == [1]
    with pytest.raises(ValueError, match="No candidate"):
        greedy([np.zeros((1, 1))], lambda each, total, count: np.array([np.nan]), 3)
