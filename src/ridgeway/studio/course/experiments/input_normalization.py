"""Input normalization: descent on stretched and round contours; steps to a target; pixels on four scales."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeway.studio.course.experiments.data import digits
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.training import by_epoch, dense, train

VERSION = 2
STEPS = 60
#: How many times larger one of the two features is written down.
STRETCHES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
#: Learning rates, as shares of the largest that still converges.
RATES = (0.25, 0.5, 0.9, 1.02)
#: A descent has arrived when it has done this share of the way down.
TARGET = 0.99
_ROWS = 80
_TRUE = (1.0, -0.8)
_LIMIT = 5000

PIXEL_EPOCHS = 30
#: Each scale of pixels 0 to 255 as (scale, offset); "standardized" by the training pixels' own mean and spread.
SCALES = ("raw", "unit", "symmetric", "standardized")
PIXEL_RATES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
_PIXEL_TARGET = 0.5


class Settings(ExperimentSettings):
    """Only the seed: all stretches, scales and learning rates are trained at once."""


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains two weights on two features, one of them stretched, and a network on pixels of four scales.

    Returns:
        `lanes`: for each stretch and learning rate the `weights` and `loss` by step, whether it `diverged` and its
        `steps` to the target; `stretches`: for each the condition number, the largest learning rate, the contours'
        matrix and centre; `pixels`: by scale and learning rate.
    """
    x, y = plane(settings.seed)
    found = _descents(x, y, settings.seed, progress)
    return {
        "stretches": [geometry(x, y, stretch) for stretch in STRETCHES],
        "rates": RATES,
        "steps": STEPS,
        "target": TARGET,
        "lanes": found,
        "pixels": _pixels(settings.seed, progress),
    }


def plane(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two standardized, uncorrelated features and a linear response, without an intercept."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(_ROWS, 2))
    x -= x.mean(0)
    # Uncorrelated, so that unstretched contours are circles.
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / _ROWS)).T
    y = x @ np.array(_TRUE) + 0.3 * random.normal(size=_ROWS)
    return x, y - y.mean()


def stretched(x: np.ndarray, stretch: float) -> np.ndarray:
    """The features as a learner gets them: the first in units so many times smaller."""
    return x * np.array([stretch, 1.0])


def geometry(x: np.ndarray, y: np.ndarray, stretch: float) -> dict[str, Any]:
    """The loss mean (xw − y)² around its least: curvature 2XᵀX/n, condition number, largest learning rate 2/λmax."""
    features = stretched(x, stretch)
    curvature = 2.0 * features.T @ features / len(features)
    eigenvalues = np.linalg.eigvalsh(curvature)
    best = np.linalg.lstsq(features, y, rcond=None)[0]
    return {
        "stretch": stretch,
        "condition": eigenvalues[-1] / eigenvalues[0],
        "largest_rate": 2.0 / eigenvalues[-1],
        "curvature": curvature,
        "best": best,
        "least": ((features @ best - y) ** 2).mean(),
        "start": (y**2).mean(),
    }


