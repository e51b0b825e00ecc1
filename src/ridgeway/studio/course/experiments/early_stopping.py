"""Early stopping: patience moved along a real curve, judged by few validation rows or many; and what it is like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeway.studio.course.experiments import metrics
from ridgeway.studio.course.experiments.data import digits
from ridgeway.studio.course.experiments.settings import Progress, WrongLabelsSettings
from ridgeway.studio.course.experiments.training import mlp, predict, train
from ridgeway.studio.stopping import replay

VERSION = 2
ROWS = 200
EPOCHS = 60
#: Validation rows that a learner may judge by.
SIZES = (20, 50, 100, 200, 400, 800)
PATIENCES = tuple(range(16))
MIN_DELTAS = (0.0, 0.001, 0.005, 0.02)
#: Epochs at which gradient descent is held against ridge regression.
_TIMES = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256)
_RATE = 0.1

Settings = WrongLabelsSettings


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains the same network for 1, 2, …, 60 epochs as lanes of one path, so that each epoch's weights are at hand.

    Returns:
        `train`, `test` and `test_accuracy` by epoch; `sizes`: for each number of validation rows the `curve` and, by
        min_delta and patience, the epoch that `stopped` and that is `kept`; `ridge`: gradient descent beside ridge
        regression.
    """
    import ridgeway as rw

    data = digits(settings.seed, ROWS, settings.wrong, validation=max(SIZES))
    path = train(
        mlp(seed=settings.seed),
        data.x,
        data.y,
        rw.Grid(max_epochs=range(1, EPOCHS + 1)),
        epochs=EPOCHS,
        progress=progress,
        share=(0.0, 0.7),
        seed=settings.seed,
    )
    on_train, on_val, on_test = predict(path, (data.x, data.x_val, data.x_test))
    losses = metrics.row_nll(on_val, data.y_val)
    sizes = []
    for size in SIZES:
        curve = losses[:, :size].mean(1)
        stops = [[replay(curve, patience, least) for patience in PATIENCES] for least in MIN_DELTAS]
        sizes.append(
            {
                "rows": size,
                "curve": curve,
                "stopped": [[stop.stopped for stop in row] for row in stops],
                "kept": [[stop.kept for stop in row] for row in stops],
                "early": [[stop.early for stop in row] for row in stops],
            }
        )
    return {
        "epochs": EPOCHS,
        "patiences": PATIENCES,
        "min_deltas": MIN_DELTAS,
        "train": metrics.nll(on_train, data.y),
        "test": metrics.nll(on_test, data.y_test),
        "test_accuracy": metrics.accuracy(on_test, data.y_test),
        "sizes": sizes,
        "norm": path.table()["weight_norm"].to_numpy(),
        "ridge": _ridge(settings.seed, progress),
    }


def _ridge(seed: int, progress: Progress) -> list[dict[str, Any]]:
    """Linear regression from weights of 0: t steps of descent beside the ridge solution with λ = 1/(ηt)."""
    import keras

    import ridgeway as rw

    x, y = diabetes()
    model = keras.Sequential(
        [keras.Input((x.shape[1],)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(_RATE), "mse")
    path = train(
        model,
        x,
        y,
        rw.Grid(max_epochs=_TIMES),
        epochs=max(_TIMES),
        batch_size=len(x),
        progress=progress,
        share=(0.7, 1.0),
        seed=seed,
    )
    found = []
    for lane, time in enumerate(_TIMES):
        (descent,) = (np.asarray(value, np.float64).ravel() for value in path.lane_weights(lane).values())
        # Keras's mean squared error has no ½: its steps are twice as long as those of the formula.
        strength = 1.0 / (2.0 * _RATE * time)
        solution = ridge_solution(x, y, strength)
        sizes = np.linalg.norm(descent), np.linalg.norm(solution)
        found.append(
            {
                "epochs": time,
                "lambda": strength,
                "cosine": descent @ solution / (sizes[0] * sizes[1]),
                "descent_norm": sizes[0],
                "ridge_norm": sizes[1],
                "descent": descent,
                "ridge": solution,
            }
        )
    return found


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's diabetes data, standardized: 10 features of 442 patients and the disease a year later."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), ((y - y.mean()) / y.std()).astype(np.float32)


def ridge_solution(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Weights that minimize ½ mean (xw − y)² + ½ λ‖w‖²."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.linalg.solve(x.T @ x / len(x) + strength * np.eye(x.shape[1]), x.T @ y / len(x))
