"""How lanes are trained: asked for or chosen, and on the record."""

import keras
import numpy as np
import pytest

import ridgeway as rw
from engine.small import train


def test_unknown_executor_names_those_there_are():
    with pytest.raises(rw.InputError, match="Unknown executor 'pmap'. There are auto, vmap, patches, map, steps."):
        train(executor="pmap")


@pytest.mark.parametrize("slots", [0, -2])
def test_slots_below_one(slots):
    with pytest.raises(rw.InputError, match=f"slots={slots} leaves no place for a lane. Pass at least 1"):
        train(slots=slots)


@pytest.mark.parametrize(("executor", "slots"), [("auto", None), ("map", None), ("auto", 2), ("steps", 2)])
def test_the_choice_and_its_reason_are_on_the_record(executor, slots):
    path = train(executor=executor, slots=slots, epochs=1)
    found = path.record["executor"]
    assert {"name", "slots", "devices", "why", "timings"} <= set(found)
    assert found["name"] == executor or (executor == "auto" and found["name"] in ("vmap", "map", "steps"))
    assert found["slots"] >= 1 and found["devices"] >= 1 and found["why"]
    assert slots is None or found["slots"] >= slots
    asked = executor != "auto" and slots is not None
    assert (found["why"] == "asked for") == asked
    assert bool(found["timings"]) != asked
    assert len(path.table()) == 4


def test_loops_over_time_go_a_lane_at_a_time():
    model = keras.Sequential(
        [keras.Input((6, 2)), keras.layers.Bidirectional(keras.layers.GRU(3)), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(40, 6, 2)).astype("float32")
    path = rw.fit_path(model, x, x[:, 0, :1], rw.Grid(l2=[0.0, 0.1]), epochs=1, validation_split=0.25, verbose=0)
    assert path.record["executor"]["name"] == "map"
