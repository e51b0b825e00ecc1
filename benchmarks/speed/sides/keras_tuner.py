"""Keras Tuner's RandomSearch.

Fair: its own search loop as its guide shows it, one execution a trial, the same early stopping; checkpoints of the best
epoch are a part of what it does.
"""

from __future__ import annotations

import math
import tempfile
import time

import keras
import keras_tuner

from speed.clock import Outcome
from speed.networks import keras_model
from speed.workloads import BATCH_SIZE, DROPOUT, PATIENCE, WEIGHT_DECAY, Rows, Workload


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """So many trials."""
    trained = 0

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            nonlocal trained
            trained += 1

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        return keras_model(workload, hp.Choice("dropout", DROPOUT), hp.Choice("weight_decay", WEIGHT_DECAY))

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        tuner = keras_tuner.RandomSearch(
            build, keras_tuner.Objective("val_loss", "min"), max_trials=models, seed=seed, directory=folder
        )
        tuner.search(
            rows.x,
            rows.y,
            batch_size=BATCH_SIZE,
            epochs=epochs,
            validation_data=(rows.x_val, rows.y_val),
            callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True), Count()],
            verbose=0,
        )
        seconds = time.perf_counter() - began
        best = tuner.oracle.get_best_trials(1)[0].score
    # A callback is copied for each trial, so that its count stays here only where it is a closure's.
    return Outcome(models, seconds, trained, math.nan, float(best))
