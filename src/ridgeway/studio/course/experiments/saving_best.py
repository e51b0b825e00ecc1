"""Saving the best: last epoch against best, over 20 seeds, and each saved epoch of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.studio.course.experiments import metrics
from ridgeway.studio.course.experiments.data import Digits, digits
from ridgeway.studio.course.experiments.settings import Progress, WrongLabelsSettings
from ridgeway.studio.course.experiments.training import by_epoch, mlp, predict, train

if TYPE_CHECKING:
    from ridgeway.path import Path

VERSION = 2
ROWS = 200
EPOCHS = 40
SEEDS = 20
#: The patience of the lecture's example.
PATIENCE = 3
# 97.5 % point of Student's t with 19 degrees of freedom.
_T = 2.093

Settings = WrongLabelsSettings


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains 20 seeds to the end, keeping the last epoch, the best one, and the best that patience 3 lets be seen.

    Returns:
        `curves` of validation by seed; for `last`, `best` and `patience` the epoch and the test score by seed;
        `paired`: mean difference to the last epoch with its 95 % interval; `scrub`: one seed, epoch by epoch.
    """
    import keras

    import ridgeway as rw

    data = digits(settings.seed, ROWS, settings.wrong)
    patient = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
    common: dict[str, Any] = {
        "epochs": EPOCHS,
        "progress": progress,
        "validation": (data.x_val, data.y_val),
        "repeats": SEEDS,
        "seed": settings.seed,
    }
    family = rw.Grid(max_epochs=[EPOCHS])

    def fit(share: tuple[float, float], keep: str, *callbacks: Any) -> Path:
        return train(
            mlp(seed=settings.seed), data.x, data.y, family, share=share, keep=keep, callbacks=callbacks, **common
        )

    paths = {
        "last": fit((0.0, 0.25), "last"),
        "best": fit((0.25, 0.5), "best"),
        "patience": fit((0.5, 0.7), "best", patient),
    }
    kept = {name: _kept(path, data) for name, path in paths.items()}
    last = kept["last"]
    return {
        "epochs": EPOCHS,
        "seeds": SEEDS,
        "patience_epochs": PATIENCE,
        "curves": by_epoch(paths["last"], "val_nll"),
        "kept": kept,
        "paired": {
            name: {
                score: interval(np.asarray(kept[name][score]) - np.asarray(last[score]))
                for score in ("test_nll", "test_accuracy")
            }
            for name in ("best", "patience")
        },
        "scrub": _scrub(data, settings.seed, progress),
    }


def _kept(path: Path, data: Digits) -> dict[str, Any]:
    logits = path.predict(data.x_test)
    table = path.table()
    return {
        "epoch": table["best_epoch"].to_numpy(int),
        "trained": table["epochs"].to_numpy(int),
        "val_nll": table["val_nll"].to_numpy(),
        "test_nll": metrics.nll(logits, data.y_test),
        "test_accuracy": metrics.accuracy(logits, data.y_test),
    }


def interval(differences: np.ndarray) -> dict[str, float]:
    """Mean of paired differences over the seeds, with its 95 % interval by Student's t."""
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return {"mean": mean, "low": mean - _T * error, "high": mean + _T * error}


def _scrub(data: Digits, seed: int, progress: Progress) -> dict[str, Any]:
    """The first seed's weights after each epoch, as lanes that train 1, 2, …, 40 epochs."""
    import ridgeway as rw

    path = train(
        mlp(seed=seed),
        data.x,
        data.y,
        rw.Grid(max_epochs=range(1, EPOCHS + 1)),
        epochs=EPOCHS,
        progress=progress,
        share=(0.7, 1.0),
        seed=seed,
    )
    on_train, on_val, on_test = predict(path, (data.x, data.x_val, data.x_test))
    return {
        "train_nll": metrics.nll(on_train, data.y),
        "val_nll": metrics.nll(on_val, data.y_val),
        "test_nll": metrics.nll(on_test, data.y_test),
        "test_accuracy": metrics.accuracy(on_test, data.y_test),
    }
