"""One method on one data set and seed, in a process of its own; or the export of a data set.

python -m tabular.one_fit fit METHOD CSV SEED OUT [--threads N] [--time-limit S]
python -m tabular.one_fit export NAME CSV
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .data import export, read
from .methods import METHODS, Task, single


def fit(method: str, task: Task) -> dict[str, dict[str, Any]]:
    """Fits on the fitting rows, scores on the test rows: this method, and those whose model its fit gives too."""
    if METHODS[method].package == "pytabkit":
        import torch

        torch.set_num_threads(task.threads)
    began = time.perf_counter()
    model = METHODS[method].fit(task)
    fitted = time.perf_counter()
    found = {method: scored(method, model, task, fitted - began)}
    for other, about in METHODS.items():
        if about.fitted_by == method:
            found[other] = scored(other, single(model), task, fitted - began)
    return found


def scored(method: str, model: Any, task: Task, seconds: float) -> dict[str, Any]:
    """Scores of a fitted model on the test rows, with what it took."""
    from sklearn.metrics import balanced_accuracy_score, log_loss

    fitted = time.perf_counter()
    x, y = task.rows(task.table.test)
    classes = len(np.unique(task.table.y))
    # Some give shares of single precision that sum to one only nearly.
    shares = np.asarray(model.predict_proba(x), np.float64)
    chosen = np.asarray(model.predict(x)).reshape(-1).astype(int)
    if shares.shape != (len(y), classes) or not np.isfinite(shares).all():
        raise SystemExit(f"{method} gives probabilities of shape {shares.shape} or some that are not finite.")
    predicted = time.perf_counter()
    with warnings.catch_warnings():
        # A class too small for the test rows is counted in the log loss's labels only.
        warnings.simplefilter("ignore", UserWarning)
        scores = {
            "balanced_accuracy": float(balanced_accuracy_score(y, chosen)),
            "log_loss": float(log_loss(y, shares / shares.sum(1, keepdims=True), labels=range(classes))),
        }
    path = getattr(model, "path_", None)
    return {
        **scores,
        "fit_seconds": seconds,
        "predict_seconds": predicted - fitted,
        "rows": len(task.table.y),
        "columns": task.table.x.shape[1],
        "categorical": len(task.table.categorical),
        "classes": classes,
        "version": version(METHODS[method].package),
        "lanes": None if path is None else len(path.table()),
    }


def peak_mib() -> float | None:
    """Most memory of this process, without what it had from its parent before it began; None outside Linux."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text() if status.exists() else "")
    return int(found[1]) / 2**10 if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("fit")
    one.add_argument("method", choices=list(METHODS))
    one.add_argument("csv", type=Path)
    one.add_argument("seed", type=int)
    one.add_argument("out", type=Path)
    one.add_argument("--threads", type=int, default=1)
    one.add_argument("--time-limit", type=float, default=60.0)
    raw = what.add_parser("export")
    raw.add_argument("name")
    raw.add_argument("csv", type=Path)
    options = parser.parse_args()
    if options.what == "export":
        export(options.name, options.csv)
        return
    task = Task(read(options.csv, options.seed), options.seed, options.threads, options.time_limit)
    found = fit(options.method, task)
    options.out.write_text(json.dumps({name: {**one, "peak_mib": peak_mib()} for name, one in found.items()}))


if __name__ == "__main__":
    sys.exit(main())
