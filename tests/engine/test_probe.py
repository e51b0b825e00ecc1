"""How lanes are trained: asked for or chosen, and on the record."""

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
