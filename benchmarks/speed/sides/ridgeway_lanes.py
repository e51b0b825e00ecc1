"""ridgeway: all 64 models at once."""

from __future__ import annotations

import time

import keras
import numpy as np

import ridgeway as rw
from speed.clock import Outcome
from speed.networks import keras_model
from speed.workloads import BATCH_SIZE, DROPOUT, PATIENCE, WEIGHT_DECAY, Rows, Workload


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """As a user writes it."""
    began = time.perf_counter()
    keras.utils.set_random_seed(seed)
    path = rw.fit_path(
        keras_model(workload, 0.0, 0.0),
        rows.x,
        rows.y,
        rw.Grid(dropout=DROPOUT[: max(1, models // 8)], weight_decay=WEIGHT_DECAY),
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(rows.x_val, rows.y_val),
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=PATIENCE, restore_best_weights=True)],
        seed=seed,
        verbose=0,
    )
    seconds = time.perf_counter() - began
    history = path.history()
    told = path.record["executor"]
    return Outcome(
        len(path.table()),
        seconds,
        len(history),
        path.record["seconds"]["training"] / len(history),
        float(np.nanmin(history["val_loss"])),
        {"setup": path.record["seconds"]["setup"], **{name: told[name] for name in ("name", "slots", "devices")}},
    )
