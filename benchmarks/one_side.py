"""One side of the benchmark in a process of its own; prints one line of JSON.

python one_side.py lanes DATA CASE [--epochs N] [--no-stopping]   64 lanes by fit_path
python one_side.py loop DATA CASE --models N                      a fresh model and model.fit, N times
python one_side.py peak                                           single-precision matrix products a second
"""

from __future__ import annotations

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402 - the clock starts before the imports
import itertools  # noqa: E402
import json  # noqa: E402
from collections.abc import Callable  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from cases import (  # noqa: E402
    BATCH_SIZE,
    CASES,
    PATIENCE,
    WHOLE_LOOP,
    Case,
)
from speed.clock import peak_megabytes  # noqa: E402

PROBES = ("covariate_shift", "saturation", "gradients", "sharpness", "generalization_gap")


def lanes(case: Case, x: np.ndarray, y: np.ndarray, options: argparse.Namespace) -> dict[str, Any]:
    """All lanes at once; warm is the time a lane-epoch of training alone, set-up and compilation left out."""
    import keras

    import ridgeway as rw
    from ridgeway.engine.executor import StackedExecutor

    imported = time.perf_counter()
    looks = timed(StackedExecutor, "look")
    fixed: dict[str, Any] = {"executor": "vmap", "slots": len(case.configurations)} if options.no_stopping else {}
    stopping = [] if options.no_stopping else [keras.callbacks.EarlyStopping(monitor="val_loss", patience=PATIENCE)]
    dropout, decay = (sorted(set(values)) for values in zip(*case.configurations, strict=True))
    began = time.perf_counter()
    path = rw.fit_path(
        case.model(0.0, 0.0, options.seed),
        x[: case.rows],
        y[: case.rows],
        rw.Grid(dropout=dropout, weight_decay=decay),
        batch_size=BATCH_SIZE,
        epochs=options.epochs or case.epochs,
        validation_data=(x[case.rows :], y[case.rows :]),
        callbacks=stopping,
        seed=options.seed,
        verbose=0,
        probes=PROBES if options.probes else (),
        **fixed,
    )
    best = path.best
    seconds = time.perf_counter() - began
    epochs = len(path.history())
    return {
        "models": len(path.table()),
        "epochs": epochs,
        "seconds": seconds,
        "imports": imported - BEGAN,
        "setup": path.record["seconds"]["setup"],
        "warm": path.record["seconds"]["training"] / epochs,
        "best": best.mean,
        "executor": path.record["executor"],
        # The first look compiles.
        "looking": sum(looks[1:]) / (path.record["seconds"]["training"] - sum(looks)) if looks else 0.0,
    }


def timed(owner: type, name: str) -> list[float]:
    """Seconds of each call of a method from now on."""
    seconds: list[float] = []
    original = getattr(owner, name)

    def call(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return original(*arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    setattr(owner, name, call)
    return seconds


def loop(case: Case, x: np.ndarray, y: np.ndarray, options: argparse.Namespace) -> dict[str, Any]:
    """A fresh model and `fit` for each configuration; warm is an epoch after the first, which compiles."""
    import keras

    class Clock(keras.callbacks.Callback):
        """When each epoch ended, validation included."""

        def __init__(self) -> None:
            super().__init__()
            self.ends: list[float] = []

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.ends.append(time.perf_counter())

    imported = time.perf_counter()
    count = len(case.configurations)
    spread = [round(number) for number in np.linspace(0, count - 1, min(options.models, count))]
    rest = [number for number in range(count) if number not in spread]
    seconds: list[float] = []
    warm: list[float] = []
    best, epochs = np.inf, 0
    for number in spread + rest:
        if len(seconds) == len(spread) and (options.sample or sum(seconds) / len(seconds) * count > WHOLE_LOOP):
            break
        began = time.perf_counter()
        clock = Clock()
        model = case.model(*case.configurations[number], options.seed)
        history = model.fit(
            x[: case.rows],
            y[: case.rows],
            batch_size=BATCH_SIZE,
            epochs=case.epochs,
            validation_data=(x[case.rows :], y[case.rows :]),
            callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=PATIENCE), clock],
            verbose=0,
        ).history
        seconds.append(time.perf_counter() - began)
        warm += [late - early for early, late in itertools.pairwise(clock.ends)]
        best = min(best, *history["val_loss"])
        epochs += len(clock.ends)
    return {
        "models": len(seconds),
        "epochs": epochs,
        "seconds": sum(seconds),
        "imports": imported - BEGAN,
        "warm": float(np.mean(warm)),
        "best": float(best),
        "model_seconds": seconds,
    }


def peak() -> dict[str, Any]:
    """The best of three ways to multiply matrices on all cores, in operations a second; memory's bytes a second."""
    import os

    cores = os.cpu_count() or 1
    # As ridgeway does: each core a device. JAX reads it when it starts.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={cores}"
    import jax
    import jax.numpy as jnp

    def best(product: Callable[[], Any], operations: float) -> float:
        timings = []
        for _ in range(6):
            began = time.perf_counter()
            product()
            timings.append(time.perf_counter() - began)
        return operations / min(timings)

    product = jax.jit(jnp.matmul)
    found = dict.fromkeys(("numpy", "jax", "jax, a product a core"), 0.0)
    for size in (512, 1024, 2048, 3072):
        a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
        placed = [jax.device_put(a, device) for device in jax.devices()]
        one = 2.0 * size**3

        def alone(a: jax.Array = placed[0]) -> Any:
            return jax.block_until_ready(product(a, a))

        def together(placed: list[jax.Array] = placed) -> Any:
            return jax.block_until_ready([product(a, a) for a in placed])

        def on_host(a: np.ndarray = a) -> Any:
            return a @ a

        for name, call, operations in (
            ("numpy", on_host, one),
            ("jax", alone, one),
            ("jax, a product a core", together, one * len(placed)),
        ):
            found[name] = max(found[name], best(call, operations))
    # A triad, as STREAM does it: two arrays are read and one is written.
    a, b, c = (np.ones(2**25, np.float32) for _ in range(3))
    parts = np.array_split(np.arange(len(a)), cores)
    spans = [slice(part[0], part[-1] + 1) for part in parts]

    def triad() -> None:
        def one(span: slice) -> None:
            np.multiply(b[span], 3.0, out=a[span])
            np.add(a[span], c[span], out=a[span])

        with ThreadPoolExecutor(cores) as threads:
            list(threads.map(one, spans))

    # NumPy has no fused form: two passes, of two and three arrays.
    found["bandwidth"] = best(triad, 5.0 * a.nbytes)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["lanes", "loop", "peak"])
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("case", nargs="?", choices=list(CASES))
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-stopping", action="store_true")
    parser.add_argument("--probes", action="store_true", help="measure inside the lanes, all that there is")
    parser.add_argument("--sample", action="store_true", help="train --models of the loop's models and no more")
    options = parser.parse_args()
    if options.side == "peak":
        found = peak()
    else:
        with np.load(options.data / f"{options.case}.npz") as arrays:
            x, y = arrays["x"], arrays["y"]
        found = {"lanes": lanes, "loop": loop}[options.side](CASES[options.case], x, y, options)
    print(json.dumps({**found, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
