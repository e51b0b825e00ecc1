"""A small training that the engine's tests share."""

import keras
import numpy as np

import ridgeway as rw

_random = np.random.default_rng(3)
X = _random.normal(size=(60, 5)).astype("float32")
Y = (X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.3 * _random.normal(size=60) > 0.3).astype("int64")
VALIDATION = (X[40:], Y[40:])


def model(learning_rate=0.1, dropout=0.0, activation="tanh"):
    keras.utils.set_random_seed(5)
    built = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(8, activation=activation, name="hidden"),
            keras.layers.Dropout(dropout, seed=2, name="drop"),
            keras.layers.Dense(2, name="out"),
        ]
    )
    built.compile(
        keras.optimizers.SGD(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return built


def train(family=None, built=None, **arguments):
    arguments = {
        "validation_data": VALIDATION,
        "epochs": 4,
        "batch_size": 16,
        "slots": 4,
        "executor": "vmap",
        "seed": 1,
        **arguments,
    }
    family = family or rw.Grid(weight_decay=[0.0, 1e-2, 0.1, 1.0])
    return rw.fit_path(built or model(), X[:40], Y[:40], family, **arguments)
