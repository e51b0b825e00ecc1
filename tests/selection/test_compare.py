"""What the winner is compared with, and by how much it wins."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from scipy.stats import ttest_rel

from ridgeway.selection import baseline, compare, select

Lanes = tuple[pd.DataFrame, dict[str, Any]]


SCORES = [[0.50, 0.55, 0.52], [0.40, 0.46, 0.41], [0.45, 0.47, 0.49]]


def test_paired_interval_is_scipys(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 0.1, 1.0]}, SCORES, base={"l2": 0.0})
    base, own = baseline(table, record)
    gain = compare(table, select(table, record), base)
    truth = ttest_rel(SCORES[0], SCORES[1]).confidence_interval(0.95)
    assert own and base.configuration == {"l2": 0.0}
    assert (gain.low, gain.high) == pytest.approx((truth.low, truth.high))
    assert gain.means == "paired lanes" and gain.n == 3 and gain.clear


def test_gain_is_positive_when_more_is_better(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 0.1]}, [[0.8, 0.82], [0.9, 0.91]], metric="val_accuracy", mode="max")
    base, _ = baseline(table, record)
    assert compare(table, select(table, record), base).gain == pytest.approx(0.095)


def test_pairs_follow_repeats_not_rows(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 0.1, 1.0]}, SCORES)
    base, _ = baseline(table, record)
    mixed = table.iloc[[8, 0, 4, 2, 6, 3, 1, 7, 5]]
    assert compare(mixed, select(mixed, record), base) == compare(table, select(table, record), base)


def test_one_lane_each_uses_both_errors(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 0.1]}, [[0.5], [0.4]], row_se=0.03)
    base, _ = baseline(table, record)
    gain = compare(table, select(table, record), base)
    assert gain.means == "standard errors"
    assert gain.high - gain.gain == pytest.approx(1.96 * 0.03 * math.sqrt(2), rel=1e-4)


def test_no_error_gives_no_interval(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 0.1]}, [[0.5], [0.4]])
    base, _ = baseline(table, record)
    gain = compare(table, select(table, record), base)
    assert gain.means == "unknown" and math.isnan(gain.low) and not gain.clear


def test_the_baseline_itself_has_no_gain(make: Callable[..., Lanes]) -> None:
    table, record = make({"l2": [0.0, 0.1]}, [[0.4], [0.5]], base={"l2": 0.0})
    base, own = baseline(table, record)
    assert own and compare(table, select(table, record), base).means == "same"


def test_without_the_users_own_model_the_weakest_is_the_baseline(make: Callable[..., Lanes]) -> None:
    values = {"learning_rate": [0.01, 0.1], "dropout": [0.1, 0.5]}
    table, record = make(values, [[0.6], [0.4], [0.5], [0.3]], base={"dropout": 0.0})
    base, own = baseline(table, record)
    assert not own and base.configuration == {"learning_rate": 0.1, "dropout": 0.1}


@pytest.mark.parametrize(
    ("base", "decay", "own"),
    [(None, "kernels", True), (0.0, "kernels", True), (0.1, "all", True), (0.1, "kernels", False)],
)
def test_a_models_own_decay_counts_only_as_keras_would_apply_it(
    make: Callable[..., Lanes], base: float | None, decay: str, own: bool
) -> None:
    table, record = make({"weight_decay": [0.0, 0.1]}, [[0.5], [0.4]], base={"weight_decay": base})
    assert baseline(table, {**record, "decay": decay})[1] is own
