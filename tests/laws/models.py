"""Models and data on which lanes are held against Keras's own fit."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

ROWS = 70
BATCH = 16  # 56 training rows after the split: three full batches and one of 8
EVEN = 14  # rows a batch where none is left over: a step for the last batch takes as long to compile as all others
EPOCHS = 5

_random = np.random.default_rng(0)
TABLE = _random.normal(size=(ROWS, 8)).astype("float32")
SECOND = _random.normal(size=(ROWS, 3)).astype("float32")
IMAGES = _random.normal(size=(ROWS, 12, 12, 2)).astype("float32")
SERIES = _random.normal(size=(ROWS, 5, 4)).astype("float32")
LABELS = _random.integers(0, 3, ROWS)


def logits_loss() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def mlp() -> keras.Model:
    return keras.Sequential(
        [keras.Input((8,)), layers.Dense(16, activation="relu", name="hidden"), layers.Dense(3, name="out")]
    )


def normalized_mlp() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.2, seed=7, name="drop"),
            layers.Dense(3, name="out"),
        ]
    )


def two_inputs() -> keras.Model:
    first, second = keras.Input((8,), name="a"), keras.Input((3,), name="b")
    joined = layers.Concatenate()([layers.Dense(8, activation="relu")(first), layers.Dense(4)(second)])
    dropped = layers.Dropout(0.2, seed=3, name="drop")(joined)
    return keras.Model({"a": first, "b": second}, layers.Dense(3, name="out")(dropped))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(8, activation="tanh", name="hidden")
        self.drop = layers.Dropout(0.2, seed=4, name="drop")
        self.last = layers.Dense(3, name="out")

    def call(self, x, training=None):
        return self.last(self.drop(self.first(x), training=training))


def subclassed() -> keras.Model:
    model = Subclassed()
    model(TABLE[:1])
    return model


def cnn() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv"),
            layers.SpatialDropout2D(0.2, seed=2, name="drop"),
            layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(2),
            layers.Flatten(),
            layers.Dense(3, name="out"),
        ]
    )


def lstm() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((5, 4)),
            layers.LSTM(6, dropout=0.1, seed=3, name="lstm"),
            layers.Dropout(0.2, seed=5, name="drop"),
            layers.Dense(3, name="out"),
        ]
    )


#: By name: how to build the model, and its inputs.
MODELS = {
    "mlp": (mlp, TABLE),
    "normalized_mlp": (normalized_mlp, TABLE),
    "two_inputs": (two_inputs, {"a": TABLE, "b": SECOND}),
    "subclassed": (subclassed, TABLE),
    "cnn": (cnn, IMAGES),
    "lstm": (lstm, SERIES),
}

OPTIMIZERS = {
    "sgd": lambda **more: keras.optimizers.SGD(0.05, **more),
    "momentum": lambda **more: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, **more),
    "adam": lambda **more: keras.optimizers.Adam(0.01, **more),
    "adamw": lambda **more: keras.optimizers.AdamW(0.01, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(0.01, **more),
}
