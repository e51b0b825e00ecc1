"""Callbacks in plain fit, and the same ones in a path."""

from __future__ import annotations

import datetime
import itertools
import math
import types

import keras
import numpy as np
import pytest

import ridgeway as rw
from ridgeway.callbacks import MaxTime, PathStopping, TargetReached

random = np.random.default_rng(0)
X = random.normal(size=(200, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def build():
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


ARGUMENTS = {"validation_split": 0.25, "epochs": 30, "batch_size": 32, "shuffle": False, "verbose": 0}


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss"])
def test_a_lane_stops_at_the_target_where_fit_does(monitor):
    target = 0.85 if monitor == "val_accuracy" else 0.5
    alone = build().fit(X, Y, callbacks=[TargetReached(monitor, target)], **ARGUMENTS).history[monitor]
    path = rw.fit_path(build(), X, Y, rw.Grid(l2=[0.0, 10.0]), callbacks=[TargetReached(monitor, target)], **ARGUMENTS)
    table = path.table().set_index("l2")
    assert 1 < table.loc[0.0, "epochs"] == len(alone) < 30
    assert table["stopped"].tolist() == ["target reached", "completed"]
    assert path.history().query("lane == 0")[monitor].iloc[-1] == pytest.approx(alone[-1], rel=1e-5)


def test_time_ends_fit_and_path_with_what_was_trained():
    history = build().fit(X, Y, callbacks=[MaxTime(1e-9)], **ARGUMENTS)
    assert len(history.epoch) == 1
    path = rw.fit_path(
        build(), X, Y, rw.Grid(l2=[0.0, 0.1, 0.2]), slots=2, executor="vmap", callbacks=[MaxTime(1e-9)], **ARGUMENTS
    )
    table = path.table()
    # The third lane never came to begin.
    assert table["lane"].tolist() == [0, 1]
    assert (table["stopped"] == "time is up").all()
    assert (table["epochs"] == 1).all()
    assert path.best_model().predict(X, verbose=0).shape == (200, 2)


def test_a_path_stops_when_no_lane_can_win():
    family = rw.Grid(learning_rate=[1e-9, 2e-9, 0.05])
    rule = PathStopping("val_loss", patience=3)
    target = TargetReached("val_loss", 0.35)
    path = rw.fit_path(build(), X, Y, family, callbacks=[rule, target], **ARGUMENTS)
    table = path.table().set_index("learning_rate")
    assert table.loc[0.05, "stopped"] == "target reached"
    # The two that crawl never beat it: they end three epochs after the last time that any lane led.
    slow = table.drop(0.05)
    assert (slow["stopped"] == "path stopped").all()
    assert (slow["epochs"] <= table.loc[0.05, "epochs"] + 3).all()
    alone = rw.fit_path(build(), X, Y, rw.Grid(learning_rate=[1e-9]), callbacks=[target], **ARGUMENTS)
    assert alone.table()["epochs"].tolist() == [30]


def test_in_plain_fit_it_says_that_it_does_nothing():
    with pytest.warns(UserWarning, match="does nothing in model.fit"):
        build().fit(X, Y, callbacks=[PathStopping()], epochs=1, verbose=0)


def test_a_target_for_a_log_that_is_not_there():
    with pytest.warns(UserWarning, match="'val_f1', which is not among the logs"):
        build().fit(X, Y, callbacks=[TargetReached("val_f1", 0.5)], epochs=1, verbose=0)
    with pytest.raises(rw.InputError, match="watches a metric that this training does not have"):
        rw.fit_path(build(), X, Y, rw.Grid(l2=[0.0]), callbacks=[TargetReached("val_f1", 0.5, "max")], **ARGUMENTS)


def test_time_as_a_timedelta():
    assert MaxTime(datetime.timedelta(minutes=2)).seconds == 120
    assert MaxTime(np.int64(120)).seconds == 120


def test_fit_goes_on_while_there_is_time_and_no_target_is_reached():
    never = [MaxTime(3600), TargetReached("val_loss", -1.0)]
    history = build().fit(X, Y, callbacks=never, **{**ARGUMENTS, "epochs": 3})
    assert len(history.epoch) == 3


def test_the_clock_starts_with_each_training(monkeypatch):
    # A clock that moves on by a second at each look: begin, then the end of every epoch.
    seconds = itertools.count()
    monkeypatch.setattr("ridgeway.callbacks.time", types.SimpleNamespace(perf_counter=lambda: next(seconds)))
    rule = MaxTime(2.5)
    for _ in range(2):
        assert len(build().fit(X[:32], Y[:32], callbacks=[rule], epochs=8, verbose=0).epoch) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaxTime(0), "is no time above 0"),
        (lambda: MaxTime("soon"), "is no time above 0"),
        (lambda: MaxTime(True), "is no time above 0"),
        (lambda: MaxTime(math.nan), "is no time above 0"),
        (lambda: TargetReached("loss", math.nan), "is no finite number"),
        (lambda: TargetReached("loss", 1.0, mode="down"), "mode='down'.* is unknown"),
        (lambda: PathStopping(patience=0), "is no whole number above 0"),
        (lambda: PathStopping(patience=True), "is no whole number above 0"),
        (lambda: PathStopping(min_delta=math.nan), "is no finite number"),
    ],
)
def test_errors(make, message):
    with pytest.raises(rw.InputError, match=message):
        make()
