"""ridgeway's path of the group lasso on the inputs: 64 strengths at once, the best epoch of each."""

from __future__ import annotations

import time

import keras
import numpy as np

import ridgeway as rw
from speed.clock import Outcome
from speed.networks import keras_model
from speed.workloads import BATCH_SIZE, PATIENCE, Rows, Workload

# From none to what removes all features of standardized rows.
STRENGTHS = [0.0, *np.geomspace(1e-3, 3.0, 63).tolist()]


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """As a user writes it."""
    began = time.perf_counter()
    keras.utils.set_random_seed(seed)
    path = rw.fit_path(
        keras_model(workload, 0.0, 0.0),
        rows.x,
        rows.y,
        rw.Grid(group_lasso=STRENGTHS[:models]),
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(rows.x_val, rows.y_val),
        callbacks=[keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)],
        seed=seed,
        verbose=0,
    )
    seconds = time.perf_counter() - began
    curve: dict[str, float] = {}
    for lane in path.table()["lane"]:
        # Inputs whose weights are all exactly 0 in the last epoch are not read.
        model = path.model(int(lane), epoch="last")
        used = str(int(np.any(np.asarray(model.weights[0]) != 0, axis=1).sum()))
        predicted = np.asarray(model(rows.x_val)).argmax(1)
        curve[used] = max(float((predicted == rows.y_val).mean()), curve.get(used, 0.0))
    history = path.history()
    return Outcome(
        len(path.table()),
        seconds,
        len(history),
        path.record["seconds"]["training"] / len(history),
        float(np.nanmin(history["val_loss"])),
        {"accuracy by features": curve},
    )
