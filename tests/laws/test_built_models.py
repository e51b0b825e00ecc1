"""The law of lanes where a function builds the model: each lane equals the lone fit of what the function builds."""

import functools

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw

from .against_fit import assert_equal, fit_alone, lane_of, train_lanes
from .models import BATCH, EPOCHS, LABELS, TABLE, logits_loss

SEED = 3


def build(width, depth=1, activation="relu", residual=False):
    inputs = keras.Input((8,))
    x = layers.Dense(width, activation=activation)(inputs)
    for _ in range(depth - 1):
        hidden = layers.Dense(width, activation=activation)(x)
        x = layers.Add()([x, hidden]) if residual else hidden
    model = keras.Model(inputs, layers.Dense(3, name="out")(layers.Dropout(0.2, seed=5)(x)))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), logits_loss(), metrics=["accuracy"])
    return model


def alone(**arguments):
    """What the function gives by itself, from the path's seed."""
    keras.utils.set_random_seed(SEED)
    return build(**arguments)


@functools.cache
def penalized_alone(width, depth):
    """A lone fit with an L2 penalty, and its logs: what each executor is held against."""
    model = alone(width=width, depth=depth)
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            layer.kernel.regularizer = keras.regularizers.L2(0.01)
    return model, fit_alone(model, TABLE, LABELS)


@pytest.mark.parametrize("executor", ["vmap", "map", "steps"])
def test_width_and_depth(executor):
    family = rw.Grid(width=[4, 16], depth=[1, 3], l2=[0.0, 0.01])
    path = train_lanes(build, TABLE, LABELS, family, seed=SEED, executor=executor, slots=3)
    assert len(path.table()) == 8
    for width in (4, 16):
        for depth in (1, 3):
            assert_equal(path, {"width": width, "depth": depth, "l2": 0.01}, *penalized_alone(width, depth))


def test_words_and_yes_or_no_beside_normalization_and_input_scaling():
    family = rw.Grid(
        width=8, depth=2, activation=["tanh", "relu"], residual=[False, True], normalization=["none", "layer"],
        input_scaling=["none", "standardize"],
    )  # fmt: skip
    path = train_lanes(build, TABLE, LABELS, family, seed=SEED)
    assert len(path.table()) == 16
    for activation in ("tanh", "relu"):
        for residual in (False, True):
            model = alone(width=8, depth=2, activation=activation, residual=residual)
            history = fit_alone(model, TABLE, LABELS).history
            plain = {"activation": activation, "normalization": "none", "input_scaling": "none"}
            table = path.table().query(f"residual == {residual}")
            for name, word in plain.items():
                table = table[table[name] == word]
            found = path.history().query(f"lane == {table['lane'].item()}")
            for log, expected in history.items():
                np.testing.assert_allclose(found[log], expected, rtol=1e-5, atol=1e-5, err_msg=log)


def test_folds_and_repeats():
    path = rw.fit_path(
        build, TABLE, LABELS, rw.Grid(width=[4, 8]), cv=3, repeats=2, epochs=EPOCHS, batch_size=BATCH, shuffle=False,
        seed=SEED,
    )  # fmt: skip
    table = path.table()
    assert table.groupby("width").size().tolist() == [6, 6]
    assert table["val_nll"].nunique() == 12
    for row in table[(table["repeat"] == 0)].itertuples():
        train, held = path.parts.folds.train[row.fold], path.held_out.rows(row.fold)
        model = alone(width=row.width)
        history = model.fit(
            TABLE[train], LABELS[train], validation_data=(TABLE[held], LABELS[held]), epochs=EPOCHS, batch_size=BATCH,
            shuffle=False, verbose=0,
        )  # fmt: skip
        found = path.history()[path.history()["lane"] == row.lane]
        np.testing.assert_allclose(found["val_loss"], history.history["val_loss"], rtol=1e-5)


def test_an_attribute_by_its_path_in_every_structure():
    """Keras numbers the layers of each model from the start, so that one name holds in all of them."""
    path = train_lanes(build, TABLE, LABELS, rw.Grid({"dropout.rate": [0.0, 0.5]}, width=[4, 8]), seed=SEED)
    for width in (4, 8):
        model = alone(width=width)
        next(layer for layer in model.layers if isinstance(layer, layers.Dropout)).rate = 0.5
        history = fit_alone(model, TABLE, LABELS)
        assert_equal(path, {"width": width, "dropout.rate": 0.5}, model, history)


def test_halving_changes_no_lane_that_goes_on():
    family = rw.Grid(width=[2, 4, 16], weight_decay=[0.0, 0.5, 5.0])
    whole = train_lanes(build, TABLE, LABELS, family, seed=SEED, epochs=9)
    halved = train_lanes(build, TABLE, LABELS, family, seed=SEED, epochs=9, halving=3)
    left = halved.table()[halved.table()["stopped"] == "completed"]
    assert 0 < len(left) < 9
    for row in left.itertuples():
        lane = lane_of(whole, {"width": row.width, "weight_decay": row.weight_decay})
        mine, other = (path.history()[path.history()["lane"] == lane]["val_loss"] for path in (halved, whole))
        np.testing.assert_allclose(mine, other, rtol=1e-5)
