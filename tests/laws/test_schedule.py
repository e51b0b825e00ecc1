"""What a lane gives does not depend on when, where or beside whom it was trained."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.engine.state import initial_states

from .against_fit import RELATIVE, assert_equal, seeded
from .models import BATCH, LABELS, ROWS, TABLE, logits_loss, normalized_mlp

CUT = int(ROWS * 0.8)
CHECK = (TABLE[CUT:], LABELS[CUT:])
# Families here vary the same two names, so that they share compiled programs.
FAMILY = rw.Grid(learning_rate=[0.01, 0.03, 0.1, 0.3], dropout=[0.0, 0.3, 0.6])


def model_to_train():
    model = seeded(normalized_mlp)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.5), logits_loss(), metrics=["accuracy"])
    return model


def train(family=FAMILY, model=None, **arguments):
    # Each lane gets a callback of its own state: the objects given are only read.
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2)
    settings = {
        "validation_data": CHECK,
        "batch_size": BATCH,
        "epochs": 12,
        "callbacks": [stopping],
        "repeats": 2,
        "seed": 4,
        "executor": "vmap",
        **arguments,
    }
    return rw.fit_path(model or model_to_train(), TABLE[:CUT], LABELS[:CUT], family, **settings)


def compared(path):
    """The table without what a clock wrote into it."""
    return path.table().drop(columns="seconds")


def weights_of_both(first: rw.Path, second: rw.Path, lane: int):
    """Pairs of a lane's values, by order: each model that a process builds gets names of its own."""
    for epoch in ("best", "last"):
        values = (path.lane_weights(lane, epoch).values() for path in (first, second))
        yield from zip(*values, strict=True)


def assert_same_path(first: rw.Path, second: rw.Path) -> None:
    pd.testing.assert_frame_equal(compared(first), compared(second), rtol=RELATIVE, atol=RELATIVE)
    pd.testing.assert_frame_equal(first.history(), second.history(), rtol=RELATIVE, atol=RELATIVE)
    for lane in first.table()["lane"]:
        for value, other in weights_of_both(first, second, lane):
            np.testing.assert_allclose(value, other, rtol=RELATIVE, atol=RELATIVE)


def assert_bitwise(first: rw.Path, second: rw.Path, lanes) -> None:
    for frame in (compared, rw.Path.history):
        one, two = (frame(path).set_index("lane") for path in (first, second))
        pd.testing.assert_frame_equal(one.loc[lanes], two.loc[lanes], check_exact=True)
    for lane in lanes:
        for value, other in weights_of_both(first, second, lane):
            np.testing.assert_array_equal(value, other)


@pytest.fixture(scope="module")
def all_at_once():
    return train(slots=24)


def test_lanes_stop_at_different_epochs(all_at_once):
    table = all_at_once.table()
    assert len(table) == 24
    assert table["epochs"].nunique() > 3, "without early stops the tests below say nothing"
    assert set(table["stopped"]) == {"early stopping", "completed"}


@pytest.mark.parametrize("slots", [3, 8])
def test_any_number_of_slots_gives_the_same(all_at_once, slots):
    path = train(slots=slots)
    assert path.record["executor"]["slots"] < 24
    assert_same_path(all_at_once, path)


@pytest.mark.parametrize("executor", ["map", "steps"])
def test_any_executor_gives_the_same(all_at_once, executor):
    path = train(slots=8, executor=executor)
    assert path.record["executor"]["name"] == executor
    assert_same_path(all_at_once, path)


@pytest.mark.parametrize("executor", ["vmap", "map", "steps"])
def test_the_same_slots_give_the_same_bits(executor):
    first, second = (train(slots=8, executor=executor) for _ in range(2))
    assert_bitwise(first, second, list(first.table()["lane"]))


def test_the_order_of_a_family_changes_nothing(all_at_once):
    """The same configurations on other lane numbers."""
    turned = train(rw.Grid(dropout=[0.0, 0.3, 0.6], learning_rate=[0.01, 0.03, 0.1, 0.3]), slots=8)
    keys = ["learning_rate", "dropout", "repeat"]
    one, two = (compared(path).drop(columns="lane").sort_values(keys).set_index(keys) for path in (all_at_once, turned))
    pd.testing.assert_frame_equal(one, two, rtol=RELATIVE, atol=RELATIVE)


def test_lanes_of_one_repeat_see_the_same_batches_and_masks():
    """With steps too small to move a weight, the loss of an epoch tells its batches and dropout masks."""
    rates = [1e-30, 2e-30, 3e-30, 4e-30]
    path = train(rw.Grid(learning_rate=rates, dropout=[0.3]), slots=8, callbacks=[], epochs=3)
    table = path.table().set_index("lane")
    losses = path.history().pivot(index="lane", columns="epoch", values="loss")
    for _, lanes in table.groupby("repeat").groups.items():
        assert (losses.loc[lanes] == losses.loc[lanes[0]]).all(axis=None)
        assert losses.loc[lanes[0]].nunique() == 3, "each epoch has an order and masks of its own"
    first, second = (table.index[table["repeat"] == repeat][0] for repeat in (0, 1))
    assert (losses.loc[first] != losses.loc[second]).all()


