"""Optuna's `study.optimize` around `fit`: sequential, or two threads where `jobs` is 2.

Fair: the objective that its Keras example shows, with the session cleared in each trial as there, and a random sampler,
so that no time goes to proposals.
"""

from __future__ import annotations

import time

import keras
import numpy as np
import optuna

from speed.clock import Epochs, Outcome
from speed.networks import keras_model
from speed.sides.keras_loop import fit
from speed.workloads import DROPOUT, WEIGHT_DECAY, Rows, Workload


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int, jobs: int = 1) -> Outcome:
    """So many trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fits: list[Epochs] = []

    def objective(trial: optuna.Trial) -> float:
        if jobs == 1:
            # Threads share the session.
            keras.backend.clear_session()
        dropout = trial.suggest_categorical("dropout", DROPOUT)
        decay = trial.suggest_categorical("weight_decay", WEIGHT_DECAY)
        fits.append(fit(workload, rows, keras_model(workload, dropout, decay), epochs))
        return fits[-1].best

    began = time.perf_counter()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    study.optimize(objective, n_trials=models, n_jobs=jobs)
    seconds = time.perf_counter() - began
    warm = [second for one in fits for second in one.warm()]
    return Outcome(models, seconds, sum(len(one.ends) for one in fits), float(np.mean(warm)), study.best_value)
