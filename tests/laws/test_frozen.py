"""Lanes over a frozen backbone, which is held once for all of them, equal Keras's own fit."""

from __future__ import annotations

import jax
import keras
import numpy as np
import pytest
from keras import layers
from safetensors import safe_open

import ridgeway as rw
from ridgeway.engine import common
from ridgeway.engine.executor import StackedExecutor

from .against_fit import assert_equal, compiled, fit_alone, train_lanes
from .models import BATCH, IMAGES, LABELS, OPTIMIZERS, TABLE

FAMILY = rw.Grid({"drop.rate": [0.0, 0.3], "weight_decay": [0.0, 0.1]})


@pytest.fixture(autouse=True)
def worth_it(monkeypatch):
    monkeypatch.setattr(common, "_WORTH", 1)


@pytest.fixture
def executors(monkeypatch):
    made = []
    begin = StackedExecutor.__init__

    def noted(self, *arguments, **keywords):
        begin(self, *arguments, **keywords)
        made.append(self)

    monkeypatch.setattr(StackedExecutor, "__init__", noted)
    return made


def table_model():
    backbone = keras.Sequential(
        [layers.Dense(12, "relu"), layers.BatchNormalization(), layers.Dropout(0.2, seed=3)], name="backbone"
    )
    backbone.trainable = False
    return keras.Sequential(
        [
            keras.Input((TABLE.shape[1],)),
            backbone,
            layers.Dense(8, "relu", name="hidden"),
            layers.BatchNormalization(name="normal"),
            layers.Dropout(0.2, seed=1, name="drop"),
            layers.Dense(3, name="out"),
        ]
    )


def image_model():
    backbone = keras.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D()])
    backbone.trainable = False
    head = [layers.Dropout(0.2, seed=1, name="drop"), layers.Dense(3, name="out")]
    return keras.Sequential([keras.Input(IMAGES.shape[1:]), backbone, *head])


MODELS = {"table": (table_model, TABLE), "images": (image_model, IMAGES)}


def alone(build, x, dropout=0.3, decay=0.1):
    model = compiled(build, OPTIMIZERS["adam"](weight_decay=decay))
    model.optimizer.exclude_from_weight_decay(var_list=[v for v in model.trainable_variables if "kernel" not in v.name])
    model.get_layer("drop").rate = dropout
    return model, fit_alone(model, x, LABELS)


@pytest.mark.parametrize(("executor", "slots"), [("vmap", 4), ("vmap", 2), ("patches", 4), ("map", 4), ("steps", 2)])
@pytest.mark.parametrize("name", MODELS)
def test_a_lane_equals_a_lone_fit(executors, name, executor, slots):
    build, x = MODELS[name]
    path = train_lanes(compiled(build, OPTIMIZERS["adam"]()), x, LABELS, FAMILY, executor=executor, slots=slots)
    assert_equal(path, {"drop.rate": 0.3, "weight_decay": 0.1}, *alone(build, x))
    for one in executors:
        # Kernel, bias and four of batch normalization; generators' states and other statistics are a lane's own.
        assert len(one._common) == {"table": 6, "images": 2}[name]


def test_what_is_common_is_computed_once(executors, monkeypatch):
    programs = []
    compile_ = StackedExecutor._compiled

    def noted(self, function, specs, donated):
        def traced(*arguments):
            if function.__name__ == "all_lanes":
                programs.append(str(jax.make_jaxpr(function)(*arguments)))
            return function(*arguments)

        return compile_(self, traced, specs, donated)

    monkeypatch.setattr(StackedExecutor, "_compiled", noted)
    train_lanes(compiled(table_model, OPTIMIZERS["adam"]()), TABLE, LABELS, FAMILY, executor="vmap", slots=4)
    lanes = 4 // executors[0]._mesh.size
    assert f"f32[{BATCH},12] = dot_general" in programs[0]
    assert f"f32[{lanes},{BATCH},12]" not in programs[0]
    assert f"f32[{lanes},{BATCH},8]" in programs[0]


def test_a_run_that_is_stopped_goes_on_with_it(tmp_path, executors):
    given = {"executor": "vmap", "slots": 2, "halving": 2, "epochs": 6}
    model = compiled(table_model, OPTIMIZERS["adam"]())
    path = train_lanes(model, TABLE, LABELS, FAMILY, out=tmp_path / "run", checkpoint_every=0.0, **given)
    read = rw.load_path(tmp_path / "run")
    for lane in path.table()["lane"]:
        for own, kept in zip(path.lane_weights(lane).values(), read.lane_weights(lane).values(), strict=True):
            np.testing.assert_array_equal(own, kept)
    with safe_open(tmp_path / "run" / "weights.safetensors", "numpy") as stored:
        lanes = {name: stored.get_slice(name).get_shape()[0] for name in stored.keys()}  # noqa: SIM118
    assert {count for name, count in lanes.items() if "backbone" in name} == {1}
    assert {count for name, count in lanes.items() if "backbone" not in name} == {4}
    backbone = model.get_layer("backbone").get_weights()
    exported = path.best_model().get_layer("backbone").get_weights()
    for own, given_ in zip(exported, backbone, strict=True):
        np.testing.assert_array_equal(own, given_)


def test_probes_see_the_whole_model():
    path = train_lanes(
        compiled(table_model, OPTIMIZERS["adam"]()), TABLE, LABELS, FAMILY, executor="vmap", probes=["saturation"]
    )
    assert len(path.probes()) > 0


def test_small_or_changing_values_are_a_lanes_own(executors, monkeypatch):
    monkeypatch.setattr(common, "_WORTH", 10**6)
    train_lanes(compiled(table_model, OPTIMIZERS["adam"]()), TABLE, LABELS, FAMILY, executor="vmap", slots=4)
    assert not executors[0]._common
