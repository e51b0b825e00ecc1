"""Hyperparameters whose values are words: they stay strings, keep their order, and regularize nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgeway.schema import HyperparameterRecord
from ridgeway.selection import baseline, compare, configurations, select, strength, with_ordered_words
from ridgeway.selection.summary import lanes_of
from ridgeway.selection.values import equal_to, shown

Lanes = tuple[pd.DataFrame, dict[str, Any]]
WORDS = ["none", "layer", "batch"]


@pytest.fixture
def mixed(make: Callable[..., Lanes]) -> Lanes:
    """Three words by two rates, two lanes each; the best is layer with 0.5."""
    scores = [[0.5, 0.6], [0.4, 0.5], [0.3, 0.34], [0.1, 0.2], [0.3, 0.34], [0.2, 0.3]]
    values = {"normalization": WORDS, "dropout": [0.0, 0.5]}
    return make(values, scores, base={"normalization": "none", "dropout": 0.0})


def test_a_configuration_keeps_its_words(mixed: Lanes) -> None:
    best = select(*mixed)
    assert best.configuration == {"normalization": "layer", "dropout": 0.5}
    assert type(best.configuration["normalization"]) is str
    assert (best.lanes, best.lane) == ((6, 7), 6)
    assert str(best).startswith("normalization=layer, dropout=0.5 (")


def test_equal_means_are_listed_in_the_order_of_words(mixed: Lanes) -> None:
    summary = configurations(*mixed)
    tied = summary[np.isclose(summary["mean"], 0.32)]
    # By the alphabet batch would come first.
    assert tied["normalization"].tolist() == ["layer", "batch"]
    shuffled = mixed[0].sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(summary, configurations(shuffled, mixed[1]))


def test_lanes_of_a_configuration_of_words(mixed: Lanes) -> None:
    found = lanes_of(mixed[0], {"normalization": "batch", "dropout": 0.0})
    assert found["lane"].tolist() == [8, 9]


def test_strength_skips_words(mixed: Lanes) -> None:
    table, record = mixed
    summary = configurations(table, record)
    assert (strength(summary, record) == (summary["dropout"] == 0.5)).all()


def test_the_models_own_words_are_the_baseline(mixed: Lanes) -> None:
    table, record = mixed
    base, own = baseline(table, record)
    assert own and base.configuration == {"normalization": "none", "dropout": 0.0}
    without = table[table["normalization"] != "none"]
    base, own = baseline(without, record)
    # Of the two that drop nothing, the better; both are 0.32, so the first in order.
    assert not own and base.configuration == {"normalization": "layer", "dropout": 0.0}


def test_a_model_without_a_word_of_its_own_has_no_own_configuration(mixed: Lanes) -> None:
    table, record = mixed
    record["hyperparameters"]["normalization"]["base"] = None
    assert baseline(table, record)[1] is False


def test_words_are_compared_in_pairs(mixed: Lanes) -> None:
    table, record = mixed
    gain = compare(table, select(table, record), baseline(table, record)[0])
    assert gain.n == 2 and gain.gain == pytest.approx(np.mean([0.5 - 0.1, 0.6 - 0.2]))


def test_columns_of_words_sort_by_the_records_order(mixed: Lanes) -> None:
    table, record = mixed
    record["hyperparameters"]["normalization"]["order"] = ["batch", "none", "layer"]
    ordered = with_ordered_words(table, record).sort_values("normalization", kind="stable")
    assert ordered["normalization"].unique().tolist() == ["batch", "none", "layer"]
    assert ordered["dropout"].dtype == float


def test_a_word_equals_itself_only() -> None:
    assert equal_to(pd.Series(["none", "batch"]), "batch").tolist() == [False, True]
    assert equal_to(pd.Series([0.0, 0.5]), 0.5).tolist() == [False, True]
    assert shown("batch", 2) == "batch" and shown(0.12345, 2) == "0.12"


def test_run_json_may_hold_words() -> None:
    read = HyperparameterRecord.model_validate(
        {"values": ["none", "batch"], "order": ["none", "batch"], "regularizes": False, "base": "none"}
    )
    assert read.values == ["none", "batch"] and read.base == "none"
    assert HyperparameterRecord.model_validate({"values": [0, 0.5], "regularizes": True}).values == [0.0, 0.5]
