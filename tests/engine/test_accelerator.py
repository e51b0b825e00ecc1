"""What the engine does otherwise on a device whose memory is not the host's, on one that says that it is such a one."""

import keras
import numpy as np
import pytest

import ridgeway as rw
from engine.small import train
from laws.against_fit import compiled
from laws.models import IMAGES, LABELS, OPTIMIZERS, cnn
from ridgeway.engine import executor, probe


@pytest.fixture
def accelerator(monkeypatch):
    for module in (executor, probe):
        monkeypatch.setattr(module, "in_host_memory", lambda devices: False)


def same(path, other):
    assert path.table()["epochs"].tolist() == other.table()["epochs"].tolist()
    np.testing.assert_allclose(path.history()["val_loss"], other.history()["val_loss"], rtol=1e-5)
    for lane in path.table()["lane"]:
        for own, theirs in zip(path.lane_weights(lane).values(), other.lane_weights(lane).values(), strict=True):
            np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("slots", [2, 8, None])
def test_the_same_lanes_whatever_the_device(accelerator, monkeypatch, slots):
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    family = rw.Grid(learning_rate=[1e-3, 1e-2, 1e-1, 1.0], weight_decay=[0.0, 0.1])
    given = {"epochs": 9, "callbacks": [stopping], "executor": "auto" if slots is None else "vmap", "slots": slots}
    path = train(family, **given)
    found = path.record["executor"]
    if slots is None:
        assert (found["name"], found["slots"], found["why"]) == ("vmap", 8, "the only one that suits")
    monkeypatch.undo()
    same(path, train(family, **given))


def test_lanes_that_wait_come_back(accelerator, monkeypatch):
    given = {"epochs": 9, "halving": 3, "slots": 4, "executor": "vmap"}
    family = rw.Grid(weight_decay=np.geomspace(1e-4, 1.0, 9).tolist())
    path = train(family, **given)
    assert set(path.table()["epochs"]) > {9}
    monkeypatch.undo()
    same(path, train(family, **given))


def test_convolutions_are_tried_as_products_first(accelerator, monkeypatch):
    monkeypatch.setattr(probe, "WORTH_A_PROBE", 0.0)
    path = rw.fit_path(
        compiled(cnn, OPTIMIZERS["sgd"]()),
        IMAGES,
        LABELS,
        rw.Grid(dropout=[0.1, 0.4]),
        epochs=1,
        validation_split=0.2,
        verbose=0,
    )
    assert list(path.record["executor"]["timings"]) == ["patches x 2", "vmap x 2"]
    assert path.record["executor"]["why"].endswith("timed over an epoch")
