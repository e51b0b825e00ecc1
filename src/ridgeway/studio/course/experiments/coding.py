"""One-hot and dummy coding: the codes, the rank beside an intercept, and what a penalty makes of a reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.training import repeated, train

VERSION = 1
#: Strengths λ of the penalty ½λ‖w‖² beside ½ mean squared error; the intercept goes free.
STRENGTHS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
#: Steps of descent, each on all rows.
STEPS = 600
_AN_EPOCH = 30
_RATE = 0.4
_ROWS = 160


class Settings(ExperimentSettings):
    """What is computed anew.

    Attributes:
        categories: how many; their names stay in the browser.
    """

    categories: int = Field(default=4, ge=2, le=8)


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Codes the categories, and trains a linear model on each coding at each strength.

    Returns:
        `one_hot` and `dummy` (by reference) codes of the categories; `ranks` of the codes beside an intercept; `means`
        and `counts` by category; `lanes`: by coding (one-hot, then each reference) and strength the `weights`,
        `intercept` and `predictions` by category.
    """
    import ridgeway as rw

    count = settings.categories
    labels = list(range(count))
    y, groups = answers(settings.seed, count)
    codes = [rw.one_hot(labels, labels)[0]]
    codes += [rw.dummy(labels, [one, *(other for other in labels if other != one)])[0] for one in labels]
    return {
        "categories": count,
        "strengths": STRENGTHS,
        "one_hot": codes[0].astype(int),
        "dummy": [code.astype(int) for code in codes[1:]],
        "ranks": [rank(code[groups]) for code in codes],
        "columns": [code.shape[1] + 1 for code in codes],
        "means": [y[groups == one].mean() for one in labels],
        "counts": np.bincount(groups, minlength=count),
        "lanes": _lanes(y, groups, count, settings.seed, progress),
    }


def answers(seed: int, categories: int) -> tuple[np.ndarray, np.ndarray]:
    """Synthetic answers whose mean differs by category, and rarer categories towards the end.

    Returns:
        Float64 answers and int categories, one a row; each category has at least 8 rows.
    """
    random = np.random.default_rng([seed, categories])
    shares = 0.7 ** np.arange(categories)
    sizes = np.maximum(8, np.round(_ROWS * shares / shares.sum())).astype(int)
    groups = np.repeat(np.arange(categories), sizes)
    centres = np.round(random.permutation(np.linspace(1.0, 6.0, categories)), 1)
    return centres[groups] + random.normal(size=len(groups)), groups


def rank(code: np.ndarray) -> int:
    """Rank of a design: a column of ones beside the codes of its rows."""
    return int(np.linalg.matrix_rank(np.column_stack([np.ones(len(code)), code])))


def _lanes(y: np.ndarray, groups: np.ndarray, count: int, seed: int, progress: Progress) -> list[list[dict[str, Any]]]:
    import keras

    import ridgeway as rw

    @keras.saving.register_keras_serializable(package="ridgeway.course")
    class Without(keras.layers.Layer):
        """Sets one column to 0, which leaves it out; none where `column` is −1. A number, so lanes can vary it."""

        def __init__(self, column: float = -1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.column = column

        def call(self, inputs: Any) -> Any:
            """Keeps the shape, so that all codings are lanes of one program."""
            places = keras.ops.arange(inputs.shape[-1], dtype="float32")
            return inputs * keras.ops.cast(places != self.column, "float32")

    model = keras.Sequential(
        [
            keras.Input((count,)),
            Without(name="without"),
            keras.layers.Dense(1, kernel_initializer="zeros", name="linear"),
        ]
    )
    # Momentum, because descent along the rare categories is slow.
    model.compile(keras.optimizers.SGD(_RATE, momentum=0.9), "mse")
    references = [-1.0, *map(float, range(count))]
    pairs = [(reference, strength) for reference in references for strength in STRENGTHS]
    path = train(
        model,
        repeated(_AN_EPOCH, np.eye(count, dtype=np.float32)[groups]),
        repeated(_AN_EPOCH, y.astype(np.float32)[:, None]),
        # Keras's mean squared error is twice ½ mean squared error, so l2 = λ stands for ½λ‖w‖².
        rw.Listed([{"without.column": reference, "l2": strength} for reference, strength in pairs]),
        epochs=STEPS // _AN_EPOCH,
        batch_size=len(y),
        shuffle=False,
        progress=progress,
        seed=seed,
    )
    found: list[list[dict[str, Any]]] = []
    for lane, (reference, strength) in enumerate(pairs):
        kernel, bias = (np.asarray(value, np.float64).ravel() for value in path.lane_weights(lane).values())
        if strength == 0.0:
            found.append([])
        # The column that was left out has a weight that nothing has moved: 0.
        found[-1].append(
            {
                "reference": None if reference < 0 else int(reference),
                "strength": strength,
                "weights": kernel,
                "intercept": bias[0],
                "predictions": kernel + bias[0],
            }
        )
    return found
