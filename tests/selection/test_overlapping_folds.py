"""Folds that hold out the same rows several times are not so many witnesses."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit
from tests.selection.conftest import lanes

from ridgeway.data import Dataset, folds_of
from ridgeway.effects import effects
from ridgeway.effects.intervals import intervals
from ridgeway.record import of_folds
from ridgeway.selection import compare, configurations, select

ROWS, GAIN = 60, 0.3
NUMBERS = np.random.default_rng(0)


def folded(splitter, differences):
    """Two configurations in folds, the second of which differs by so much on each row."""
    folds = folds_of(splitter, Dataset(np.zeros((ROWS, 1)), np.zeros(ROWS)), classes=False)
    common = NUMBERS.normal(size=len(folds))
    scores = [common.tolist(), [c + differences[held].mean() for c, held in zip(common, folds.held_out, strict=True)]]
    table, record = lanes({"dropout": [0.0, 0.5]}, scores)
    table["fold"], table["repeat"] = table["repeat"], 0
    return table, record | {"folds": of_folds(folds)}


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(6, shuffle=True, random_state=0),
        RepeatedKFold(n_splits=3, n_repeats=6, random_state=0),
        RepeatedKFold(n_splits=5, n_repeats=2, random_state=0),
        ShuffleSplit(20, test_size=0.2, random_state=0),
        ShuffleSplit(10, test_size=0.5, random_state=0),
    ],
    ids=["disjoint", "six times three", "twice five", "shuffled fifths", "shuffled halves"],
)
def test_coverage_over_simulations(splitter):
    folds = folds_of(splitter, Dataset(np.zeros((ROWS, 1)), np.zeros(ROWS)), classes=False)
    rows = np.random.default_rng(1).normal(GAIN, 1.0, (2000, ROWS))
    numbers = np.stack([rows[:, held].mean(axis=1) for held in folds.held_out], axis=1)
    found, null, plain = (
        intervals(numbers, 499, shared=folds.shared),
        intervals(numbers - GAIN, 499, shared=folds.shared),
        intervals(numbers, 499),
    )
    covered, naive = (np.mean((one.low <= GAIN) & (one.high >= GAIN)) for one in (found, plain))
    # Nadeau and Bengio's correction is somewhat too careful for repeated folds.
    assert 0.92 <= covered <= 0.995 and np.mean(null.p <= 0.05) <= 0.08
    if folds.shared:
        assert naive < 0.85, "independent folds would do too: the simulation shows nothing"


def test_the_correction_is_nadeau_and_bengios():
    table, record = folded(ShuffleSplit(8, test_size=0.25, random_state=0), NUMBERS.normal(size=ROWS))
    values = table[table["dropout"] == 0.5]["val_data_loss"]
    expected = values.std(ddof=1) * math.sqrt(1 / 8 + 15 / 45)
    summary = configurations(table, record).set_index("dropout")
    assert summary.loc[0.5, "standard_error"] == pytest.approx(expected)
    found = effects(table, record).iloc[0]
    better, other = (select(given, record) for given in (table, table.assign(val_data_loss=-table["val_data_loss"])))
    gain = compare(table, better, other, record)
    assert gain.high - gain.low == pytest.approx(found["high"] - found["low"]) and found["interval"] == "corrected t"


def test_folds_that_hold_out_the_same_rows_are_one():
    rows = np.arange(ROWS)
    twice = [(rows[20:], rows[:20]), (rows[30:], rows[:20]), (rows[:40], rows[40:])]
    once = [(rows[20:], rows[:20]), (rows[:40], rows[40:])]
    differences = NUMBERS.normal(size=ROWS)
    for splitter, units in ((twice, 2), (once, 2), (twice[:2], 1)):
        table, record = folded(splitter, differences)
        found = effects(table, record).iloc[0]
        assert found["n"] == units and record["folds"]["shared"] == 0
        assert math.isnan(found["low"]) == (units == 1)
    assert math.isnan(configurations(table, record)["standard_error"].iloc[0])
    assert pd.isna(found["p_holm"]) and found["verdict"] == "no evidence"
