"""Fine-tuning over a frozen backbone: 64 heads by `fit_path` against one head, by ridgeway and by `model.fit`.

A backbone that no lane changes is computed once a step for all lanes, so that 64 heads should cost at most twice one.
Each side is a process of its own; what is compared is the time of an epoch after the first, in ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from speed.clock import spread

HERE = Path(__file__).parent
ROWS, EPOCHS, HEADS = 2000, 6, 64
BACKBONES = ("dense", "convolutions")
PROMISED = 2.0


def network(kind: str) -> Any:
    """A frozen backbone of 784-512-512 or of three convolutions, and a linear head with dropout."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    if kind == "dense":
        inside = [layers.Flatten(), layers.Dense(512, "relu"), layers.Dense(512, "relu")]
    else:
        inside = [
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
        ]
        inside += [layers.MaxPooling2D(), layers.Conv2D(64, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    backbone = keras.Sequential(inside, name="backbone")
    backbone.trainable = False
    # The head of Keras's guide to transfer learning.
    head = [layers.Dropout(0.2, name="drop"), layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28, 1)), backbone, *head])
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def epochs_of(side: str, kind: str) -> list[float]:
    """Seconds of each epoch after the first."""
    import keras

    random = np.random.default_rng(0)
    x = random.uniform(size=(ROWS, 28, 28, 1)).astype(np.float32)
    y = random.integers(0, 10, ROWS)
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    given: dict[str, Any] = {"batch_size": 32, "epochs": EPOCHS, "validation_split": 0.2, "verbose": 0}
    if side == "fit":
        network(kind).fit(x, y, callbacks=[clock], **given)
    else:
        import ridgeway as rw

        lanes = int(side)
        rates = np.linspace(0.1, 0.7, min(8, lanes)).tolist()
        family = rw.Grid({"drop.rate": rates, "weight_decay": np.geomspace(1e-5, 1e-1, max(1, lanes // 8)).tolist()})
        path = rw.fit_path(network(kind), x, y, family, callbacks=[clock], **given)
        print(json.dumps(path.record["executor"]), file=sys.stderr)
    return np.diff(ends).tolist()


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", nargs="?", choices=["fit", "1", str(HEADS)])
    parser.add_argument("kind", nargs="?", choices=BACKBONES)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(epochs_of(options.side, options.kind)))
        return
    print(
        f"| backbone | `fit`, ms an epoch | 1 head, ms | {HEADS} heads, ms | heads against 1, × | against `fit`, × | |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind in BACKBONES:
        found: dict[str, list[float]] = {"fit": [], "1": [], str(HEADS): []}
        for _ in range(options.repetitions):
            for side, medians in found.items():
                command = [sys.executable, str(HERE / "frozen.py"), side, kind]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                medians.append(1e3 * statistics.median(json.loads(done.stdout.splitlines()[-1])))
        fit, one, heads = found.values()
        ratios = [many / single for many, single in zip(heads, one, strict=True)]
        against = [many / single for many, single in zip(heads, fit, strict=True)]
        kept = "kept" if statistics.median(ratios) <= PROMISED else "**missed**"
        cells = [
            kind,
            *(f"{statistics.median(values):.0f}" for values in (fit, one, heads)),
            spread(ratios, 2),
            spread(against, 2),
        ]
        print(f"| {' | '.join(cells)} | ≤ {PROMISED:g}: {kept} |", flush=True)


if __name__ == "__main__":
    main()
