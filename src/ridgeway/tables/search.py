"""The search that an estimator makes: which family, how long, how the rows are spent."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.families import Bayes, Family, Random, Range
from ridgeway.fit import fit_path
from ridgeway.hyperparameters import named
from ridgeway.path import Path
from ridgeway.tables.network import STEPS

# Most epochs of a lane; early stopping, halving and the time limit end most of them before.
EPOCHS = 100
# Networks of at most so many parameters train in lockstep, so many at a time on a CPU: few enough for its cache.
_LOCKSTEP, _SLOTS = 200_000, 18
# The share that the search has of the time that compiling leaves; the rest is for training the choice once more, on all
# rows.
_SHARE = 0.6
# Of the seconds until the search's first epoch, those that compiling takes again: for choosing an ensemble, and for
# training it on all rows.
_CHOOSING, _AGAIN = 0.4, 0.5
# Seconds between checkpoints: a search of a minute would have one at most by the default.
_CHECKPOINT_EVERY = 5.0
# Configurations that are drawn at most; where there is no time for all, the first rung ends before the last of them.
_CONFIGURATIONS = 243
# Bytes that the lanes of a rung may take while they wait for its end, and the arrays of a network's size that each
# holds: weights, both moments, averages, kept weights, and a copy on the way.
_WAITING, _ARRAYS = 600e6, 6


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
    halving: int | None = 3,
    sample_weight: np.ndarray | None = None,
    time_limit: float | None = 60.0,
    seed: int = 0,
    out: Any = None,
    resume: bool = False,
    cluster: str | None = None,
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
        epochs: most epochs of a lane; 100 where None.
        batch_size: rows a step; chosen by the number of rows where None.
        repeats: lanes a configuration and fold.
        halving: as in `fit_path`; `Bayes` goes without.
        sample_weight: float32 `(row,)`, or None.
        time_limit: seconds that are left of the whole fit, of which a share is spent here, or None for no limit.
        seed: of all draws.
        out: directory for the run, or None.
        resume: whether to go on with the run that is there.
        cluster: a Ray cluster to train on, as in `fit_path`.
        extra: notes for the record.
        verbose: as in `fit_path`.
    """
    family = family or default_family(model, task, seed, _configurations(model, len(cv) * repeats))
    small = model.built and model.count_params() <= _LOCKSTEP and jax.default_backend() == "cpu"
    # Timing executors would let the same seed end in other last digits. Bayes has no number of lanes beforehand.
    fixed = small and not isinstance(family, Bayes)
    return fit_path(
        model,
        x,
        y,
        family,
        cv=cv,
        epochs=EPOCHS if epochs is None else epochs,
        batch_size=_batch_size(len(x)) if batch_size is None else batch_size,
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=16)],
        sample_weight=sample_weight,
        repeats=repeats,
        halving=None if isinstance(family, Bayes) else halving,
        time_limit=None if time_limit is None else functools.partial(_until, time_limit),
        seed=seed,
        executor="vmap" if fixed else "auto",
        slots=min(_SLOTS, len(family.configurations()) * len(cv) * repeats) if fixed else None,
        out=out,
        resume=resume,
        cluster=cluster,
        checkpoint_every=_CHECKPOINT_EVERY,
        extra=extra,
        verbose=verbose,
    )


def default_family(model: keras.Model, task: str, seed: int, configurations: int) -> Family:
    """Joint draws of the regularizers that act on the network, and of what decides how it learns.

    Args:
        model: the network, the default one or another; what has no place in it is left out.
        task: "classification" or "regression".
        seed: of the draws.
        configurations: how many.
    """
    layers = {layer.name: layer for layer in model.layers}
    steps = isinstance(layers.get(STEPS), keras.layers.Rescaling)
    dropout = any(isinstance(layer, keras.layers.Dropout) for layer in layers.values())
    ranges = default_ranges(steps=steps, dropout=dropout, task=task)
    taken = {name: values for name, values in ranges.items() if name == f"{STEPS}.scale" or _acts(name, model)}
    if not taken:
        raise InputError(
            f"Nothing that the search varies ({', '.join(ranges)}) acts on this {type(model).__name__}. Pass a family "
            "of what does."
        )
    return Random(configurations, seed, taken)


def _acts(name: str, model: keras.Model) -> bool:
    """Whether a hyperparameter has a place in a model: a schedule, for one, leaves the learning rate none."""
    try:
        named(name).bind(model, "kernels")
    except InputError:
        return False
    return True


def default_ranges(*, steps: bool, dropout: bool, task: str) -> dict[str, Any]:
    """What is drawn from (`benchmarks/ablation.py` has what each is worth).

    Args:
        steps: whether the network has a layer of steps between quantiles.
        dropout: whether it has dropout layers.
        task: "classification" or "regression".
    """
    ranges: dict[str, Any] = {
        "weight_decay": Range(1e-3, 10.0, log=True, zero=0.1),
        "learning_rate": Range(1e-3, 1e-2, log=True),
        # Weights averaged over the last 50 steps: what a falling learning rate gives, at any epoch.
        "ema": 0.98,
    }
    if dropout:
        ranges["dropout"] = Range(0.05, 0.5, zero=0.2)
    if task == "classification":
        ranges["label_smoothing"] = [0.0, 0.0, 0.05]
    if steps:
        ranges[f"{STEPS}.scale"] = [0.0, 0.3, 1.0]
    return ranges


def _until(time_limit: float, first: float) -> float:
    """Seconds that the search has, of those of the whole fit, once its first epoch has taken so many.

    Where too few would be left to train the choice once more, the search has them all: the networks of its folds will
    predict. Where compiling has taken all, it still has a little: one epoch would be no fit.
    """
    left = time_limit - first
    if (1 - _SHARE) * left > (_CHOOSING + _AGAIN) * first:
        return first + _SHARE * left
    return first + max(left - _CHOOSING * first, _CHOOSING * first)


def again(path: Path) -> float:
    """Seconds that compiling takes before the choice can be trained once more."""
    return _AGAIN * float(path.record["seconds"]["first_epoch"])


def _configurations(model: keras.Model, lanes: int) -> int:
    """How many to draw where each is so many lanes."""
    return int(np.clip(_WAITING / (4 * _ARRAYS * model.count_params() * lanes), 9, _CONFIGURATIONS))


def _batch_size(rows: int) -> int:
    """About 12 steps an epoch: many steps where rows are few, less of the optimizer's work where they are many."""
    return int(np.clip(2 ** round(np.log2(max(rows, 1) / 12)), 16, 256))
