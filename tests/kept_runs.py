"""The runs that `make_kept.py` writes, and that tests read and go on with as a later version would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import ridgeway as rw

_RANDOM = np.random.default_rng(0)
X = _RANDOM.normal(size=(48, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")

KINDS: dict[str, dict[str, Any]] = {
    "halved": {
        "family": rw.Grid(weight_decay=[0.0, 0.1], width=[3, 4], dropout=[0.0, 0.5]),
        "halving": 2,
        "cv": 2,
    },
    "bayes": {
        "family": rw.Bayes(6, batch=2, weight_decay=rw.Range(1e-4, 1.0, log=True), width=[3, 4]),
        "validation_split": 0.25,
    },
}


def network(width: int) -> keras.Model:
    """A network with weights of NumPy's making: those of Keras differ in the last digits from machine to machine."""
    keras.utils.clear_session()
    layers = [keras.Input((3,)), keras.layers.Dense(width, "tanh"), keras.layers.Dropout(0.0), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    random = np.random.default_rng(width)
    model.set_weights([random.normal(size=array.shape) for array in model.get_weights()])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def train(kind: str, out: Path, **changed: Any) -> rw.Path:
    """Begins the run, or goes on with it."""
    arguments = {**KINDS[kind], "epochs": 4, "batch_size": 16, "slots": 4, "executor": "vmap", "out": out, **changed}
    family = arguments.pop("family")
    stops = [keras.callbacks.EarlyStopping(patience=2)]
    return rw.fit_path(network, X, Y, family, callbacks=stops, verbose=0, checkpoint_every=0, **arguments)
