"""One side of the benchmark in a process of its own; prints one line of JSON.

python one_side.py lanes DATA CASE [--epochs N] [--no-stopping]   64 lanes by fit_path
python one_side.py loop DATA CASE --models N                      a fresh model and model.fit, N times
python one_side.py peak                                           single-precision matrix products a second
"""

from __future__ import annotations

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402 - the clock starts before the imports
import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from cases import (  # noqa: E402
    BATCH_SIZE,
    CASES,
    CONFIGURATIONS,
    DROPOUT,
    PATIENCE,
    VALIDATION_SPLIT,
    WEIGHT_DECAY,
    Case,
)


def peak_megabytes() -> float:
    """Most memory that this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def lanes(case: Case, x: np.ndarray, y: np.ndarray, options: argparse.Namespace) -> dict[str, Any]:
    """64 lanes; warm is the time a lane-epoch of training alone, without what was set up and compiled before."""
    import keras

    import ridgeway as rw

    imported = time.perf_counter()
    fixed = {"executor": "vmap", "slots": len(CONFIGURATIONS)} if options.no_stopping else {}
    stopping = [] if options.no_stopping else [keras.callbacks.EarlyStopping(patience=PATIENCE)]
    began = time.perf_counter()
    path = rw.fit_path(
        case.model(0.0, 0.0, options.seed),
        x,
        y,
        rw.Grid(dropout=DROPOUT, weight_decay=WEIGHT_DECAY),
        batch_size=BATCH_SIZE,
        epochs=options.epochs or case.epochs,
        validation_split=VALIDATION_SPLIT,
        callbacks=stopping,
        seed=options.seed,
        verbose=0,
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
    }


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
    chosen = np.linspace(0, len(CONFIGURATIONS) - 1, options.models).round().astype(int)
    seconds, warm, best, epochs = [], [], np.inf, 0
    for number in chosen:
        began = time.perf_counter()
        clock = Clock()
        model = case.model(*CONFIGURATIONS[number], options.seed)
        history = model.fit(
            x,
            y,
            batch_size=BATCH_SIZE,
            epochs=case.epochs,
            validation_split=VALIDATION_SPLIT,
            callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE), clock],
            verbose=0,
        ).history
        seconds.append(time.perf_counter() - began)
        warm += np.diff(clock.ends).tolist()
        best = min(best, *history["val_loss"])
        epochs += len(clock.ends)
    return {
        "models": len(chosen),
        "epochs": epochs,
        "seconds": sum(seconds),
        "imports": imported - BEGAN,
        "warm": float(np.mean(warm)),
        "best": float(best),
        "model_seconds": seconds,
    }


def peak() -> dict[str, Any]:
    """The best of NumPy's and JAX's matrix products, in operations a second, on all cores."""
    import jax
    import jax.numpy as jnp

    size = 3072
    a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    on_device, product = jnp.asarray(a), jax.jit(jnp.matmul)
    timings: dict[str, list[float]] = {"numpy": [], "jax": []}
    for _ in range(8):
        began = time.perf_counter()
        a @ a
        timings["numpy"].append(time.perf_counter() - began)
        began = time.perf_counter()
        product(on_device, on_device).block_until_ready()
        timings["jax"].append(time.perf_counter() - began)
    return {name: 2 * size**3 / min(seconds) for name, seconds in timings.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["lanes", "loop", "peak"])
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("case", nargs="?", choices=list(CASES))
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-stopping", action="store_true")
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
