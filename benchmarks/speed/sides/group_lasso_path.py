"""ridgeway's path of the relaxed group lasso on the inputs: all strengths at once, by SGD.

By SGD, as docs/engine.md says for penalties that give exact zeros, and in large batches: noise of the gradient that is
above the strength keeps an input alive that does nothing. Relaxed, because LassoNet's direct connection, too, lets what
is chosen train without being shrunk.
"""

from __future__ import annotations

import time

import keras
import numpy as np

import ridgeway as rw
from speed.clock import Outcome
from speed.networks import keras_model
from speed.workloads import Rows, Workload

# From none to what removes all inputs, closer together where few are left.
STRENGTHS = [0.0, *np.geomspace(0.05, 0.8, 22).tolist(), *np.linspace(0.85, 1.6, 17).tolist()]
BATCH_SIZE, RATE, MOMENTUM, RELAX = 512, 0.1, 0.9, 8


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """As a user writes it; accuracy along the path is measured after the clock stops."""
    began = time.perf_counter()
    keras.utils.set_random_seed(seed)
    network = keras_model(workload, 0.0, 0.0)
    network.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), network.loss)
    path = rw.fit_path(
        network,
        rows.x,
        rows.y,
        rw.Grid(group_lasso=STRENGTHS[:models], relax=RELAX),
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(rows.x_val, rows.y_val),
        seed=seed,
        verbose=0,
    )
    seconds = time.perf_counter() - began
    curve: dict[str, float] = {}
    for lane in path.table()["lane"]:
        # Inputs whose weights are all exactly 0 in the last epoch are not read.
        model = path.model(int(lane), epoch="last")
        used = str(int(np.any(np.asarray(model.weights[0]) != 0, axis=1).sum()))
        predicted = np.asarray(model(rows.x_val)).argmax(1)
        curve[used] = max(float((predicted == rows.y_val).mean()), curve.get(used, 0.0))
    return Outcome(len(path.table()), seconds, len(path.history()), notes={"accuracy by features": curve})
