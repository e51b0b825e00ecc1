"""Joint draws of many regularizers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.families.cocktail import RANGES, SHARE


def test_the_first_is_plain_and_each_regularizer_is_on_in_half_of_the_others():
    drawn = rw.Cocktail(401).configurations()
    off = {name: "none" if name == "normalization" else 0.0 for name in RANGES}
    assert drawn[0] == off
    for name, (kind, among) in RANGES.items():
        on = [one[name] for one in drawn[1:] if one[name] != off[name]]
        # Within four standard errors of the share.
        assert abs(len(on) / 400 - SHARE) < 4 * np.sqrt(SHARE * (1 - SHARE) / 400)
        if kind == "words":
            assert set(on) == set(among)
        else:
            low, high = among
            assert low <= min(on) < max(on) <= high
            middle = np.sqrt(low * high) if kind == "log" else (low + high) / 2
            assert abs(np.mean(np.array(on) < middle) - 0.5) < 4 * 0.5 / np.sqrt(len(on))


def test_the_seed_decides_and_leaving_one_out_changes_no_other():
    family = rw.Cocktail(20, seed=3)
    assert family.configurations() == rw.Cocktail(20, seed=3).configurations()
    assert family.configurations() != rw.Cocktail(20, seed=4).configurations()
    rest = family.without(["sam", "dropout"]).configurations()
    expected = [{k: v for k, v in one.items() if k not in ("sam", "dropout")} for one in family.configurations()]
    assert rest == expected


def test_a_path_of_it_leaves_out_what_acts_on_nothing():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 5)).astype("float32"), random.integers(0, 2, 60)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    with pytest.warns(UserWarning, match="Left out of the family: dropout acts on nothing.*stochastic_depth"):
        path = rw.fit_path(model, x, y, rw.Cocktail(6), epochs=2, validation_split=0.25, verbose=0)
    assert set(path.hyperparameters) == set(RANGES) - {"dropout", "stochastic_depth"}
    assert len(path.table()) == 6
    assert path.table()["val_nll"].notna().all()
    assert path.best_model().predict(x, verbose=0).shape == (60, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rw.Cocktail(1), "n=1"),
        (lambda: rw.Cocktail(5, only=["momentum"]), "can't draw 'momentum'"),
        (lambda: rw.Cocktail(5, only=[]), "varies nothing"),
    ],
)
def test_errors(make, message):
    with pytest.raises(rw.InputError, match=message):
        make()
