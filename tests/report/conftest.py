"""Synthetic paths that look like real ones: U-shaped validation losses, common seeds, early stopping."""

import itertools
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ridgeway.path import Path


def make_path(
    values: dict[str, Sequence[float | str]],
    *,
    repeats: int = 1,
    epochs: int = 50,
    task: str = "classification",
    metric: str | None = None,
    diverged: Sequence[int] = (),
    noise: float = 0.01,
    effect: float = 1.0,
    rows_se: bool = True,
    stops: dict[int, str] | None = None,
    seed: int = 1,
) -> Path:
    """Lanes of a grid, with the optimum in the middle of every hyperparameter's range."""
    rng = np.random.default_rng(seed)
    loss = "val_nll" if task == "classification" else "val_data_loss"
    orders = {name: [*given] if is_words(given) else sorted(given) for name, given in values.items()}
    common = rng.normal(0, noise, size=repeats)
    score = "accuracy" if task == "classification" else "mean_absolute_error"
    lanes: list[dict[str, object]] = []
    epochs_rows: list[dict[str, object]] = []
    for configuration in itertools.product(*values.values()):
        ranks = [v.index(x) / max(1, len(v) - 1) for x, v in zip(configuration, orders.values(), strict=True)]
        for repeat in range(repeats):
            lane = len(lanes)
            pull = float(np.mean(ranks))
            miss = effect * sum(abs(rank - 0.55) ** 3 for rank in ranks) / max(1, len(ranks))
            floor = 0.23 + 0.7 * miss + common[repeat] + rng.normal(0, noise)
            epoch = np.arange(1, epochs + 1)
            train = 0.02 + 0.5 * pull**2 * 0.4 + 2.0 * np.exp(-epoch / (4 + 6 * pull))
            overfit = (0.012 - 0.012 * pull) * np.maximum(0, epoch - 7)
            valid = floor + 1.9 * np.exp(-epoch / (2 + 2 * pull)) + effect * overfit + rng.normal(0, 0.004, epochs)
            best, wait, last = 0, 0, epochs
            for index in range(epochs):
                if valid[index] < valid[best]:
                    best, wait = index, 0
                else:
                    wait += index > 0
                if wait >= 3:
                    last = index + 1
                    break
            reason = "early stopping" if last < epochs else "completed"
            if lane in diverged:
                last, best, reason = 5, 1, "diverged"
                valid = valid * np.exp(epoch**2 / 4)
            accuracy = 1 - 0.32 * valid
            for index in range(last):
                epochs_rows.append(
                    {
                        "lane": lane,
                        "epoch": index + 1,
                        "loss": train[index],
                        score: 1 - 0.3 * train[index],
                        "val_loss": valid[index] + 0.02 * pull,
                        f"val_{score}": accuracy[index],
                        loss: valid[index],
                        **({"val_ece": 0.03 + 0.1 * (1 - pull)} if task == "classification" else {}),
                    }
                )
            at_best = epochs_rows[len(epochs_rows) - last + best]
            if lane in (stops or {}):
                reason = (stops or {})[lane]
            l1 = dict(zip(values, configuration, strict=True)).get("l1", 0.0)
            lanes.append(
                {
                    "lane": lane,
                    **dict(zip(values, configuration, strict=True)),
                    "repeat": repeat,
                    "fold": 0,
                    "epochs": last,
                    "best_epoch": best + 1,
                    "stopped": reason,
                    **{name: value for name, value in at_best.items() if name not in ("lane", "epoch")},
                    f"{loss}_se": 0.009 + 0.001 * rng.random() if rows_se else math.nan,
                    "weight_norm": 14.2 - 9 * pull + rng.normal(0, 0.05),
                    "zero_share": min(0.97, 0.15 * math.log10(1 + l1 / 1e-6)) if l1 else 0.0,
                    "seconds": 0.4 + 0.01 * last,
                }
            )
    table = pd.DataFrame(lanes).astype({"best_epoch": "Int64"})
    history = pd.DataFrame(epochs_rows)
    chosen = metric or loss
    classes = task == "classification"
    record = {
        "schema": 1,
        "ridgeway": "0.1.0",
        "versions": {"python": "3.11.2", "keras": "3.15.1", "jax": "0.10.2", "numpy": "2.4.0"},
        "created": "2026-05-04T09:30:12+00:00",
        "hyperparameters": {
            name: {
                "values": vs,
                "order": vs,
                "regularizes": not (name in ("learning_rate", "momentum") or is_words(vs)),
                "base": vs[0] if vs[0] in (0.0, "none", "after") else None,
            }
            for name, vs in orders.items()
        },
        "metric": chosen,
        "mode": "max" if chosen.endswith("accuracy") else "min",
        "monitor": "val_loss",
        "repeats": repeats,
        "seed": 0,
        "epochs": epochs,
        "batch_size": 32,
        "decay": "kernels",
        "data": {
            "rows": 5000 if classes else 442,
            "validation_rows": 1000 if classes else 88,
            "x": "28x28 uint8" if classes else "10 float32",
            "y": "int64" if classes else "float32",
            "fingerprint": "9f2c4b7d51e08a6633f0c1d2a4b58e7790ab12cd34ef56a7b8c9d0e1f2a3b4c5",
        },
        "model": {
            "name": "digits" if classes else "diabetes",
            "class": "Sequential",
            "parameters": 101770 if classes else 769,
            "layers": [
                {"name": "rescaling", "class": "Rescaling", "config_line": "scale=0.00392"},
                {"name": "flatten", "class": "Flatten", "config_line": ""},
                {"name": "dense", "class": "Dense", "config_line": "units=128, activation='relu'"},
                {"name": "dropout", "class": "Dropout", "config_line": "rate=0.0"},
                {"name": "dense_1", "class": "Dense", "config_line": "units=10, activation='linear'"},
            ],
            "optimizer": "SGD",
            "optimizer_config": {
                "name": "SGD",
                "learning_rate": 0.009999999776482582,
                "weight_decay": None,
                "clipnorm": None,
                "global_clipnorm": None,
                "clipvalue": None,
                "use_ema": False,
                "ema_momentum": 0.99,
                "ema_overwrite_frequency": None,
                "loss_scale_factor": None,
                "gradient_accumulation_steps": None,
                "momentum": 0.9,
                "nesterov": False,
            },
            "loss": "SparseCategoricalCrossentropy" if classes else "MeanSquaredError",
            "metrics": [score],
        },
        "callbacks": ["EarlyStopping(monitor='val_loss', patience=3)"],
        "executor": {
            "name": "vmap",
            "slots": 16,
            "devices": 2,
            "why": "fastest of three in a timed probe of 8 steps",
            "timings": {"vmap": 0.00031, "map": 0.00052, "steps": 0.00089},
        },
        "seconds": {"total": 41.7, "setup": 4.1, "training": 36.2},
        "device": "cpu",
        "extra": {},
    }
    return Path(table, history, record)


