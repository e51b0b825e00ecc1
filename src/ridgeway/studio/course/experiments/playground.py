"""The playground: decision regions of a network in the plane, at every strength of a regularizer."""

from __future__ import annotations

import base64
import warnings
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from ridgeway.studio.course.experiments import metrics, points
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress, one_of
from ridgeway.studio.course.experiments.training import dense, equal_batches, predict, train

if TYPE_CHECKING:
    import keras

VERSION = 2
REPEATS = 3
EPOCHS = 200
#: Points a side of the grid on which regions are drawn.
SIDE = 40
#: What can be varied, with its strengths from none to much.
STRENGTHS: dict[str, tuple[float, ...]] = {
    "weight_decay": (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "l1": (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    "l2": (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    "dropout": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
    "label_smoothing": (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9),
    "noise": (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2),
}
# Confidences are kept in 6 bits beside 2 bits of class.
_LEVELS = 63


class Settings(ExperimentSettings):
    """What a learner chooses.

    Attributes:
        data: shape of the data; "csv" for a table of one's own.
        noise: standard deviation added to the points.
        rows: points to train on; as many again validate. A table of one's own is split in halves.
        layers: hidden layers.
        width: units in each.
        activation: of the hidden layers.
        vary: the regularizer.
        csv: the table, where `data` is "csv": x, y, class; at most 2,000 rows.
    """

    data: Literal["circles", "moons", "spirals", "xor", "csv"] = "moons"
    noise: Annotated[float, one_of(0.0, 0.1, 0.2, 0.3, 0.4)] = 0.3
    rows: Annotated[int, one_of(40, 80, 160)] = 80
    layers: Annotated[int, one_of(1, 2, 3)] = 2
    width: Annotated[int, one_of(4, 8, 16, 32, 64)] = 32
    activation: Literal["relu", "tanh"] = "relu"
    vary: Literal["weight_decay", "l1", "l2", "dropout", "label_smoothing", "noise"] = "weight_decay"
    csv: str = Field(default="", max_length=120_000)

    @model_validator(mode="after")
    def _readable(self) -> Settings:
        if self.data == "csv":
            points.table(self.csv)
        elif self.csv:
            raise ValueError("A table was passed, but data is not csv. Choose csv, or leave the table out.")
        return self


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains all strengths with three seeds each, and asks every one of the first seed about a grid of points.

    Returns:
        `points` and `labels` of training and validation rows, `box` of the grid, and by strength the `region` (base64,
        a byte a grid point, row by row from the top: class × 64 + confidence of 0 to 63), `val_nll`, `val_accuracy`,
        `train_nll` by seed; the places of the `best` strength and of `one_se`.
    """
    import ridgeway as rw

    x, y, x_val, y_val, classes = _data(settings)
    strengths = STRENGTHS[settings.vary]
    path = train(
        _network(settings, len(classes)),
        x,
        y,
        rw.Grid(**{settings.vary: strengths}),
        epochs=EPOCHS,
        batch_size=min(equal_batches(len(x)), len(x)),
        validation=(x_val, y_val),
        progress=progress,
        share=(0.0, 0.9),
        repeats=REPEATS,
        seed=settings.seed,
    )
    table = path.table()
    every = table["lane"].tolist()
    on_train, on_val = predict(path, (x, x_val), every)
    scores = {
        "train_nll": metrics.nll(on_train, y),
        "val_nll": metrics.nll(on_val, y_val),
        "val_accuracy": metrics.accuracy(on_val, y_val),
        "train_accuracy": metrics.accuracy(on_train, y),
    }
    lanes = [np.flatnonzero(np.isclose(table[settings.vary], strength)) for strength in strengths]
    box = _box(np.concatenate([x, x_val]))
    first = [int(rows[np.argmin(table["repeat"].to_numpy()[rows])]) for rows in lanes]
    regions = path.predict(grid(box), first)
    frames = [
        {
            "strength": strength,
            "region": region(logits),
            "norm": table["weight_norm"].to_numpy()[rows].mean(),
            **{name: values[rows] for name, values in scores.items()},
        }
        for strength, rows, logits in zip(strengths, lanes, regions, strict=True)
    ]
    return {
        "classes": classes,
        "vary": settings.vary,
        "epochs": EPOCHS,
        "repeats": REPEATS,
        "side": SIDE,
        "box": box,
        "points": x,
        "labels": y,
        "val_points": x_val,
        "val_labels": y_val,
        "frames": frames,
        **{rule: _place(path, rule, settings.vary, strengths) for rule in ("best", "one_se")},
    }


def _data(settings: Settings) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    if settings.data == "csv":
        x, y, classes = points.table(settings.csv)
        order = np.random.default_rng(settings.seed).permutation(len(x))
        x, y, half = x[order], y[order], (len(x) + 1) // 2
    else:
        half, classes = settings.rows, ["0", "1"]
        x, y = points.shape(settings.data, 2 * half, settings.noise, settings.seed)
    # On a learner's scale the network would have to learn the units first.
    spread = x[:half].std(0)
    x = ((x - x[:half].mean(0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
    return x[:half], y[:half], x[half:], y[half:], classes


def _network(settings: Settings, classes: int) -> keras.Model:
    import keras

    keras.utils.set_random_seed(settings.seed)
    layers: list[Any] = [keras.Input((2,))]
    for _ in range(settings.layers):
        layers.append(dense(settings.width, activation=settings.activation))
        if settings.vary == "dropout":
            layers.append(keras.layers.Dropout(0.0))
    model = keras.Sequential([*layers, dense(classes)])
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _box(x: np.ndarray) -> list[float]:
    """Left, right, bottom and top of a picture that shows all points but far outliers."""
    low, high = np.quantile(x, 0.005, axis=0), np.quantile(x, 0.995, axis=0)
    edge = 0.12 * (high - low)
    return [low[0] - edge[0], high[0] + edge[0], low[1] - edge[1], high[1] + edge[1]]


def grid(box: list[float]) -> np.ndarray:
    """Middles of the picture's cells, row by row from the top, float32 `(SIDE², 2)`."""
    place = (np.arange(SIDE) + 0.5) / SIDE
    across, down = np.meshgrid(box[0] + place * (box[1] - box[0]), box[3] - place * (box[3] - box[2]))
    return np.stack([across.ravel(), down.ravel()], -1).astype(np.float32)


def region(logits: np.ndarray) -> str:
    """Classes and confidences of grid points, a byte each, as base64."""
    probabilities = np.exp(metrics.log_softmax(logits))
    confidence = np.round(probabilities.max(-1) * _LEVELS).astype(np.uint8)
    return base64.b64encode((probabilities.argmax(-1).astype(np.uint8) * 64 + confidence).tobytes()).decode()


def _place(path: Any, rule: str, vary: str, strengths: tuple[float, ...]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = path.select(rule).configuration[vary]
    return int(np.argmin(np.abs(np.array(strengths) - value)))
