"""RealMLP of pytabkit: its members of a cross-validation train vectorised. Tables only.

Fair: hidden widths, batch size and epochs are those of the workload, preprocessing and embeddings its own; it has no
early stopping, so that it is compared by the time of a model's epoch.
"""

from __future__ import annotations

import math
import time

from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

from speed.clock import Outcome
from speed.workloads import BATCH_SIZE, Rows, Workload


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """A cross-validation of so many members."""
    kind = RealMLP_TD_Classifier if workload.classifies else RealMLP_TD_Regressor
    widths = [units for name, units in (layer for layer in workload.layers if layer[0] == "dense")][:-1]
    model = kind(
        n_cv=models,
        n_refit=0,
        n_epochs=epochs,
        hidden_sizes=widths,
        batch_size=BATCH_SIZE,
        random_state=seed,
        device="cpu",
        n_threads=2,
        verbosity=0,
    )
    began = time.perf_counter()
    model.fit(rows.x, rows.y.ravel())
    seconds = time.perf_counter() - began
    return Outcome(models, seconds, models * epochs, seconds / models / epochs, math.nan)
