"""Lanes on a GPU against the loop over `model.fit` on the same GPU, and lanes a second against lanes side by side.

Run it by `make bench-gpu` on a machine with an NVIDIA GPU and JAX's build for it; it names the device, and prints
Markdown for docs/performance.md. `--quick` is for any machine, to see that it works: small, and few repetitions.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from speed.workloads import WORKLOADS, Rows, Workload, read

HERE = Path(__file__).parent
# How many times faster than the loop is promised.
PROMISED = {"phoneme": 100, "wide": 30, "cnn": 10}
EPOCHS = {"phoneme": 20, "wide": 5, "cnn": 5}


def family(lanes: int) -> Any:
    """So many configurations of dropout and weight decay."""
    import numpy as np

    import ridgeway as rw

    rates = np.linspace(0.0, 0.7, 8)
    decays = np.concatenate([[0.0], np.geomspace(1e-5, 1e-1, max(1, lanes // 8 - 1))])[: max(1, lanes // 8)]
    return rw.Grid(dropout=rates[: min(8, lanes)].tolist(), weight_decay=decays.tolist())


def lanes_of(workload: Workload, rows: Rows, lanes: int, epochs: int, stop: bool = True) -> dict[str, Any]:
    """Trains so many lanes by `fit_path`."""
    from speed.sides.ridgeway_lanes import fit

    outcome = fit(workload, rows, family(lanes), epochs, 0, stop)[1]
    return {"seconds": outcome.seconds, "epochs": outcome.epochs, "warm": outcome.warm, **outcome.notes}


def loop_of(workload: Workload, rows: Rows, models: int, epochs: int) -> dict[str, Any]:
    """So many fresh models by `fit`."""
    from dataclasses import asdict

    from speed.sides import keras_loop

    return asdict(keras_loop.run(workload, rows, models, epochs, 0))


def peak() -> float:
    """Operations a second of the device's best single-precision matrix product, as JAX does it by default."""
    import jax
    import jax.numpy as jnp

    product, best = jax.jit(jnp.matmul), 0.0
    for size in (1024, 2048, 4096, 8192) if jax.default_backend() != "cpu" else (512, 1024):
        a = jnp.ones((size, size), jnp.float32)
        jax.block_until_ready(product(a, a))
        for _ in range(5):
            began = time.perf_counter()
            jax.block_until_ready(product(a, a))
            best = max(best, 2.0 * size**3 / (time.perf_counter() - began))
    return best


def one(options: argparse.Namespace) -> None:
    """A part of the benchmark in this process; prints a line of JSON."""
    import jax

    if options.part == "peak":
        print(json.dumps({"peak": peak(), "device": jax.devices()[0].device_kind}))
        return
    workload, rows = WORKLOADS[options.workload], read(options.data, options.workload)
    epochs = options.epochs or EPOCHS[options.workload]
    if options.part == "loop":
        found = loop_of(workload, rows, options.lanes, epochs)
    else:
        found = lanes_of(workload, rows, options.lanes, epochs, options.part == "lanes")
    print(json.dumps(found))


def part(*words: object) -> dict[str, Any] | None:
    """A part in a process of its own with an empty compilation cache; None where it failed, out of memory say."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "RIDGEWAY_CACHE_DIR": cache, "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, __file__, *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(map(str, words))} failed:\n{done.stderr[-1500:]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def spread(values: list[float]) -> str:
    """The median, with least and most."""
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def compared(name: str, options: argparse.Namespace) -> str:
    """A line of the first table."""
    lanes, models = (32, 2) if options.quick else (256, 4)
    epochs = 2 if options.quick else EPOCHS[name]
    pairs = []
    for _ in range(options.repetitions):
        ours = part("lanes", "--workload", name, "--data", options.data, "--lanes", lanes, "--epochs", epochs)
        loop = part("loop", "--workload", name, "--data", options.data, "--lanes", models, "--epochs", epochs)
        if ours and loop:
            pairs.append((ours, loop))
    if not pairs:
        return f"| {WORKLOADS[name].title} | failed | | | |"
    cold = [loop["seconds"] / loop["models"] * lanes / ours["seconds"] for ours, loop in pairs]
    warm = [loop["warm"] / ours["warm"] for ours, loop in pairs]
    kept = "kept" if statistics.median(cold) >= PROMISED[name] else "**missed**"
    return (
        f"| {WORKLOADS[name].title}; {lanes} lanes, {pairs[0][0]['name']} × {pairs[0][0]['slots']} | "
        f"{spread([ours['seconds'] for ours, _ in pairs])} | {spread(cold)} | {spread(warm)} | "
        f"≥ {PROMISED[name]}: {kept} |"
    )


def scaled(name: str, peak: float, options: argparse.Namespace) -> list[str]:
    """Lane-epochs a second against lanes, until memory or arithmetic ends it."""
    lines = []
    rows = read(options.data, name)
    done = WORKLOADS[name].operations(len(rows.x), len(rows.x_val))
    for lanes in (8, 16) if options.quick else (64, 256, 1024, 4096):
        found = part("scaling", "--workload", name, "--data", options.data, "--lanes", lanes, "--epochs", 3)
        if found is None:
            lines.append(f"| {WORKLOADS[name].title} | {lanes} | failed | |")
            break
        share = "–" if done is None else f"{100 * done / found['warm'] / peak:.1f} %"
        lines.append(f"| {WORKLOADS[name].title} | {lanes} | {1 / found['warm']:,.0f} | {share} |")
    return lines


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["peak", "lanes", "loop", "scaling"])
    parser.add_argument("--workload", choices=list(WORKLOADS))
    parser.add_argument("--data", type=Path, required=True, help="folder that `speed/one.py prepare all` wrote")
    parser.add_argument("--lanes", type=int, default=256)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--workloads", default=",".join(PROMISED))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.part:
        one(options)
        return
    told = part("peak", "--data", options.data)
    if told is None:
        raise SystemExit("The device can't multiply matrices: see above.")
    names = options.workloads.split(",")
    print(f"{told['device']}; matrix-product peak, float32 as JAX does it there: {told['peak'] / 1e12:.1f} TFLOP/s.\n")
    print("| workload | lanes, s | in all, × | warm, × | promised in all |\n| --- | --- | --- | --- | --- |")
    print(*(compared(name, options) for name in names), sep="\n")
    print("\n| workload | lanes | lane-epochs a second | share of the peak |\n| --- | --- | --- | --- |")
    print(*itertools.chain(*(scaled(name, told["peak"], options) for name in names)), sep="\n")


if __name__ == "__main__":
    main()
