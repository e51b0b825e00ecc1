"""Lanes on several devices: host devices, as many as are asked for, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CODE = """
import json, sys
sys.path.insert(0, {tests!r})
import ridgeway as rw
import jax
from engine.small import train
family = rw.Grid(weight_decay=[0.0, 1e-2, 0.1], dropout=[0.0, 0.5])
path = train(family, epochs=6, slots={slots}, repeats={repeats}, executor={executor!r}, halving={halving})
table = path.table()
weights = [[array.tolist() for array in path.lane_weights(lane).values()] for lane in table["lane"]]
print(json.dumps([
    len(jax.local_devices()), path.record["executor"], table[["lane", "epochs", "stopped"]].values.tolist(),
    table["val_loss"].tolist(), weights,
]))
"""


def trained(devices: int, slots: int, repeats: int = 1, executor: str = "vmap", halving: int | None = None) -> list:
    code = CODE.format(
        tests=str(Path(__file__).parents[1]), slots=slots, repeats=repeats, executor=executor, halving=halving
    )
    environment = {**os.environ, "RIDGEWAY_CPU_DEVICES": str(devices)}
    environment.pop("XLA_FLAGS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("devices", "slots", "repeats", "executor", "halving"),
    [(2, 4, 1, "vmap", None), (2, 6, 1, "map", None), (3, 6, 1, "vmap", 2), (4, 5, 3, "vmap", None)],
    ids=["refilled", "map", "halved", "uneven"],
)
def test_lanes_are_the_same_on_any_number_of_devices(
    devices: int, slots: int, repeats: int, executor: str, halving: int | None
) -> None:
    alone = trained(1, slots, repeats, executor, halving)
    spread = trained(devices, slots, repeats, executor, halving)
    assert alone[0] == 1 and spread[0] == devices
    assert spread[1]["devices"] == devices and spread[1]["slots"] % devices == 0
    assert alone[2] == spread[2]
    np.testing.assert_allclose(alone[3], spread[3], rtol=2e-5)
    for one, other in zip(alone[4], spread[4], strict=True):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)
