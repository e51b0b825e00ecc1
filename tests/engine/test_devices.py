"""Lanes on several devices: host devices, as many as are asked for, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CODE = """
import json, sys
sys.path.insert(0, {tests!r})
import ridgeway as rw
import jax
from engine.small import train
family = rw.Grid(weight_decay=[0.0, 1e-2, 0.1], dropout=[0.0, 0.5])
found = dict()
for name, arguments in json.loads({arguments!r}).items():
    path = train(family, epochs=6, **arguments)
    table = path.table()
    weights = [[array.tolist() for array in path.lane_weights(lane).values()] for lane in table["lane"]]
    found[name] = [
        len(jax.local_devices()), path.record["executor"], table[["lane", "epochs", "stopped"]].values.tolist(),
        table["val_loss"].tolist(), weights,
    ]
print(json.dumps(found))
"""

#: Runs by name, each with the number of devices that it is spread over.
RUNS = {
    "refilled": (2, {"slots": 4}),
    "map": (2, {"slots": 6, "executor": "map"}),
    "halved": (3, {"slots": 6, "halving": 2}),
    "uneven": (4, {"slots": 5, "repeats": 3}),
}


@cache
def trained(devices: int) -> dict[str, list[Any]]:
    """What a process with so many devices makes of its runs; with one, of all."""
    arguments = {
        name: {"executor": "vmap", **given} for name, (spread, given) in RUNS.items() if devices in (1, spread)
    }
    code = CODE.format(tests=str(Path(__file__).parents[1]), arguments=json.dumps(arguments))
    environment = {**os.environ, "RIDGEWAY_CPU_DEVICES": str(devices)}
    environment.pop("XLA_FLAGS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.xdist_group("devices")
@pytest.mark.parametrize("run", RUNS)
def test_lanes_are_the_same_on_any_number_of_devices(run: str) -> None:
    devices = RUNS[run][0]
    alone, spread = trained(1)[run], trained(devices)[run]
    assert alone[0] == 1 and spread[0] == devices
    assert spread[1]["devices"] == devices and spread[1]["slots"] % devices == 0
    assert alone[2] == spread[2]
    np.testing.assert_allclose(alone[3], spread[3], rtol=2e-5)
    for one, other in zip(alone[4], spread[4], strict=True):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)


def test_a_spawned_process_may_have_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from ridgeway import devices; devices.prepare(); devices.one_only()\n"
        "import jax; print(len(jax.local_devices()))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "RIDGEWAY_CPU_DEVICES"}
    environment["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "1"


def test_a_process_may_compile_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    from ridgeway import devices

    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    devices.compile_quickly()
    devices.compile_quickly()
    assert os.environ["XLA_FLAGS"] == "--xla_dump_to=here --xla_backend_optimization_level=1"
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3")
    devices.compile_quickly()
    assert os.environ["XLA_FLAGS"] == "--xla_backend_optimization_level=3"