def _descents(x: np.ndarray, y: np.ndarray, seed: int, progress: Progress) -> list[dict[str, Any]]:
    import keras

    import ridgeway as rw

    @keras.saving.register_keras_serializable(package="ridgeway.course")
    class Stretch(keras.layers.Layer):
        """Writes the first feature down `factor` times larger; the factor is a number, so lanes can vary it."""

        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, inputs: Any) -> Any:
            """Leaves the second feature as it is."""
            return keras.ops.concatenate([inputs[:, :1] * self.factor, inputs[:, 1:]], axis=1)

    def w0(y_true: Any, y_pred: Any) -> Any:
        """The first weight: what the row (1, 0), marked by 1, is predicted."""
        return 2.0 * y_pred * y_true

    def w1(y_true: Any, y_pred: Any) -> Any:
        """The second one: what the row (0, 1), marked by 0, is predicted."""
        return 2.0 * y_pred * (1.0 - y_true)

    model = keras.Sequential(
        [
            keras.Input((2,)),
            Stretch(1.0, name="stretch"),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="linear"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=[w0, w1])
    pairs = [(stretch, rate) for stretch in STRETCHES for rate in RATES]
    largest = {stretch: geometry(x, y, stretch)["largest_rate"] for stretch in STRETCHES}
    path = train(
        model,
        x.astype(np.float32),
        y.astype(np.float32)[:, None],
        rw.Listed([{"stretch.factor": stretch, "learning_rate": rate * largest[stretch]} for stretch, rate in pairs]),
        epochs=STEPS,
        batch_size=len(x),
        # Two rows that read the weights off after each step.
        validation=(np.eye(2, dtype=np.float32), np.array([[1.0], [0.0]], np.float32)),
        progress=progress,
        share=(0.0, 0.4),
        seed=seed,
    )
    weights = np.stack([by_epoch(path, "val_w0"), by_epoch(path, "val_w1")], -1)
    found = []
    for (stretch, rate), lane in zip(pairs, weights, strict=True):
        steps = np.concatenate([np.zeros((1, 2)), lane / np.array([stretch, 1.0])])
        shape = geometry(x, y, stretch)
        losses = ((steps @ stretched(x, stretch).T - y) ** 2).mean(1)
        found.append(
            {
                "stretch": stretch,
                "rate": rate,
                "learning_rate": rate * largest[stretch],
                "weights": steps,
                "loss": losses,
                "diverges": rate >= 1.0,
                "steps_to_target": steps_to_target(shape, rate * largest[stretch]),
            }
        )
    return found


def steps_to_target(shape: dict[str, Any], rate: float) -> int | None:
    """Steps of descent from 0 until `TARGET` of the way down is done; None if it never is.

    Each eigendirection's distance to the best shrinks by |1 − ηλ| a step, which is exact and needs no training.
    """
    curvature = np.asarray(shape["curvature"])
    eigenvalues, directions = np.linalg.eigh(curvature)
    away = directions.T @ -np.asarray(shape["best"])
    whole = 0.5 * (eigenvalues * away**2).sum()
    factors = (1.0 - rate * eigenvalues) ** 2
    if factors.max() >= 1.0:
        return None
    left = 0.5 * eigenvalues * away**2 * factors[None] ** np.arange(_LIMIT + 1)[:, None]
    done = np.flatnonzero(left.sum(1) <= (1.0 - TARGET) * whole)
    return int(done[0]) if len(done) else None


def _pixels(seed: int, progress: Progress) -> dict[str, Any]:
    import keras

    import ridgeway as rw

    data = digits(seed, 300)
    raw, raw_val = (255.0 * (x + 1.0) / 2.0 for x in (data.x, data.x_val))
    mean, spread = float(raw.mean()), float(raw.std())
    scales = {
        "raw": (1.0, 0.0),
        "unit": (1.0 / 255.0, 0.0),
        "symmetric": (2.0 / 255.0, -1.0),
        "standardized": (1.0 / spread, -mean / spread),
    }
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Rescaling(1.0, 0.0, name="rescaling"),
            dense(48, activation="relu"),
            dense(10),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pairs = [(scale, rate) for scale in SCALES for rate in PIXEL_RATES]
    path = train(
        model,
        raw.astype(np.float32),
        data.y,
        rw.Listed(
            [
                {
                    "rescaling.scale": scales[scale][0],
                    "rescaling.offset": scales[scale][1],
                    "learning_rate": rate,
                }
                for scale, rate in pairs
            ]
        ),
        epochs=PIXEL_EPOCHS,
        validation=(raw_val.astype(np.float32), data.y_val),
        progress=progress,
        share=(0.4, 1.0),
        seed=seed,
    )
    curves, losses = _full(by_epoch(path, "val_nll")), _full(by_epoch(path, "loss"))
    found = []
    for place, scale in enumerate(SCALES):
        lanes = slice(place * len(PIXEL_RATES), (place + 1) * len(PIXEL_RATES))
        ends = [arrival(curve, _PIXEL_TARGET) for curve in curves[lanes]]
        found.append(
            {
                "scale": scale,
                "multiply": scales[scale][0],
                "add": scales[scale][1],
                "curve": curves[lanes],
                "loss": losses[lanes],
                "epochs_to_target": ends,
            }
        )
    return {"epochs": PIXEL_EPOCHS, "rates": PIXEL_RATES, "target": _PIXEL_TARGET, "scales": found}


def _full(curves: np.ndarray) -> np.ndarray:
    """Curves of all epochs, those of diverged lanes filled with NaN."""
    return np.pad(curves, ((0, 0), (0, PIXEL_EPOCHS - curves.shape[1])), constant_values=np.nan)


def arrival(curve: np.ndarray, target: float) -> int | None:
    """The first epoch, counted from 1, whose loss is as low as the target; None if none is."""
    there = np.flatnonzero(curve <= target)
    return int(there[0]) + 1 if len(there) else None
