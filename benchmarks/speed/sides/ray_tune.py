"""Ray Tune with two workers of one core each.

Fair: workers are kept from trial to trial (`reuse_actors`), so that each imports Keras once, and starting Ray is not
counted. The rows are in the object store once, by `with_parameters`.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from typing import Any

import ray
from ray import tune

from speed.clock import Outcome
from speed.workloads import DROPOUT, WEIGHT_DECAY, Rows, Workload


class Training(tune.Trainable):
    """A model of one trial."""

    def setup(self, config: dict[str, Any], workload: Any = None, rows: Any = None, epochs: int = 0) -> None:
        """See the base class."""
        self._given = workload, rows, epochs

    def step(self) -> dict[str, Any]:
        """Trains the whole model."""
        from speed.networks import keras_model
        from speed.sides.keras_loop import fit

        workload, rows, epochs = self._given
        done = fit(workload, Rows(*rows), keras_model(workload, self.config["dropout"], self.config["decay"]), epochs)
        return {"val_loss": done.best, "epochs": len(done.ends), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Says that the worker may go on with another trial."""
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save beside the result."""


def run(workload: Workload, rows: Rows, models: int, epochs: int, seed: int) -> Outcome:
    """So many trials."""
    if not ray.is_initialized():
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
        began = time.perf_counter()
        tuner = tune.Tuner(
            tune.with_parameters(Training, workload=workload, rows=tuple(rows), epochs=epochs),
            param_space={"dropout": tune.choice(DROPOUT), "decay": tune.choice(WEIGHT_DECAY)},
            tune_config=tune.TuneConfig(
                metric="val_loss", mode="min", num_samples=models, max_concurrent_trials=2, reuse_actors=True
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        results = tuner.fit()
        seconds = time.perf_counter() - began
        trained = sum(int(one.metrics["epochs"]) for one in results if one.metrics)
        best = float(results.get_best_result().metrics["val_loss"])
    return Outcome(models, seconds, trained, math.nan, best)
