"""`make bench-gpu` on a machine without a GPU: the same code, small."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("gpu")


def test_both_sides_train_the_same_network(gpu: Any) -> None:
    workloads = importlib.import_module("speed.workloads")
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int32)
    workload, rows = workloads.WORKLOADS["phoneme"], workloads.Rows(x[:64], y[:64], x[64:], y[64:])
    lanes, loop = gpu.lanes_of(workload, rows, 16, 2), gpu.loop_of(workload, rows, 2, 2)
    assert lanes["epochs"] == 32 and loop["epochs"] == 4
    assert lanes["warm"] > 0 and loop["warm"] > 0
    assert gpu.peak() > 0


def test_operations_are_counted_from_the_kernels(gpu: Any) -> None:
    workloads = importlib.import_module("speed.workloads")
    digits = workloads.WORKLOADS["digits"]
    # Forward and the kernel's gradient of 784 x 128; forward and both gradients of 128 x 10; validation forward.
    assert digits.operations(10, 5) == 10 * (4 * 784 * 128 + 6 * 128 * 10) + 5 * 2 * (784 * 128 + 128 * 10)
    assert workloads.WORKLOADS["cnn"].operations(10, 5) is None
    assert sys.path[0] == str(BENCHMARKS)
