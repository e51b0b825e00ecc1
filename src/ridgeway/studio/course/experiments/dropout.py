"""Dropout: its rate against overfitting; one unit under both scalings; many masks against one pass."""

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
EPOCHS = 50
REPEATS = 3
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Masks over which a unit's outputs are averaged.
MASKS = 500
_SHOWN = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
# A batch of samples by hidden units whose masks are drawn.
_SAMPLES, _UNITS = 8, 16
_MANY = 200
_MANY_SHOWN = (1, 2, 5, 10, 20, 50, 100, 200)
_MANY_RATE = 0.5

Settings = WrongLabelsSettings


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains three seeds a rate, and lets a trained unit through Keras's dropout and the classic one.

    Returns:
        `rates`; by rate `train_nll` (without dropout), `train_loss` (as training sees it), `val_nll`, `val_accuracy`,
        `curve`; `unit`: by rate the outputs of one unit; `masks` by rate; `average`: the mean over many masks.
    """
    import ridgeway as rw

    data = digits(settings.seed, ROWS, settings.wrong)
    path = train(
        mlp(dropout=True, seed=settings.seed),
        data.x,
        data.y,
        rw.Grid(dropout=RATES),
        epochs=EPOCHS,
        progress=progress,
        share=(0.0, 0.8),
        validation=(data.x_val, data.y_val),
        repeats=REPEATS,
        seed=settings.seed,
    )
    table = path.table()
    every = table["lane"].tolist()
    on_train, on_val = predict(path, (data.x, data.x_val), every)
    scores = {
        "train_nll": metrics.nll(on_train, data.y),
        "train_loss": by_epoch(path, "loss")[:, -1],
        "val_nll": metrics.nll(on_val, data.y_val),
        "val_accuracy": metrics.accuracy(on_val, data.y_val),
    }
    curves = by_epoch(path, "val_nll")
    lanes = [np.flatnonzero(np.isclose(table["dropout"], rate)) for rate in RATES]
    first = [int(rows[np.argmin(table["repeat"].to_numpy()[rows])]) for rows in lanes]
    return {
        "epochs": EPOCHS,
        "repeats": REPEATS,
        "rates": RATES,
        **{name: [values[rows] for rows in lanes] for name, values in scores.items()},
        "curve": [curves[rows].mean(0) for rows in lanes],
        "unit": unit(activation(path, first[0], data.x), settings.seed),
        "masks": masks(settings.seed),
        "average": _average(path, first[RATES.index(_MANY_RATE)], data, settings.seed),
    }


def activation(path: Path, lane: int, x: np.ndarray) -> float:
    """The output of the hidden unit that is most active on the first row, of a trained lane."""
    import keras

    model = path.model(lane, "last")
    hidden = keras.Model(model.inputs[0], model.get_layer("hidden").output)
    return float(np.asarray(hidden(x[:1]))[0].max())


def unit(value: float, seed: int) -> dict[str, Any]:
    """One unit's output through both kinds of dropout, at each rate.

    Args:
        value: what the unit puts out.
        seed: of the masks, the same for both kinds.

    Returns:
        `value`, `counts` (of masks) and for `inverted` (Keras) and `classic` (the lecture) by rate: `survivor` (the
        output in training where it is not dropped), `means` (over the first so many masks), `prediction`.
    """
    import keras

    import ridgeway as rw

    kinds = {"inverted": keras.layers.Dropout, "classic": rw.layers.ClassicDropout}
    batch = np.full((MASKS, 1), value, np.float32)
    found: dict[str, Any] = {"value": value, "counts": _SHOWN}
    for name, kind in kinds.items():
        rows = []
        for rate in RATES:
            layer = kind(rate, seed=seed)
            trained = np.asarray(layer(batch, training=True), np.float64)[:, 0]
            alive = trained[trained != 0]
            rows.append(
                {
                    "survivor": float(alive[0]) if len(alive) else 0.0,
                    "dropped": int(MASKS - len(alive)),
                    "means": [trained[:count].mean() for count in _SHOWN],
                    "outputs": trained[:40],
                    "prediction": float(np.asarray(layer(batch[:1], training=False))[0, 0]),
                }
            )
        found[name] = rows
    return found


def masks(seed: int) -> list[list[str]]:
    """Which units of which sample of one batch stay ("1") and go ("0"), by rate: a text of units a sample."""
    import keras

    ones = np.ones((_SAMPLES, _UNITS), np.float32)
    found = []
    for rate in RATES:
        kept = np.asarray(keras.layers.Dropout(rate, seed=seed)(ones, training=True)) != 0
        found.append(["".join("1" if alive else "0" for alive in row) for row in kept])
    return found


def _average(path: Path, lane: int, data: Digits, seed: int) -> dict[str, Any]:
    """The mean prediction over the first n masks, beside the one pass without dropout."""
    x, y = data.x_val[:200], data.y_val[:200]
    once = np.exp(metrics.log_softmax(path.predict(x, lane)[0]))
    many = np.exp(metrics.log_softmax(path.predict_samples(x, n=_MANY, lane=lane, seed=seed)))
    means = [many[:count].mean(0) for count in _MANY_SHOWN]
    return {
        "rate": _MANY_RATE,
        "counts": _MANY_SHOWN,
        "distance": [float(np.abs(mean - once).mean()) for mean in means],
        "nll": [_mean_nll(mean, y) for mean in means],
        "once_nll": _mean_nll(once, y),
    }


def _mean_nll(probabilities: np.ndarray, labels: np.ndarray) -> float:
    # A mask may give a class a probability of 0 in single precision.
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())
