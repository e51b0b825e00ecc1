"""Networks for data that comes without a model."""

from __future__ import annotations

import keras
import numpy as np


def default_network(x: np.ndarray, y: np.ndarray, task: str, classes: int, seed: int = 0) -> keras.Model:
    """A compiled network that takes the data as it is.

    Args:
        x: training rows only (scaling is learnt from them): `(row, feature)`, or images `(row, height, width)` with or
            without channels.
        y: class numbers from 0, or values.
        task: "classification" (logits out, `SparseCategoricalCrossentropy`) or "regression" (values in the units of
            y out, `MeanSquaredError`).
        classes: number of classes; read for classification only.
        seed: of the starting weights and of dropout.
    """
    keras.utils.set_random_seed(seed)
    body = _table_layers(x) if x.ndim == 2 else _image_layers(x)
    inputs = keras.Input(x.shape[1:])
    if task == "classification":
        model = keras.Sequential([inputs, *body, keras.layers.Dense(classes)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = ["accuracy"]
    else:
        mean, spread = float(np.mean(y)), float(np.std(y)) or 1.0
        # The network works on standardized targets; the last layer gives raw units back.
        units = keras.layers.Rescaling(spread, offset=mean, name="target_units")
        model = keras.Sequential([inputs, *body, keras.layers.Dense(1), units])
        loss = keras.losses.MeanSquaredError()
        metrics = ["mae"]
    # Adam's usual rate: it trains both kinds of network well without a search. Decay is left to the path.
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=metrics)
    return model


def _table_layers(x: np.ndarray) -> list[keras.Layer]:
    """Standardization, then two hidden layers of 64: enough for tables, small enough for many lanes side by side."""
    variance = np.var(x, axis=0, dtype=np.float64)
    # A constant column carries nothing, and must not be divided by 0.
    variance[variance == 0] = 1.0
    return [
        keras.layers.Normalization(mean=np.mean(x, axis=0, dtype=np.float64), variance=variance),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.0),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.0),
    ]


def _image_layers(x: np.ndarray) -> list[keras.Layer]:
    """The lecture's network: pixels from 0 to 1, one hidden layer of 128."""
    scale = 1 / 255 if x.dtype == np.uint8 or float(np.max(x)) > 1.5 else 1.0
    return [
        keras.layers.Rescaling(scale),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.0),
    ]
