"""ridgeway: all 64 models at once."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np

import ridgeway as rw
from speed.clock import Outcome
from speed.networks import keras_model
from speed.workloads import BATCH_SIZE, DROPOUT, PATIENCE, WEIGHT_DECAY, Rows, Workload


def family(lanes: int) -> rw.Grid:
    """So many configurations of dropout and weight decay."""
    rates = np.linspace(0.0, 0.7, 8)
    decays = np.concatenate([[0.0], np.geomspace(1e-5, 1e-1, max(1, lanes // 8 - 1))])[: max(1, lanes // 8)]
    return rw.Grid(dropout=rates[: min(8, lanes)].tolist(), weight_decay=decays.tolist())


def fit(
    workload: Workload, rows: Rows, family: Any, epochs: int, seed: int, stop: bool = True, **given: Any
) -> tuple[rw.Path, Outcome]:
    """A path as a user writes it, and its outcome; without early stopping where `stop` is False.

    Further arguments are those of `fit_path`.
    """
    stopping = [keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)] if stop else []
    began = time.perf_counter()
    keras.utils.set_random_seed(seed)
    path = rw.fit_path(
        keras_model(workload, 0.0, 0.0),
        rows.x,
        rows.y,
        family,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(rows.x_val, rows.y_val),
        **{"callbacks": stopping, "seed": seed, "verbose": 0, **given},
    )
    seconds = time.perf_counter() - began
    history, told, spent = path.history(), path.record["executor"], path.record["seconds"]
    # The first epoch of all slots may have compiled.
    later = max(len(history) - min(told["slots"], len(path.table())), 1)
    return path, Outcome(
        len(path.table()),
        seconds,
        len(history),
        (spent["setup"] + spent["training"] - spent["first_epoch"]) / later,
        float(np.nanmin(history["val_loss"])),
        {"setup": spent["setup"], "first": spent["first_epoch"]}
        | {name: told[name] for name in ("name", "slots", "devices")},
    )


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """The grid of dropout and weight decay."""
    grid = rw.Grid(dropout=DROPOUT[: max(1, models // 8)], weight_decay=WEIGHT_DECAY)
    return fit(workload, rows, grid, epochs, seed)[1]
