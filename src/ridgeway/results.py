"""From what the lanes gave to a path: tables, weights and record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from ridgeway.engine.lanes import LaneResult, Weights
from ridgeway.engine.step import DATA_LOSS_SE
from ridgeway.export import weight_names
from ridgeway.hyperparameters.kernels import is_kernel
from ridgeway.path import Path


def lane_weights(model: keras.Model, stored: Weights) -> list[np.ndarray]:
    """A lane's values in the order of `model.weights`: without the states of random generators."""
    values = {
        id(variable): value
        for variables, part in zip((model.trainable_variables, model.non_trainable_variables), stored, strict=True)
        for variable, value in zip(variables, part, strict=True)
    }
    return [np.asarray(values[id(variable)]) for variable in model.weights]


def assemble(model: keras.Model, about: Mapping[str, Any], results: Sequence[LaneResult]) -> Path:
    """The path of all lanes that trained at least one epoch, by lane number."""
    results = sorted((result for result in results if result.history), key=lambda result: result.plan.lane)
    names = weight_names(model)
    kept = [lane_weights(model, result.kept[0]) for result in results]
    last = [lane_weights(model, result.last) for result in results if result.last is not None]
    kernels = [place for place, variable in enumerate(model.weights) if variable.trainable and is_kernel(variable)]
    rows = [_row(result, [weights[place] for place in kernels]) for result, weights in zip(results, kept, strict=True)]
    history = [
        {"lane": result.plan.lane, "epoch": epoch, **{k: v for k, v in logs.items() if k != DATA_LOSS_SE}}
        for result in results
        for epoch, logs in enumerate(result.history, start=1)
    ]
    return Path(
        pd.DataFrame(rows).astype({"best_epoch": "Int64"}),
        pd.DataFrame(history),
        about,
        weights={name: np.stack(values) for name, values in zip(names, zip(*kept, strict=True), strict=True)},
        last_weights={name: np.stack(values) for name, values in zip(names, zip(*last, strict=True), strict=True)},
        model=model,
    )


def _row(result: LaneResult, kernels: Sequence[np.ndarray]) -> dict[str, Any]:
    plan, epoch = result.plan, result.kept_epochs[0]
    found = epoch >= 0
    logs = result.history[epoch] if found else dict.fromkeys(result.history[-1], np.nan)
    entries = sum(kernel.size for kernel in kernels)
    squares = sum(float(np.sum(np.square(kernel, dtype=np.float64))) for kernel in kernels)
    zeros = sum(int(np.sum(kernel == 0)) for kernel in kernels)
    return {
        "lane": plan.lane,
        **plan.configuration,
        "repeat": plan.repeat,
        "fold": plan.fold,
        "epochs": len(result.history),
        "best_epoch": epoch + 1 if found else pd.NA,
        "stopped": result.stopped,
        **logs,
        "weight_norm": float(np.sqrt(squares)) if found else np.nan,
        "zero_share": zeros / entries if found and entries else np.nan,
        "seconds": round(result.seconds, 6),
    }
