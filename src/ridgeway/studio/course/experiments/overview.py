"""Overview: a race of the lecture's regularizers on one data set that a network overfits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ridgeway.studio.course.experiments import metrics
from ridgeway.studio.course.experiments.data import Digits, digits
from ridgeway.studio.course.experiments.settings import Progress, WrongLabelsSettings
from ridgeway.studio.course.experiments.switches import Switches, normalization, switched
from ridgeway.studio.course.experiments.training import by_epoch, dense, predict, train
from ridgeway.studio.stopping import replay

VERSION = 5
ROWS = 200
EPOCHS = 20
REPEATS = 5
#: Strength of each regularizer at each place of the slider, weak to strong.
STRENGTHS = {
    "weight_decay": (0.03, 0.1, 0.3),
    "l1": (0.001, 0.003, 0.01),
    "dropout": (0.2, 0.5, 0.8),
    "label_smoothing": (0.05, 0.15, 0.3),
}
PATIENCES = (10, 3, 1)
LEVELS = len(PATIENCES)
_BETWEEN = "between"
RACERS = ("none", *STRENGTHS, "batch", "layer", "early_stopping")

Settings = WrongLabelsSettings


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains each regularizer at each strength with five seeds, and looks at the last epoch.

    Returns:
        `racers`: for each, by level, `strength`, the mean validation `curve`, and by seed `val_nll`, `val_accuracy` and
        `gap`: validation loss less that on the training rows whose label is right, both without penalties and dropout.
    """
    import ridgeway as rw

    data = digits(settings.seed, ROWS, settings.wrong)
    idle: dict[str, Any] = {**dict.fromkeys(STRENGTHS, 0.0), **switched(_BETWEEN, "none")}
    listed = [idle]
    listed += [{**idle, name: value} for name, values in STRENGTHS.items() for value in values]
    listed += [{**idle, **switched(_BETWEEN, kind)} for kind in ("batch", "layer")]
    path = train(
        _network(settings.seed),
        data.x,
        data.y,
        rw.Listed(listed),
        epochs=EPOCHS,
        progress=progress,
        share=(0.0, 0.85),
        validation=(data.x_val, data.y_val),
        repeats=REPEATS,
        seed=settings.seed,
    )
    table = path.table()
    every = table["lane"].tolist()
    curves = by_epoch(path, "val_nll")
    on_train, on_val = predict(path, (data.x, data.x_val), every)
    scores = _scores(on_train, on_val, data)
    racers = []
    for name in RACERS[:-1]:
        levels = []
        for level in range(LEVELS):
            wanted = {**idle}
            if name in STRENGTHS:
                wanted[name] = STRENGTHS[name][level]
            elif name != "none":
                wanted |= switched(_BETWEEN, name)
            lanes = np.flatnonzero(np.all([table[key] == value for key, value in wanted.items()], axis=0))
            levels.append(
                {
                    "strength": wanted.get(name),
                    "curve": curves[lanes].mean(0),
                    **{score: values[lanes] for score, values in scores.items()},
                }
            )
        racers.append({"name": name, "levels": levels})
    none = np.flatnonzero(np.all([table[key] == value for key, value in idle.items()], axis=0))
    racers.append({"name": "early_stopping", "levels": _stopped(data, curves[none], settings.seed, progress)})
    return {"epochs": EPOCHS, "repeats": REPEATS, "levels": LEVELS, "racers": racers}


def _network(seed: int) -> Any:
    """A network whose lanes may have a normalization behind the hidden layer."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            dense(64, activation="relu"),
            # ridgeway's own hyperparameter `normalization` would put in a layer with Keras's momentum.
            normalization(Switches(), name=_BETWEEN),
            keras.layers.Dropout(0.0),
            dense(10),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.02, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model


def _scores(on_train: np.ndarray, on_val: np.ndarray, data: Digits) -> dict[str, np.ndarray]:
    val_nll = metrics.nll(on_val, data.y_val)
    # Validation labels are all true. A loss on wrong ones would hide how much better the network knows its own rows.
    right = data.y == data.clean
    return {
        "val_nll": val_nll,
        "val_accuracy": metrics.accuracy(on_val, data.y_val),
        "gap": val_nll - metrics.nll(on_train[:, right], data.y[right]),
    }


def _stopped(data: Digits, curves: np.ndarray, seed: int, progress: Progress) -> list[dict[str, Any]]:
    """Lanes without a regularizer, each trained as long as early stopping lets it."""
    import ridgeway as rw

    stops = np.array([[replay(curve, patience).stopped for curve in curves] for patience in PATIENCES])
    needed = {(int(epochs), repeat) for stop in stops for repeat, epochs in enumerate(stop)}
    # Always as many lanes, so that it is the same program for every seed.
    others = (run for run in itertools.product(range(1, EPOCHS + 1), range(REPEATS)) if run not in needed)
    chosen = sorted(needed | set(itertools.islice(others, stops.size - len(needed))))
    repeats = {epochs: [run[1] for run in own] for epochs, own in itertools.groupby(chosen, lambda run: run[0])}
    path = train(
        _network(seed),
        data.x,
        data.y,
        rw.Listed([{"max_epochs": epochs} for epochs in repeats], list(repeats.values())),
        epochs=EPOCHS,
        repeats=REPEATS,
        progress=progress,
        share=(0.85, 1.0),
        seed=seed,
    )
    table = path.table()
    runs = zip(table["max_epochs"].astype(int), table["repeat"].astype(int), strict=True)
    place = {run: number for number, run in enumerate(runs)}
    every = table["lane"].tolist()
    on_train, on_val = predict(path, (data.x, data.x_val), every)
    scores = _scores(on_train, on_val, data)
    levels = []
    for patience, stop in zip(PATIENCES, stops, strict=True):
        lanes = [place[int(epochs), repeat] for repeat, epochs in enumerate(stop)]
        # A curve ends where the lane does; the mean goes on with what it ended with.
        held = np.array(
            [np.where(np.arange(EPOCHS) < end, curve, curve[end - 1]) for curve, end in zip(curves, stop, strict=True)]
        )
        levels.append(
            {
                "strength": patience,
                "stopped": stop,
                "curve": held.mean(0),
                **{score: values[lanes] for score, values in scores.items()},
            }
        )
    return levels
