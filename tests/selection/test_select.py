"""Rules: the best, and the most regularized within one standard error of it."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgeway.errors import InputError
from ridgeway.selection import configurations, select, strength

Lanes = tuple[pd.DataFrame, dict[str, Any]]

# Arguments of `random_table`: seed, values of each hyperparameter, repeats, standard error over rows.
shapes = st.tuples(
    st.integers(0, 100_000),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(1, 4),
    st.sampled_from([0.02, 0.1]),
)
Shape = tuple[int, list[int], int, float]


def test_best_takes_the_best_mean_and_its_best_lane(make: Callable[..., Lanes]) -> None:
    table, record = make({"weight_decay": [0.0, 0.1]}, [[0.5, 0.1], [0.25, 0.2]])
    best = select(table, record, "best")
    assert best.configuration == {"weight_decay": 0.1}
    assert (best.lanes, best.lane, best.n) == ((2, 3), 3, 2)
    assert (best.rule, best.metric, best.mode) == ("best", "val_data_loss", "min")


def test_max_mode_takes_the_largest(make: Callable[..., Lanes]) -> None:
    table, record = make({"dropout": [0.0, 0.5]}, [[0.9], [0.8]], metric="val_accuracy", mode="max")
    assert select(table, record).configuration == {"dropout": 0.0}


def test_one_se_along_one_strength_is_glmnets(make: Callable[..., Lanes]) -> None:
    strengths = [0.0, 0.001, 0.01, 0.1, 1.0]
    scores = [[0.50], [0.40], [0.42], [0.449], [0.46]]
    table, record = make({"l2": strengths}, scores, row_se=0.05)
    assert select(table, record, "one_se").configuration == {"l2": 0.1}


def test_one_se_breaks_ties_by_norm_then_by_mean(make: Callable[..., Lanes]) -> None:
    values = {"dropout": [0.0, 0.5], "l2": [0.0, 1.0]}
    scores = [[0.4], [0.41], [0.42], [9.0]]
    table, record = make(values, scores, row_se=0.1, norms=[9, 5, 3, 1])
    assert select(table, record, "one_se").configuration == {"dropout": 0.5, "l2": 0.0}
    table, record = make(values, scores, row_se=0.1, norms=[9, 3, 3, 1])
    assert select(table, record, "one_se").configuration == {"dropout": 0.0, "l2": 1.0}


def test_a_learning_rate_is_no_regularizer(make: Callable[..., Lanes]) -> None:
    table, record = make({"learning_rate": [0.01, 1.0]}, [[0.4], [0.41]], row_se=0.1, norms=[1, 2])
    assert select(table, record, "one_se").configuration == {"learning_rate": 0.01}


def test_diverged_configurations_win_only_among_themselves(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 1.0]}, [[0.4], [0.1]], row_se=0.1, diverged=[1])
    assert select(table, record, "best").configuration == {"l2": 0.0}
    assert select(table, record, "one_se").configuration == {"l2": 0.0}
    table, record = make({"l2": [0.0, 1.0]}, [[0.4], [0.1]], row_se=0.1, diverged=[0, 1])
    assert select(table, record, "best").configuration == {"l2": 1.0}


def test_errors_say_what_to_do(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 1.0]}, [[0.4], [0.1]])
    with pytest.raises(InputError, match="Unknown rule 'one_see'. The nearest is 'one_se'"):
        select(table, record, "one_see")
    with pytest.raises(InputError, match="repeats=2 or more"):
        select(table, record, "one_se")
    table, record = make({"l2": [0.0]}, [[math.nan]])
    with pytest.raises(InputError, match="No lane has a finite val_data_loss"):
        select(table, record)


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_the_one_se_choice_lies_within_one_error_and_is_no_less_regularized(
    random_table: Callable[..., Lanes], shape: Shape
) -> None:
    table, record = random_table(*shape[:3], row_se=shape[3])
    best, simple = select(table, record, "best"), select(table, record, "one_se")
    assert best.mean <= simple.mean <= best.mean + best.standard_error
    summary = configurations(table, record)
    force = dict(
        zip(map(tuple, summary[list(record["hyperparameters"])].to_numpy()), strength(summary, record), strict=True)
    )
    assert force[tuple(simple.configuration.values())] >= force[tuple(best.configuration.values())]
    near = summary["mean"] <= best.mean + best.standard_error
    assert force[tuple(simple.configuration.values())] == strength(summary, record)[near].max()


@settings(max_examples=30, deadline=None)
@given(shapes, st.randoms(use_true_random=False), st.sampled_from(["best", "one_se"]))
def test_row_order_changes_no_choice(
    random_table: Callable[..., Lanes], shape: Shape, shuffle: random.Random, rule: str
) -> None:
    table, record = random_table(*shape[:3], row_se=shape[3])
    order = list(range(len(table)))
    shuffle.shuffle(order)
    assert select(table.iloc[order], record, rule) == select(table, record, rule)


@settings(max_examples=30, deadline=None)
@given(shapes, st.sampled_from(["best", "one_se"]))
def test_a_negated_metric_in_max_mode_gives_the_same_choice(
    random_table: Callable[..., Lanes], shape: Shape, rule: str
) -> None:
    table, record = random_table(*shape[:3], row_se=shape[3])
    mirrored = table.assign(val_data_loss=-table["val_data_loss"])
    choice = select(mirrored, {**record, "mode": "max"}, rule)
    assert choice.lanes == select(table, record, rule).lanes
    assert choice.lane == select(table, record, rule).lane


@settings(max_examples=30, deadline=None)
@given(shapes)
def test_only_the_order_of_strengths_counts(random_table: Callable[..., Lanes], shape: Shape) -> None:
    table, record = random_table(*shape[:3], row_se=shape[3])
    bent = table.assign(**{name: np.exp(5 * table[name]) for name in record["hyperparameters"]})
    about = {
        name: {**settings, "values": np.exp(5 * np.asarray(settings["values"])).tolist()}
        for name, settings in record["hyperparameters"].items()
    }
    assert select(bent, {**record, "hyperparameters": about}, "one_se").lanes == select(table, record, "one_se").lanes


def test_strength_adds_ranks(make: Callable[..., Lanes]) -> None:
    values = {"l2": [0.0, 1e-4, 1.0], "dropout": [0.0, 0.5], "learning_rate": [0.1, 1.0], "l1": [0.3]}
    table, record = make(values, [[0.1]] * 12)
    found = dict(zip(map(tuple, table[list(values)].to_numpy()), strength(table, record), strict=True))
    assert found[(0.0, 0.0, 1.0, 0.3)] == 0.0
    assert found[(1e-4, 0.0, 0.1, 0.3)] == 0.5
    assert found[(1.0, 0.5, 1.0, 0.3)] == 2.0


def test_the_median_is_the_middle_mean_and_the_better_of_two(make: Callable[..., Lanes]) -> None:
    scores = [[0.5, 0.7], [0.1, 0.1], [0.3, 0.2], [0.9, 1.0]]
    strengths = [0.0, 0.001, 0.01, 0.1]
    table, record = make({"l2": strengths}, scores)
    assert select(table, record, "median").configuration == {"l2": 0.01}
    # The middle of three means, 0.1, 0.25 and 0.6; a diverged configuration does not count.
    table, record = make({"l2": strengths}, scores, diverged=[7])
    chosen = select(table, record, "median")
    assert chosen.mean == pytest.approx(np.median([0.1, 0.25, 0.6])) and chosen.rule == "median"
    table, record = make({"l2": strengths}, [[-s for s in pair] for pair in scores], mode="max")
    assert select(table, record, "median").configuration == {"l2": 0.01}


def test_the_median_breaks_ties_by_strength_then_by_norm(make: Callable[..., Lanes]) -> None:
    values = {"dropout": [0.0, 0.5], "l2": [0.0, 1.0]}
    table, record = make(values, [[0.4], [0.4], [0.4], [0.9]], norms=[1, 5, 3, 1])
    assert select(table, record, "median").configuration == {"dropout": 0.5, "l2": 0.0}
