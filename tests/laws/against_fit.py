"""Holding a lane against Keras's own fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import keras
import numpy as np

import ridgeway as rw

from .models import BATCH, EPOCHS, logits_loss

RELATIVE = 1e-5


def seeded(build: Callable[[], keras.Model]) -> keras.Model:
    """The model with the same starting weights whenever it is built."""
    keras.utils.set_random_seed(11)
    return build()


def compiled(build: Callable[[], keras.Model], optimizer: Any, loss: Any = None) -> keras.Model:
    """The seeded model, compiled for sparse labels and accuracy."""
    model = seeded(build)
    model.compile(optimizer, loss or logits_loss(), metrics=["accuracy"])
    return model


def lane_of(path: rw.Path, configuration: Mapping[str, float | str]) -> int:
    table = path.table()
    for name, value in configuration.items():
        table = table[table[name] == value] if isinstance(value, str) else table[np.isclose(table[name], value)]
    return int(table["lane"].iloc[0])


def fit_alone(model: keras.Model, x: Any, y: Any, **arguments: Any) -> keras.callbacks.History:
    arguments = {"epochs": EPOCHS, "batch_size": BATCH, "validation_split": 0.2, **arguments}
    return model.fit(x, y, shuffle=False, verbose=0, **arguments)


def train_lanes(model: keras.Model, x: Any, y: Any, family: rw.Grid, **arguments: Any) -> rw.Path:
    arguments = {"epochs": EPOCHS, "batch_size": BATCH, "validation_split": 0.2, **arguments}
    return rw.fit_path(model, x, y, family, shuffle=False, **arguments)


def assert_equal(
    path: rw.Path,
    configuration: Mapping[str, float | str],
    alone: keras.Model,
    history: keras.callbacks.History,
    relative: float = RELATIVE,
) -> None:
    """The lane's every log of every epoch, and every weight at the end, are those of the lone fit."""
    lane = lane_of(path, configuration)
    found = path.history()
    found = found[found["lane"] == lane]
    assert set(history.history) <= set(found.columns)
    for name, expected in history.history.items():
        np.testing.assert_allclose(found[name], expected, rtol=relative, atol=relative, err_msg=name)
    assert_weights(path, configuration, alone, relative)


def assert_weights(
    path: rw.Path,
    configuration: Mapping[str, float],
    alone: keras.Model,
    relative: float = RELATIVE,
    epoch: Literal["best", "last"] = "last",
) -> int:
    """Every weight at the lane's end, or best epoch, is that of the model trained alone; gives the lane."""
    lane = lane_of(path, configuration)
    values = path.lane_weights(lane, epoch).values()
    for variable, value in zip(alone.weights, values, strict=True):
        scale = max(1.0, float(np.abs(variable.numpy()).max()))
        np.testing.assert_allclose(value, variable.numpy(), rtol=0, atol=relative * scale, err_msg=variable.path)
    return lane
