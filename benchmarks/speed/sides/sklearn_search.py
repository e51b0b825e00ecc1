"""scikit-learn's MLPClassifier or MLPRegressor in RandomizedSearchCV(n_jobs=2): tables only.

Fair: the same widths, Adam, learning rate, batch size, patience and epochs; it has an L2 penalty in the place of
dropout and decoupled decay, and one split of the same proportion in the place of given validation rows.
"""

from __future__ import annotations

import math
import time

import numpy as np
from sklearn.model_selection import RandomizedSearchCV, ShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor

from speed.clock import Outcome
from speed.workloads import BATCH_SIZE, LEARNING_RATE, PATIENCE, Rows, Workload


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """So many draws."""
    kind = MLPClassifier if workload.classifies else MLPRegressor
    widths = tuple(units for name, units in (layer for layer in workload.layers if layer[0] == "dense"))[:-1]
    model = kind(
        widths,
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        max_iter=epochs,
        early_stopping=True,
        n_iter_no_change=PATIENCE,
        random_state=seed,
    )
    search = RandomizedSearchCV(
        model,
        {"alpha": np.geomspace(1e-6, 1.0, 1000)},
        n_iter=models,
        n_jobs=2,
        cv=ShuffleSplit(1, test_size=0.2, random_state=seed),
        refit=False,
        random_state=seed,
    )
    began = time.perf_counter()
    search.fit(rows.x.reshape(len(rows.x), -1), rows.y.ravel())
    return Outcome(models, time.perf_counter() - began, 0, math.nan, math.nan)
