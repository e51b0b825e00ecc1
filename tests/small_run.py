"""The run that tests of resuming and of clusters share: few rows, and lanes that stop at their own times."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import ridgeway as rw

X = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(np.int32)


def network(seed: int = 1) -> keras.Model:
    # As in a fresh process: Keras numbers the names of layers by what was built before.
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(2),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss=loss, metrics=["accuracy"])
    return model


def train(**changed: Any) -> rw.Path:
    """Trains; what is passed takes the place of these arguments of `fit_path`."""
    arguments: dict[str, Any] = {
        "model": changed.pop("model", None) or network(),
        "x": X,
        "y": Y,
        "family": rw.Grid(weight_decay=[0.0, 0.1, 1.0], dropout=[0.0, 0.5]),
        "epochs": 8,
        "batch_size": 16,
        "validation_split": 0.25,
        "callbacks": [keras.callbacks.EarlyStopping(patience=2)],
        "slots": 4,
        "executor": "vmap",
        "checkpoint_every": 0,
        **changed,
    }
    model, x, y, family = (arguments.pop(name) for name in ("model", "x", "y", "family"))
    return rw.fit_path(model, x, y, family, **arguments)
