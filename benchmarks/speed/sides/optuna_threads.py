"""Optuna with `n_jobs=2`."""

from __future__ import annotations

from functools import partial

from speed.sides import optuna_keras

run = partial(optuna_keras.run, jobs=2)
