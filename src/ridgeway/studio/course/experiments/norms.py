"""Norms: balls of any p, where a loss first touches them, and the coefficient paths of L1 and L2 on real data."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgeway.studio.course.experiments.early_stopping import diabetes
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.training import repeated, train

VERSION = 1
EXPONENTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0, float("inf"))
RADII = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
#: Strengths λ of a penalty beside ½ mean squared error.
#: With three penalties no more lanes than train side by side.
STRENGTHS = (0.0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
#: Steps of descent, each on all rows.
STEPS = 2000
_AN_EPOCH = 40
_RATE = 0.15
_POINTS = 121
# Where the loss of the contour picture is least, and how it curves.
_CENTRE = np.array([1.15, 0.55])
_CURVES = {"round": np.eye(2), "tilted": np.array([[1.0, 0.55], [0.55, 0.8]])}


class Settings(ExperimentSettings):
    """Only the seed: all p, radii and strengths are computed at once."""


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Measures by `ridgeway.norm`, finds touching points on a fine grid, and trains two paths on the diabetes data.

    Returns:
        `balls` and `triangle` by p; `contact`: the losses' centre, and for a round and a tilted one its matrix and, by
        p and radius, the touching point;
        `paths`: by penalty the coefficients by strength.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, _POINTS)
    return {
        "exponents": ["inf" if np.isinf(p) else p for p in EXPONENTS],
        "angles": angles,
        "balls": [ball(p, angles) for p in EXPONENTS],
        "triangle": [triangle(p) for p in EXPONENTS],
        "radii": RADII,
        "contact": {
            "centre": _CENTRE,
            "losses": {
                name: {
                    "matrix": curve,
                    "points": [[contact(p, radius, curve) for radius in RADII] for p in EXPONENTS],
                }
                for name, curve in _CURVES.items()
            },
        },
        "paths": _paths(settings.seed, progress),
    }


def ball(p: float, angles: np.ndarray) -> np.ndarray:
    """How far the unit ball's edge is from 0 in each direction."""
    from ridgeway.norms import norm

    directions = np.stack([np.cos(angles), np.sin(angles)], -1)
    return 1.0 / norm(directions, p, axis=-1)


def triangle(p: float) -> dict[str, float]:
    """The size of (1, 0) + (0, 1) beside the sum of their sizes: it may not be more, if p is to give a norm."""
    from ridgeway.norms import norm

    return {"sum": float(norm([1.0, 1.0], p)), "parts": float(norm([1.0, 0.0], p) + norm([0.0, 1.0], p))}


def contact(p: float, radius: float, curve: np.ndarray, centre: np.ndarray = _CENTRE) -> dict[str, Any]:
    """The point of a ball where a quadratic loss around `centre` is least, to about 0.001.

    Args:
        p: exponent.
        radius: of the ball.
        curve: positive definite matrix A of the loss (w − c)ᵀA(w − c).
        centre: c.
    """
    from ridgeway.norms import norm

    if norm(centre, p) <= radius:
        return {"w": centre, "loss": 0.0, "inside": True}
    # The corners, where p ≤ 1 touches, are among the directions.
    angles = np.linspace(0.0, 2.0 * np.pi, 4 * 2000 + 1)
    edge = (radius * ball(p, angles))[:, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    edge[np.abs(edge) < 1e-12] = 0.0
    away = edge - centre
    losses = np.einsum("ni,ij,nj->n", away, curve, away)
    best = int(losses.argmin())
    return {"w": edge[best], "loss": float(losses[best]), "inside": False}


def _paths(seed: int, progress: Progress) -> dict[str, Any]:
    import keras

    import ridgeway as rw

    x, y = diabetes()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((x.shape[1],)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="linear")]
    )
    # Keras's mean squared error is twice ½ mean squared error: strengths and steps are doubled and halved for it.
    model.compile(keras.optimizers.SGD(_RATE), "mse")
    idle = {"l1": 0.0, "l2": 0.0, "lp": 0.0, "p": 1.0}
    listed = [{**idle, "l1": 2.0 * one} for one in STRENGTHS]
    listed += [{**idle, "l2": one} for one in STRENGTHS[1:]]
    listed += [{**idle, "lp": 2.0 * one} for one in STRENGTHS[1:]]
    path = train(
        model,
        repeated(_AN_EPOCH, x),
        repeated(_AN_EPOCH, y),
        rw.Listed(listed),
        epochs=STEPS // _AN_EPOCH,
        batch_size=len(x),
        shuffle=False,
        progress=progress,
        seed=seed,
    )
    weights = np.stack([next(iter(path.lane_weights(lane).values())).ravel() for lane in range(len(listed))])
    weights = weights.astype(np.float64)
    count = len(STRENGTHS)
    without = weights[:1]
    kinds = {
        "l1": weights[:count],
        "l2": np.concatenate([without, weights[count : 2 * count - 1]]),
        "subgradient": np.concatenate([without, weights[2 * count - 1 :]]),
    }
    errors = {name: ((y[None] - found @ x.T) ** 2).mean(1) for name, found in kinds.items()}
    return {
        "strengths": STRENGTHS,
        "features": list(_features()),
        **{
            name: {"weights": found, "zeros": (found == 0).sum(1), "error": errors[name]}
            for name, found in kinds.items()
        },
    }


def _features() -> tuple[str, ...]:
    from sklearn.datasets import load_diabetes

    return tuple(load_diabetes().feature_names)
