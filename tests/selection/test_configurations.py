"""One row a configuration: means, standard errors, order."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem

from ridgeway.errors import InputError
from ridgeway.selection import configurations, select

Lanes = tuple[pd.DataFrame, dict[str, Any]]


def test_repeats_give_scipys_standard_error(make: Callable[..., Lanes]) -> None:
    scores = [[0.3, 0.4, 0.35], [0.2, 0.25, 0.3]]
    summary = configurations(*make({"dropout": [0.0, 0.5]}, scores, row_se=9.0))
    assert summary["dropout"].tolist() == [0.5, 0.0]
    np.testing.assert_allclose(summary["mean"], [0.25, 0.35])
    np.testing.assert_allclose(summary["standard_error"], [sem(scores[1]), sem(scores[0])])
    assert summary["n"].tolist() == [3, 3]


def test_one_lane_takes_the_error_over_rows(make: Callable[..., Lanes]) -> None:
    summary = configurations(*make({"dropout": [0.0, 0.5]}, [[0.3], [0.2]], row_se=0.04))
    assert summary["standard_error"].tolist() == [0.04, 0.04]


def test_one_lanes_accuracy_has_a_binomial_error(make: Callable[..., Lanes]) -> None:
    table, record = make({"dropout": [0.0]}, [[0.9]], metric="val_accuracy", mode="max", validation_rows=400)
    assert configurations(table, record)["standard_error"].item() == pytest.approx(math.sqrt(0.9 * 0.1 / 400))
    record["data"]["validation_rows"] = None
    assert math.isnan(configurations(table, record)["standard_error"].item())


def test_one_lane_of_another_metric_has_an_unknown_error(make: Callable[..., Lanes]) -> None:
    assert math.isnan(configurations(*make({"dropout": [0.0]}, [[0.3]]))["standard_error"].item())


def test_diverged_configurations_come_last_but_are_shown(make: Callable[..., Lanes]) -> None:
    summary = configurations(*make({"dropout": [0.0, 0.2, 0.5]}, [[0.1], [0.3], [math.nan]], diverged=[0, 2]))
    assert summary["dropout"].tolist() == [0.2, 0.0, 0.5]
    assert summary["diverged"].tolist() == [0, 1, 1]
    assert summary["n"].tolist() == [1, 1, 0]


def test_lanes_without_a_value_do_not_count(make: Callable[..., Lanes]) -> None:
    summary = configurations(*make({"dropout": [0.0]}, [[0.2, math.nan, 0.4]]))
    assert summary["n"].item() == 2
    assert summary["mean"].item() == pytest.approx(0.3)


def test_an_unknown_metric_is_named_with_its_neighbours(make: Callable[..., Lanes]) -> None:
    table, record = make({"dropout": [0.0]}, [[0.3]])
    with pytest.raises(InputError, match="no column 'val_data_los'.*nearest names are 'val_data_loss'"):
        configurations(table, {**record, "metric": "val_data_los"})
    with pytest.raises(InputError, match="Unknown mode 'smallest'"):
        configurations(table, {**record, "mode": "smallest"})


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    repeats=st.integers(1, 3),
    shuffle=st.randoms(use_true_random=False),
)
def test_row_order_changes_nothing(
    random_table: Callable[..., Lanes], seed: int, sizes: list[int], repeats: int, shuffle: random.Random
) -> None:
    table, record = random_table(seed, sizes, repeats, row_se=0.05)
    order = list(range(len(table)))
    shuffle.shuffle(order)
    pd.testing.assert_frame_equal(
        configurations(table, record), configurations(table.iloc[order], record), check_exact=True
    )


def test_repeats_of_their_own_lack_no_lane(make: Callable[..., Lanes]) -> None:
    table, record = make({"dropout": [0.0, 0.5]}, [[0.5, 0.5], [0.1, 0.1]])
    record["own_repeats"] = [
        {"configuration": {"dropout": 0.0}, "repeats": [0, 1]},
        {"configuration": {"dropout": 0.5}, "repeats": [1]},
    ]
    # The second has one lane, as it should; then lacks that of the first's second repeat.
    assert configurations(table.drop(index=2), record)["dropout"].tolist() == [0.5, 0.0]
    assert configurations(table.drop(index=[1, 2]), record)["whole"].tolist() == [True, False]


def test_what_halving_cut_comes_after_what_was_trained_to_the_end(make: Callable[..., Lanes]) -> None:
    table, record = make({"dropout": [0.0, 0.25, 0.5]}, [[0.5], [0.1], [0.3]], row_se=1.0)
    table.loc[1, "stopped"] = "halved"
    assert configurations(table, record)["dropout"].tolist() == [0.5, 0.0, 0.25]
    for rule in ("best", "one_se", "median"):
        assert select(table, record, rule).configuration["dropout"] != 0.25