def is_words(values: Sequence[float | str]) -> bool:
    return isinstance(values[0], str)


class CalibratedPath(Path):
    """A path whose lanes are the surer of themselves the weaker they are regularized."""

    def calibration(self) -> pd.DataFrame:
        rng = np.random.default_rng(3)
        rows = []
        for lane in self.table()["lane"]:
            over = 0.12 * (1 - lane / len(self.table()))
            for place in range(2, 15):
                confidence = (place + 0.5 + rng.uniform(-0.2, 0.2)) / 15
                count = int(4 + 700 * (place / 14) ** 9)
                right = rng.binomial(count, min(max(confidence - over, 0), 1))
                rows.append(
                    {
                        **{"lane": lane, "bin": place, "confidence": confidence},
                        **{"accuracy": right / count, "count": count},
                    }
                )
            rows.append({"lane": lane, "bin": 0, "confidence": math.nan, "accuracy": math.nan, "count": 0})
        return pd.DataFrame(rows)


def calibrated(path: Path) -> Path:
    return CalibratedPath(path.table(), path.history(), path.record)


KINDS_OF_NORMALIZATION = ["none", "batch", "layer", "instance", "group"]
DECAYS = [0.0, *(float(f"{v:.6g}") for v in np.geomspace(1e-5, 1e-1, 7))]


CASES: dict[str, Callable[[], Path]] = {
    "grid": lambda: make_path({"weight_decay": DECAYS, "dropout": [0.0, 0.25, 0.5]}, repeats=3),
    "one_lane": lambda: make_path({"weight_decay": [0.001]}),
    "many": lambda: make_path(
        {
            "weight_decay": DECAYS[:-1] + [0.1],
            "dropout": [0.0, 0.2, 0.35, 0.5],
            "label_smoothing": [0.0, 0.1, 0.2],
        },
        repeats=3,
    ),
    "diverged": lambda: make_path(
        {"learning_rate": [0.01, 0.1, 1.0], "l1": [0.0, 1e-5, 1e-4, 1e-3]},
        repeats=2,
        diverged=[16, 18, 19, 22],
    ),
    "one_hyperparameter": lambda: make_path({"dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]}, repeats=1),
    "regression": lambda: make_path({"l2": DECAYS, "dropout": [0.0, 0.25]}, repeats=5, task="regression"),
    "within_noise": lambda: make_path(
        {"weight_decay": DECAYS, "dropout": [0.0, 0.5]}, repeats=3, effect=0.02, noise=0.02
    ),
    "accuracy": lambda: make_path(
        {"weight_decay": DECAYS, "label_smoothing": [0.0, 0.1]}, metric="val_accuracy", rows_se=False
    ),
    "words": lambda: make_path(
        {"normalization": KINDS_OF_NORMALIZATION, "weight_decay": DECAYS[::2]}, repeats=2, stops={3: "time is up"}
    ),
    "words_and_numbers": lambda: calibrated(
        make_path(
            {
                "weight_decay": DECAYS[::2],
                "dropout": [0.0, 0.5],
                "normalization": ["none", "batch", "layer"],
                "normalization_position": ["after", "before"],
            },
            repeats=2,
            stops={5: "time is up", 20: "target reached", 40: "path stopped", 41: "path stopped", 60: "interrupted"},
        )
    ),
    "words_only": lambda: make_path(
        {"input_scaling": ["none", "unit", "standardize", "robust"], "normalization": ["none", "batch"]}, repeats=3
    ),
    "one_word_hyperparameter": lambda: make_path({"normalization": KINDS_OF_NORMALIZATION}, repeats=2),
    "calibrated": lambda: calibrated(make_path({"label_smoothing": [0.0, 0.05, 0.1, 0.2, 0.3]}, repeats=2)),
}


@pytest.fixture(params=CASES)
def any_path(request: pytest.FixtureRequest) -> Path:
    """Each of the synthetic paths in turn."""
    return CASES[request.param]()


@pytest.fixture(scope="session")
def synthetic() -> SimpleNamespace:
    """The synthetic paths by name, and the function that makes others."""
    return SimpleNamespace(cases=CASES, make=make_path)
