"""The loop over `model.fit` that a user writes today, on the backend that KERAS_BACKEND names.

Fair: the same layers, optimizer, rows, batch size, early stopping and best weights. It neither imports ridgeway nor has
its cores shown as devices; Keras runs jitted, as it does by default.
"""

from __future__ import annotations

import time

import keras
import numpy as np

from speed.clock import Epochs, Outcome
from speed.networks import keras_model
from speed.sides.spread import spread
from speed.workloads import BATCH_SIZE, PATIENCE, Rows, Workload


class Clock(keras.callbacks.Callback):
    """Notes when epochs end."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs = Epochs(PATIENCE)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """See the base class."""
        self.epochs.stop((logs or {})["val_loss"])


def fit(workload: Workload, rows: Rows, model: keras.Model, epochs: int) -> Epochs:
    """One `fit` as users write it."""
    clock = Clock()
    model.fit(
        rows.x,
        rows.y,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(rows.x_val, rows.y_val),
        callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True), clock],
        verbose=0,
    )
    return clock.epochs


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """A fresh model for each configuration."""
    began = time.perf_counter()
    fits = []
    for configuration in spread(models):
        keras.utils.set_random_seed(seed)
        fits.append(fit(workload, rows, keras_model(workload, *configuration), epochs))
    seconds = time.perf_counter() - began
    warm = [second for one in fits for second in one.warm()]
    return Outcome(
        models, seconds, sum(len(one.ends) for one in fits), float(np.mean(warm)), min(one.best for one in fits)
    )
