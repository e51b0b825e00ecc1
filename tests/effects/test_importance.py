"""Importance against functions whose shares of variance are known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ridgeway as rw
from ridgeway.effects import importance
from ridgeway.effects.fanova import ranks

Record = Callable[..., dict[str, Any]]


def drawn(family: rw.Random, score: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    table = pd.DataFrame(family.configurations())
    return table.assign(lane=range(len(table)), repeat=0, fold=0, val_nll=score(table))


def test_shares_of_an_additive_function(record: Record) -> None:
    # Uniform a and b: the variances of 2a and b stand as 4 to 1; l1 does nothing.
    family = rw.Random(250, dropout=rw.Range(0.0, 0.9), label_smoothing=rw.Range(0.0, 0.9), noise=rw.Range(0.0, 0.9))
    found = importance(drawn(family, lambda t: 2 * t["dropout"] + t["label_smoothing"]), record(family.values))
    shares = found.set_index("hyperparameter")["importance"]
    assert list(found["hyperparameter"]) == ["dropout", "label_smoothing", "noise"]
    assert shares["dropout"] == pytest.approx(0.8, abs=0.05)
    assert shares["label_smoothing"] == pytest.approx(0.2, abs=0.05)
    assert shares["noise"] < 0.02


def test_logarithmic_ranges_words_and_a_share_of_zeros(record: Record) -> None:
    family = rw.Random(
        250, l2=rw.Range(1e-6, 1.0, log=True), sam=rw.Range(0.1, 1.0, zero=0.5), normalization=["none", "batch"]
    )

    def score(t: pd.DataFrame) -> pd.Series:
        # Variances 3, a uniform logarithm over six decades (6²/12), and 1 each, coins of ±1.
        return np.log10(t["l2"]) + 2.0 * (t["sam"] > 0) + 2.0 * (t["normalization"] == "batch")

    shares = importance(drawn(family, score), record(family.values)).set_index("hyperparameter")["importance"]
    assert shares["l2"] == pytest.approx(0.6, abs=0.06)
    assert shares["sam"] == pytest.approx(0.2, abs=0.06)
    assert shares["normalization"] == pytest.approx(0.2, abs=0.06)


def test_a_product_leaves_a_share_to_the_interaction(record: Record) -> None:
    # Of two fair coins ±1 the product has no marginal: neither explains anything by itself.
    values = {"dropout": [0.0, 0.5], "l2": [0.0, 1.0], "sam": np.linspace(0, 1, 20).tolist()}
    table = pd.DataFrame(rw.Grid(values).configurations())
    table = table.assign(lane=range(80), val_nll=np.sign(table["dropout"] - 0.1) * np.sign(table["l2"] - 0.1))
    assert importance(table, record(values))["importance"].sum() < 0.25


def test_constants_have_none(record: Record) -> None:
    values = {"dropout": [0.0, 0.1, 0.2, 0.3], "l2": [0.5]}
    table = pd.DataFrame({"lane": range(4), "dropout": values["dropout"], "l2": 0.5, "val_nll": 1.0})
    assert importance(table, record(values))["importance"].tolist() == [0.0, 0.0]
    found = importance(table.assign(val_nll=[1.0, 2.0, 3.0, 4.0]), record(values)).set_index("hyperparameter")
    assert found.loc["dropout", "importance"] == pytest.approx(1.0) and found.loc["l2", "importance"] == 0.0
    with pytest.raises(rw.InputError, match="3 configurations have a finite val_nll; importance needs 4"):
        importance(table[:3], record(values))


@given(counts=st.lists(st.integers(1, 6), min_size=2, max_size=6))
def test_ranks_keep_the_order_and_end_the_lowest_share_where_it_ends(counts: list[int]) -> None:
    numbers = np.repeat(np.arange(float(len(counts))), counts)
    places = ranks(numbers)
    assert (np.diff(places)[np.diff(numbers) > 0] > 0).all() and (np.diff(places)[np.diff(numbers) == 0] == 0).all()
    if counts[1] <= 2 * counts[0]:
        split = (places[0] + places[counts[0]]) / 2
        assert split == pytest.approx(counts[0] / sum(counts))