@pytest.mark.parametrize("repeat", [0, 1])
def test_a_repeat_equals_a_lone_fit_from_its_own_start_in_its_own_order(repeat):
    seed, epochs, rate = 4, 5, 0.3
    family = rw.Grid(learning_rate=[0.03], dropout=[0.0, 0.1, rate, 0.6])
    path = train(family, callbacks=[], epochs=epochs, slots=8, seed=seed)
    alone = model_to_train()
    alone.get_layer("drop").rate = rate
    alone.optimizer.learning_rate = 0.03
    start = initial_states(alone_built(alone), 2, seed)[repeat]
    for variables, values in (
        (alone.trainable_variables, start.trainable),
        (alone.non_trainable_variables, start.non_trainable),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    logs: dict[str, list[float]] = {}
    for epoch in range(epochs):
        order = np.random.default_rng([seed, repeat, 0, epoch]).permutation(CUT)
        history = alone.fit(
            TABLE[order],
            LABELS[order],
            batch_size=BATCH,
            epochs=epoch + 1,
            initial_epoch=epoch,
            shuffle=False,
            validation_data=CHECK,
            verbose=0,
        )
        for name, values in history.history.items():
            logs.setdefault(name, []).extend(values)
    history.history = logs
    assert_equal(path, {"dropout": rate, "repeat": repeat}, alone, history)


def alone_built(model):
    model.optimizer.build(model.trainable_variables)
    return model


def test_repeats_start_from_different_weights_and_the_first_from_the_models_own():
    model = model_to_train()
    own = [variable.numpy() for variable in model.weights]
    family = rw.Grid(learning_rate=[1e-30, 2e-30], dropout=[0.3])
    path = train(family, model=model, callbacks=[], epochs=1, repeats=3, slots=8)
    kernels = {}
    for lane, repeat in path.table()[["lane", "repeat"]].itertuples(index=False):
        kernels.setdefault(repeat, []).append(next(iter(path.lane_weights(lane, "last").values())))
    np.testing.assert_array_equal(kernels[0][0], own[0])
    for same in kernels.values():
        np.testing.assert_array_equal(same[0], same[1])
    assert not np.array_equal(kernels[1][0], kernels[2][0])
    assert not np.array_equal(kernels[0][0], kernels[1][0])


# --- divergence -----------------------------------------------------------------------------------------------


def growing():
    """A linear regression, of which a too large learning rate multiplies the weights each step until they overflow."""
    return keras.Sequential([keras.Input((8,)), layers.Rescaling(1.0, name="scale"), layers.Dense(1, name="out")])


def train_growing(family, slots=4, epochs=12, executor="vmap", **arguments):
    model = seeded(growing)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    target = TABLE[:, 0] + 0.1 * TABLE[:, 1]
    return rw.fit_path(
        model,
        TABLE,
        target,
        family,
        validation_split=0.2,
        batch_size=BATCH,
        epochs=epochs,
        slots=slots,
        executor=executor,
        **arguments,
    )


@pytest.mark.parametrize("executor", ["vmap", "map", "steps"])
def test_a_diverged_lane_is_frozen_and_marked_and_changes_no_other_bit(executor):
    diverging = train_growing(rw.Grid(learning_rate=[0.01, 0.03, 0.05, 10.0]), executor=executor)
    healthy = train_growing(rw.Grid(learning_rate=[0.01, 0.03, 0.05, 0.06]), executor=executor)
    assert_bitwise(diverging, healthy, [0, 1, 2])
    row = diverging.table().set_index("lane").loc[3]
    history = diverging.history()
    losses = history[history["lane"] == 3]
    assert row["stopped"] == "diverged"
    assert 2 < row["epochs"] < 12
    assert len(losses) == row["epochs"]
    assert np.isfinite(losses[["loss", "val_loss"]].iloc[:-1]).all(axis=None)
    assert not np.isfinite(losses[["loss", "val_loss"]].iloc[-1]).all()
    # Its best epoch is the first, of which it still has the weights.
    assert row["best_epoch"] == 1
    assert row["val_loss"] == losses["val_loss"].iloc[0]
    first = train_growing(rw.Grid(learning_rate=[0.01, 0.03, 0.05, 10.0]), epochs=1, executor=executor)
    kept, after_one = diverging.lane_weights(3).values(), first.lane_weights(3, "last").values()
    for value, other in zip(kept, after_one, strict=True):
        np.testing.assert_array_equal(value, other)


def test_a_lane_that_never_had_a_finite_loss_keeps_nothing():
    # Times inputs beyond 1.2 it is infinite in float32.
    path = train_growing(rw.Grid({"scale.scale": [0.5, 1.0, 2.0, 3e38]}))
    row = path.table().set_index("lane").loc[3]
    assert row["stopped"] == "diverged"
    assert row["epochs"] == 1
    assert pd.isna(row["best_epoch"])
    assert np.isnan(row["weight_norm"])
    with pytest.raises(rw.InputError, match="Lane 3 kept no epoch"):
        path.lane_weights(3)
    healthy = train_growing(rw.Grid({"scale.scale": [0.5, 1.0, 2.0, 3.0]}))
    assert_bitwise(path, healthy, [0, 1, 2])


def test_a_diverged_lane_leaves_its_slot_to_the_next():
    rates = [0.01, 0.02, 0.03, 0.04, 0.05, 1e6, 2e6, 3e6]
    path = train_growing(rw.Grid(learning_rate=rates), slots=2, repeats=2)
    alike = train_growing(rw.Grid(learning_rate=rates[:5]), slots=4, repeats=2)
    table = path.table()
    assert (table["stopped"] == "diverged").sum() == 6
    healthy = table[table["stopped"] != "diverged"].drop(columns="seconds").reset_index(drop=True)
    pd.testing.assert_frame_equal(healthy, compared(alike), rtol=RELATIVE, atol=RELATIVE)
