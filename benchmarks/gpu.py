"""Lanes on a GPU against the loop over `model.fit` on the same GPU, and lanes a second against lanes side by side.

Run it by `make bench-gpu` on a machine with an NVIDIA GPU and JAX's build for it; it names the device, and prints
Markdown for docs/performance.md as it goes. Each side of a workload is a process of its own with all its repetitions,
which start cold: what was compiled is forgotten in between. `--quick` is for any machine, to see that it works: small,
and few repetitions.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from speed.clock import spread
from speed.one import cold
from speed.workloads import WORKLOADS, Rows, Workload, read

HERE = Path(__file__).parent
# How many times faster than the loop is promised.
PROMISED = {"phoneme": 100, "wide": 30, "cnn": 10}
EPOCHS = {"phoneme": 20, "wide": 5, "cnn": 5}
# Of a parameter in a step of AdamW: weight and two moments read and written, the gradient written and read.
BYTES = 8 * 4


def lanes_of(workload: Workload, rows: Rows, lanes: int, epochs: int, stop: bool = True) -> dict[str, Any]:
    """Trains so many lanes by `fit_path`."""
    from speed.sides.ridgeway_lanes import family, fit

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
        a = jax.random.normal(jax.random.key(0), (size, size), jnp.float32)
        best = max(best, 2.0 * size**3 / fastest(lambda a=a: product(a, a)))
    return best


def bandwidth() -> float:
    """Bytes a second that an array takes to be read and written anew."""
    import jax
    import jax.numpy as jnp

    size = 2**28 if jax.default_backend() != "cpu" else 2**24
    array = jnp.ones(size, jnp.float32)
    negated = jax.jit(jnp.negative)
    return 8.0 * size / fastest(lambda: negated(array))


def fastest(call: Any) -> float:
    """The least seconds of five calls, after one that compiles."""
    import jax

    jax.block_until_ready(call())
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def one(options: argparse.Namespace) -> None:
    """A part of the benchmark in this process; prints a line of JSON for each repetition."""
    import jax

    if options.part == "peak":
        print(json.dumps({"peak": peak(), "bandwidth": bandwidth(), "device": jax.devices()[0].device_kind}))
        return
    workload, rows = WORKLOADS[options.workload], read(options.data, options.workload)
    epochs = options.epochs or EPOCHS[options.workload]
    for _ in range(options.repetitions):
        with cold():
            if options.part == "loop":
                found = loop_of(workload, rows, options.lanes, epochs)
            else:
                found = lanes_of(workload, rows, options.lanes, epochs, options.part == "lanes")
        print(json.dumps(found))


def part(*words: object) -> list[dict[str, Any]]:
    """The repetitions of a part in a process of its own; none where it failed, out of memory say."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(map(str, words))} failed:\n{done.stderr[-1500:]}", file=sys.stderr)
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def compared(name: str, options: argparse.Namespace) -> str:
    """A line of the first table."""
    lanes, models = (32, 2) if options.quick else (256, 2)
    words = ["--workload", name, "--data", options.data, "--repetitions", options.repetitions]
    words += ["--epochs", 2 if options.quick else EPOCHS[name], "--lanes"]
    ours, theirs = part("lanes", *words, lanes), part("loop", *words, models)
    pairs = list(zip(ours, theirs, strict=False))
    if not pairs:
        return f"| {WORKLOADS[name].title} | failed | | | |"
    whole = [loop["seconds"] / loop["models"] * lanes / own["seconds"] for own, loop in pairs]
    warm = [loop["warm"] / own["warm"] for own, loop in pairs]
    kept = "kept" if statistics.median(whole) >= PROMISED[name] else "**missed**"
    return (
        f"| {WORKLOADS[name].title}; {lanes} lanes, {ours[0]['name']} × {ours[0]['slots']} | "
        f"{spread([own['seconds'] for own in ours])} | {spread([own['first'] for own in ours])} | "
        f"{spread([loop['seconds'] / loop['models'] for loop in theirs])} | {spread(whole, 0)} | {spread(warm, 0)} | "
        f"≥ {PROMISED[name]}: {kept} |"
    )


def scaled(name: str, limits: dict[str, Any], options: argparse.Namespace) -> Iterator[str]:
    """Lane-epochs a second against lanes, until memory or arithmetic ends it."""
    workload, rows = WORKLOADS[name], read(options.data, name)
    done = workload.operations(len(rows.x), len(rows.x_val))
    moved = len(rows.x) / 32 * BYTES * workload.parameters
    for lanes in (8, 16) if options.quick else (64, 256, 1024, 4096):
        words = ["--workload", name, "--data", options.data, "--lanes", lanes, "--epochs", 3, "--repetitions", 1]
        found = part("scaling", *words)
        if not found:
            yield f"| {workload.title} | {lanes} | failed | | |"
            return
        own = found[0]
        shares = [
            "–" if done is None else f"{100 * done / own['warm'] / limits['peak']:.1f} %",
            f"{100 * moved / own['warm'] / limits['bandwidth']:.0f} %",
        ]
        cells = [workload.title, f"{lanes:,}", f"{own['slots']:,}", f"{1 / own['warm']:,.0f}", *shares]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["peak", "lanes", "loop", "scaling"])
    parser.add_argument("--workload", choices=list(WORKLOADS))
    parser.add_argument("--data", type=Path, required=True, help="folder that `speed/one.py prepare all` wrote")
    parser.add_argument("--lanes", type=int, default=256)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--workloads", default=",".join(PROMISED))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.part:
        one(options)
        return
    told = part("peak", "--data", options.data)
    if not told:
        raise SystemExit("The device can't multiply matrices: see above.")
    limits, names = told[0], options.workloads.split(",")
    print(
        f"{limits['device']}; matrix-product peak, float32 as JAX does it there: {limits['peak'] / 1e12:.1f} TFLOP/s; "
        f"memory {limits['bandwidth'] / 1e9:,.0f} GB/s.\n"
    )
    print("| workload | lanes, s | to the first epoch, s | a model of the loop, s | in all, × | warm, × | promised |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for name in names:
        print(compared(name, options), flush=True)
    print("\n| workload | lanes | side by side | lane-epochs a second | of the peak | of the memory's |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for name in names:
        for line in scaled(name, limits, options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
