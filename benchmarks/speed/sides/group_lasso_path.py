"""ridgeway's path of the group lasso on the inputs: 64 strengths at once, the best epoch of each."""

from __future__ import annotations

import numpy as np

import ridgeway as rw
from speed.clock import Outcome
from speed.sides.ridgeway_lanes import fit
from speed.workloads import Rows, Workload

# From none to what removes all features of standardized rows.
STRENGTHS = [0.0, *np.geomspace(1e-3, 3.0, 63).tolist()]


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """As a user writes it; accuracy along the path is measured after the clock stops."""
    path, outcome = fit(workload, rows, rw.Grid(group_lasso=STRENGTHS[:models]), epochs, seed)
    curve: dict[str, float] = {}
    for lane in path.table()["lane"]:
        # Inputs whose weights are all exactly 0 in the last epoch are not read.
        model = path.model(int(lane), epoch="last")
        used = str(int(np.any(np.asarray(model.weights[0]) != 0, axis=1).sum()))
        predicted = np.asarray(model(rows.x_val)).argmax(1)
        curve[used] = max(float((predicted == rows.y_val).mean()), curve.get(used, 0.0))
    outcome.notes["accuracy by features"] = curve
    return outcome
