"""LassoNet's regularization path, from all features to none, by its own defaults.

Fair: what its README shows (`model.path`), with the workload's hidden widths and the given validation rows; each
strength starts from the last one's weights, which is its own trick. Accuracy along the path is measured after the clock
stops.
"""

from __future__ import annotations

import math
import time

from lassonet import LassoNetClassifier

from speed.clock import Outcome
from speed.workloads import Rows, Workload


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """The whole path; strengths and epochs are its own."""
    widths = tuple(units for name, units in (layer for layer in workload.layers if layer[0] == "dense"))[:-1]
    model = LassoNetClassifier(hidden_dims=widths, random_state=seed, torch_seed=seed, verbose=0)
    began = time.perf_counter()
    path = model.path(rows.x, rows.y, X_val=rows.x_val, y_val=rows.y_val, return_state_dicts=True)
    seconds = time.perf_counter() - began
    curve: dict[str, float] = {}
    for item in path:
        model.load(item.state_dict)
        accuracy, used = float((model.predict(rows.x_val) == rows.y_val).mean()), str(int(item.selected.sum()))
        curve[used] = max(accuracy, curve.get(used, 0.0))
    trained = sum(item.n_iters for item in path)
    return Outcome(len(path), seconds, trained, math.nan, math.nan, {"accuracy by features": curve})
