"""Draws at random."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import ridgeway as rw

ends = st.tuples(st.floats(1e-6, 10), st.floats(1e-6, 10)).filter(lambda pair: pair[1] - pair[0] > 1e-3)


@settings(max_examples=40)
@given(ends=ends, log=st.booleans(), zero=st.floats(0, 0.9), n=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_draws_lie_in_their_range_and_all_differ(ends, log, zero, n, seed):
    def make():
        return rw.Random(n, seed=seed, l2=rw.Range(*ends, log=log, zero=zero), dropout=[0.0, 0.25, 0.5], sam=0.1)

    family = make()
    found = family.configurations()
    assert len(found) == len(family) == n
    assert len({tuple(one.values()) for one in found}) == n
    assert all(one["l2"] == 0 and zero > 0 or ends[0] <= one["l2"] <= ends[1] for one in found)
    assert {one["dropout"] for one in found} <= {0.0, 0.25, 0.5} and {one["sam"] for one in found} == {0.1}
    assert family.values["l2"] == tuple(sorted({one["l2"] for one in found}))
    assert found == make().configurations()


def test_draws_are_even_and_zero_as_often_as_asked():
    family = rw.Random(1000, weight_decay=rw.Range(1e-6, 1.0, log=True, zero=0.3), noise=rw.Range(1.0, 3.0))
    decay = np.array([one["weight_decay"] for one in family.configurations()])
    # Four standard errors.
    assert abs(np.mean(decay == 0) - 0.3) < 4 * math.sqrt(0.21 / 1000)
    logs = (np.log10(decay[decay > 0]) + 6) / 6
    assert stats.kstest(logs, "uniform").pvalue > 0.001
    assert stats.kstest((np.array([o["noise"] for o in family.configurations()]) - 1) / 2, "uniform").pvalue > 0.001


def test_leaving_one_out_changes_no_other_and_the_seed_decides():
    ranges = {"dropout": rw.Range(0.0, 0.5), "l2": rw.Range(1e-5, 1.0, log=True)}
    both = rw.Random(8, 3, ranges).configurations()
    assert [one["l2"] for one in both] == [one["l2"] for one in rw.Random(8, 3, l2=ranges["l2"]).configurations()]
    assert both != rw.Random(8, 4, ranges).configurations()


def test_all_combinations_of_lists_are_found_when_asked_for():
    family = rw.Random(6, dropout=[0.0, 0.25, 0.5], normalization=["none", "batch"])
    expected = rw.Grid(dropout=[0.0, 0.25, 0.5], normalization=["none", "batch"]).configurations()
    assert sorted(map(str, family.configurations())) == sorted(map(str, expected))


def test_shown_as_it_is_made():
    family = rw.Random(2, seed=5, l2=rw.Range(1e-4, 1, log=True, zero=0.2), dropout=[0.5, 0.0])
    assert repr(family) == "Random(2, seed=5, l2=Range(0.0001, 1, log=True, zero=0.2), dropout=[0.0, 0.5])"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rw.Random(0, l2=[0.0]), r"Random\(n=0\)"),
        (lambda: rw.Random(2, seed=-1, l2=[0.0]), r"Random\(seed=-1\)"),
        (lambda: rw.Random(3), "varies nothing"),
        (lambda: rw.Random(3, values={"l 3": rw.Range(0, 1)}), "Unknown hyperparameter 'l 3'"),
        (lambda: rw.Random(3, dropout=rw.Range(0, 1)), "dropout=1 is out of range"),
        (lambda: rw.Random(3, learning_rate=rw.Range(0.1, 1, zero=0.5)), "learning_rate=0 is out of range"),
        (lambda: rw.Random(3, normalization=rw.Range(0, 1)), "normalization=.* is unknown"),
        (lambda: rw.Random(4, dropout=[0.0, 0.5, 0.7]), "lists with 3 combinations"),
        (lambda: rw.Random(4, dropout=rw.Range(0.1, 0.5, zero=1.0)), "only 1 different configurations"),
        (lambda: rw.Range(1, 1), r"Range\(1, 1\) has no numbers"),
        (lambda: rw.Range(0, math.inf), "has no numbers"),
        (lambda: rw.Range(0, 1, log=True), "Pass low above 0"),
        (lambda: rw.Range(0, 1, zero=1.5), "zero=1.5 is no probability"),
    ],
)
def test_errors(make, message):
    with pytest.raises(rw.InputError, match=message):
        make()


@pytest.mark.parametrize(
    "family",
    [
        rw.Random(3, weight_decay=rw.Range(1e-3, 1e-1, log=True, zero=0.2), normalization=["none", "batch"]),
        rw.OneAtATime(weight_decay=[0.1], normalization="batch"),
    ],
)
def test_paths_train_them(family):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 5)).astype("float32"), random.integers(0, 2, 60)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    path = rw.fit_path(model, x, y, family, epochs=1, validation_split=0.25, verbose=0, repeats=2)
    found = path.table()
    assert found[list(family.values)].iloc[::2].to_dict("records") == family.configurations()
    if isinstance(family, rw.OneAtATime):
        assert path.effects()["n"].tolist() == [2, 2]


def test_what_counts_epochs_is_drawn_in_whole_numbers():
    family = rw.Random(40, max_epochs=rw.Range(1, 9), l1=rw.Range(0.1, 1.0), relax=rw.Range(0, 5), seed=1)
    drawn = {name: {one[name] for one in family.configurations()} for name in ("max_epochs", "relax", "l1")}
    assert drawn["max_epochs"] == set(range(1, 10)) and drawn["relax"] == set(range(6))
    assert not any(float(value).is_integer() for value in drawn["l1"] - {1.0})
    assert {one["max_epochs"] for one in rw.Random(3, max_epochs=rw.Range(1.0, 3.0)).configurations()} == {1, 2, 3}
    for family in (rw.Random, rw.Bayes):
        with pytest.raises(rw.InputError, match=r"max_epochs=1.5 is no whole number. Pass whole numbers from 1"):
            family(40, max_epochs=rw.Range(1.5, 9.0))
