"""Label smoothing: ε against a planted share of wrong labels; accuracy, calibration and the gap of the logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeway.studio.course.experiments import metrics
from ridgeway.studio.course.experiments.data import digits, plant
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.training import by_epoch, mlp, predict, train

VERSION = 2
ROWS = 160
EPOCHS = 50
REPEATS = 2
#: Digits that are easily confused; four classes, as in the lecture's example.
CLASSES = (3, 5, 8, 9)
EPSILONS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)
SHARES = (0.0, 0.1, 0.2, 0.4)


class Settings(ExperimentSettings):
    """Only the seed: all ε and all shares are trained at once."""


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains every ε on every share of wrong labels, and judges by true labels.

    Returns:
        `targets` and `optimal_gap` by ε; `shares`: for each, by ε, means over seeds of `nll`, `accuracy`, `ece`,
        `wrong_fitted` (share of planted labels that the network has learned by heart) and `gap`, and `bins` of the
        reliability diagram.
    """
    import keras

    import ridgeway as rw

    data = digits(settings.seed, ROWS, classes=CLASSES, validation=120)
    count = len(CLASSES)
    random = np.random.default_rng([settings.seed, 1])
    # The same rows in each share's copy, with ever more of the same labels replaced.
    planted = [
        plant(data.clean, share, count, np.random.default_rng(int(random.integers(1 << 31)))) for share in SHARES
    ]
    x = np.concatenate([data.x] * len(SHARES) + [data.x_val])
    y = np.concatenate([*planted, data.y_val])
    held_out = np.arange(len(SHARES) * ROWS, len(x))
    # Shares as folds: one compiled program trains all, each on its own copy.
    folds = [(np.arange(place * ROWS, (place + 1) * ROWS), held_out) for place in range(len(SHARES))]
    path = train(
        mlp(classes=count, seed=settings.seed, smooth=True),
        x,
        np.asarray(keras.utils.to_categorical(y, count), np.float32),
        rw.Grid(label_smoothing=EPSILONS),
        epochs=EPOCHS,
        progress=progress,
        cv=folds,
        repeats=REPEATS,
        seed=settings.seed,
    )
    table = path.table()
    every = table["lane"].tolist()
    on_test, on_train = predict(path, (data.x_test, data.x), every)
    losses = by_epoch(path, "val_nll")
    shares = []
    for place, share in enumerate(SHARES):
        wrong = planted[place] != data.clean
        rows = []
        for epsilon in EPSILONS:
            lanes = np.flatnonzero((table["fold"] == place) & np.isclose(table["label_smoothing"], epsilon))
            learned = (on_train[lanes].argmax(-1) == planted[place])[:, wrong]
            rows.append(
                {
                    "nll": metrics.nll(on_test[lanes], data.y_test).mean(),
                    "accuracy": metrics.accuracy(on_test[lanes], data.y_test).mean(),
                    "ece": np.mean([metrics.ece(on_test[lane], data.y_test) for lane in lanes]),
                    "gap": np.mean([logit_gap(on_train[lane], planted[place]) for lane in lanes]),
                    "wrong_fitted": learned.mean() if wrong.any() else None,
                    # Rows of both seeds in one diagram.
                    "bins": metrics.reliability(
                        np.concatenate(on_test[lanes]), np.tile(data.y_test, len(lanes)), bins=10
                    ),
                    "curve": losses[lanes].mean(0),
                }
            )
        shares.append({"share": share, "wrong_rows": int(wrong.sum()), "lanes": rows})
    return {
        "classes": CLASSES,
        "epsilons": EPSILONS,
        "epochs": EPOCHS,
        "repeats": REPEATS,
        "rows": ROWS,
        "test_rows": len(data.y_test),
        "targets": [targets(epsilon, count) for epsilon in EPSILONS],
        "optimal_gap": [optimal_gap(epsilon, count) for epsilon in EPSILONS],
        "shares": shares,
    }


def targets(epsilon: float, classes: int) -> tuple[float, float]:
    """What Keras trains on in the place of 1 and of 0: 1 − ε + ε/K and ε/K."""
    return 1.0 - epsilon + epsilon / classes, epsilon / classes


def optimal_gap(epsilon: float, classes: int) -> float | None:
    """How far the right logit stands above each other where the smoothed loss is least; without smoothing, nowhere."""
    right, other = targets(epsilon, classes)
    return float(np.log(right / other)) if other else None


def logit_gap(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance of the labelled logit and the mean of the others, over rows."""
    rows, classes = logits.shape
    labelled = np.asarray(logits, np.float64)[np.arange(rows), labels]
    others = (np.asarray(logits, np.float64).sum(-1) - labelled) / (classes - 1)
    return float((labelled - others).mean())
