"""Lanes beside slots that stay empty, after executors were timed in all slots: still Keras's own fit."""

from __future__ import annotations

import pytest

import ridgeway as rw

from .against_fit import assert_equal, compiled, fit_alone, train_lanes
from .models import LABELS, OPTIMIZERS, TABLE, normalized_mlp


@pytest.mark.parametrize(
    "given",
    [
        {"executor": "vmap"},  # three lanes on two devices: one slot of the second stays empty
        {"executor": "auto", "slots": 8},
        {"executor": "vmap", "slots": 8},
        {"executor": "auto"},
    ],
    ids=["vmap", "auto-8", "vmap-8", "auto"],
)
def test_lanes_beside_empty_slots(given):
    family = rw.Grid(dropout=[0.1, 0.3, 0.5])
    path = train_lanes(compiled(normalized_mlp, OPTIMIZERS["adam"]()), TABLE, LABELS, family, **given)
    for rate in (0.1, 0.3, 0.5):
        alone = compiled(normalized_mlp, OPTIMIZERS["adam"]())
        alone.get_layer("drop").rate = rate
        assert_equal(path, {"dropout": rate}, alone, fit_alone(alone, TABLE, LABELS))
