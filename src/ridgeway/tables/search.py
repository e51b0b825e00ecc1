"""The search that an estimator makes: which family, how long, how the rows are spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ridgeway.engine.probe import SMALL
from ridgeway.families import Bayes, Family, Random, Range
from ridgeway.fit import fit_path
from ridgeway.path import Path

# Most epochs of a lane; early stopping and the time limit end most of them before.
EPOCHS = 200
# Lanes side by side, where the network is small.
_SLOTS = 64


def train(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    *,
    cv: Any,
    task: str,
    family: Family | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    repeats: int = 1,
    sample_weight: np.ndarray | None = None,
    time_limit: float | None = 60.0,
    seed: int = 0,
    out: Any = None,
    extra: Mapping[str, Any] | None = None,
    verbose: Any = 0,
) -> Path:
    """Trains a family on prepared rows.

    Args:
        model: compiled network.
        x: float32 `(row, feature)`.
        y: labels as the model's loss takes them.
        cv: `(train, held out)` row numbers of each fold.
        task: "classification" or "regression".
        family: what to vary; `default_family` where None.
        epochs: most epochs of a lane; 200 where None.
        batch_size: rows a step; chosen by the number of rows where None.
        repeats: lanes a configuration and fold.
        sample_weight: float32 `(row,)`, or None.
        time_limit: seconds of training, or None for no limit.
        seed: of all draws.
        out: directory for the run, or None.
        extra: notes for the record.
        verbose: as in `fit_path`.
    """
    family = family or default_family(task, len(x), seed)
    # Timing executors would let the same seed end in other last digits. Bayes has no number of lanes beforehand.
    fixed = model.built and model.count_params() <= SMALL and not isinstance(family, Bayes)
    return fit_path(
        model,
        x,
        y,
        family,
        cv=cv,
        epochs=EPOCHS if epochs is None else epochs,
        batch_size=_batch_size(len(x)) if batch_size is None else batch_size,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=10)],
        sample_weight=sample_weight,
        repeats=repeats,
        halving=None if isinstance(family, Bayes) else 3,
        time_limit=time_limit,
        seed=seed,
        executor="vmap" if fixed else "auto",
        slots=min(_SLOTS, len(family.configurations()) * len(cv) * repeats) if fixed else None,
        out=out,
        extra=extra,
        verbose=verbose,
    )


def default_family(task: str, rows: int, seed: int) -> Family:
    """Joint draws of the regularizers that act on the default network."""
    ranges: dict[str, Any] = {
        "weight_decay": Range(1e-3, 1.0, log=True, zero=0.2),
        "dropout": Range(0.0, 0.6),
        "learning_rate": Range(5e-4, 1e-2, log=True),
    }
    if task == "classification":
        ranges["label_smoothing"] = [0.0, 0.0, 0.1]
    return Random(27 if rows >= 300 else 9, seed=seed, **ranges)


def _batch_size(rows: int) -> int:
    return int(np.clip(2 ** round(np.log2(max(rows, 1) / 30)), 16, 256))
