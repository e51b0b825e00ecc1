"""The network that tables get without a `model=`."""

from __future__ import annotations

from collections.abc import Sequence

import keras


def table_network(
    numbers: int, indicators: int, outputs: int, task: str, *, seed: int = 0, units: Sequence[int] = (64, 64)
) -> keras.Model:
    """A compiled network for prepared tables: one float32 input `(row, numbers + indicators)`.

    Args:
        numbers: columns of scaled numbers, which come first.
        indicators: columns of 0 and 1 behind them.
        outputs: number of classes, or of targets.
        task: "classification" (logits out, `SparseCategoricalCrossentropy`) or "regression" (standardized targets out,
            `MeanSquaredError`).
        seed: of the starting weights and of dropout.
        units: of the hidden layers.
    """
    keras.utils.set_random_seed(seed)
    hidden: list[keras.Layer] = []
    for size in units:
        hidden += [keras.layers.Dense(size, activation="relu"), keras.layers.Dropout(0.0)]
    model = keras.Sequential([keras.Input((numbers + indicators,)), *hidden, keras.layers.Dense(outputs)])
    if task == "classification":
        loss, metrics = keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
    else:
        loss, metrics = keras.losses.MeanSquaredError(), ["mae"]
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=metrics)
    return model
