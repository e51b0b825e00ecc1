"""Weight decay: λ from none to much, decoupled and as L2 in the loss, under three optimizers; one step by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.studio.course.experiments import metrics
from ridgeway.studio.course.experiments.data import Digits, digits
from ridgeway.studio.course.experiments.settings import Progress, WrongLabelsSettings
from ridgeway.studio.course.experiments.training import by_epoch, mlp, predict, train

if TYPE_CHECKING:
    from ridgeway.path import Path

VERSION = 3
ROWS = 200
# Divides them: a smaller last batch would be compiled as well.
_BATCH = 40
EPOCHS = 50
LAMBDAS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
#: Optimizer, its learning rate; the momentum is 0.9.
OPTIMIZERS = (("sgd", 0.1), ("momentum", 0.02), ("adam", 0.003))
# Weights beyond are counted in the last bins.
_EDGES = np.linspace(-0.5, 0.5, 42)
_MOMENTUM = 0.9
_STEP_RATE = 0.5

Settings = WrongLabelsSettings


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains a pair of lanes for each λ and optimizer.

    Returns:
        `lambdas`, `edges` of the histograms, `optimizers` (each with `decoupled` and `l2` lanes and their `difference`)
        and `step` (one step by hand and by the engine).
    """
    data = digits(settings.seed, ROWS, settings.wrong)
    found = _descents(data, settings.seed, progress) + _adam(data, settings.seed, progress)
    return {
        "lambdas": LAMBDAS,
        "epochs": EPOCHS,
        "edges": _EDGES,
        "optimizers": found,
        "step": _step(data, settings.seed, progress),
    }


# Keras's L2(c) adds cΣw², whose slope is 2cw: λ/2 stands for λ.
_STRENGTHS = [{"weight_decay": one, "l2": 0.0} for one in LAMBDAS] + [
    {"weight_decay": 0.0, "l2": one / 2} for one in LAMBDAS if one
]


def _descents(data: Digits, seed: int, progress: Progress) -> list[dict[str, Any]]:
    """Descent without momentum and with it, which are lanes of one program."""
    import keras

    kinds = [
        {"learning_rate": rate, "momentum": momentum}
        for (_, rate), momentum in zip(OPTIMIZERS[:2], (0.0, _MOMENTUM), strict=True)
    ]
    listed = [{**kind, **strength} for kind in kinds for strength in _STRENGTHS]
    path = _trained(
        keras.optimizers.SGD(OPTIMIZERS[1][1], momentum=_MOMENTUM), listed, data, seed, progress, (0.0, 0.6)
    )
    lanes = len(_STRENGTHS)
    return [_pair(path, place * lanes, name, rate, data) for place, (name, rate) in enumerate(OPTIMIZERS[:2])]


def _adam(data: Digits, seed: int, progress: Progress) -> list[dict[str, Any]]:
    """Its state is another, and so is its program."""
    import keras

    name, rate = OPTIMIZERS[2]
    path = _trained(keras.optimizers.Adam(rate), _STRENGTHS, data, seed, progress, (0.6, 0.9))
    return [_pair(path, 0, name, rate, data)]


def _trained(
    optimizer: Any,
    listed: list[dict[str, float]],
    data: Digits,
    seed: int,
    progress: Progress,
    share: tuple[float, float],
) -> Path:
    import ridgeway as rw

    return train(
        mlp(64, optimizer=optimizer, seed=seed),
        data.x,
        data.y,
        rw.Listed(listed),
        epochs=EPOCHS,
        batch_size=_BATCH,
        progress=progress,
        share=share,
        validation=(data.x_val, data.y_val),
        seed=seed,
    )


def _pair(path: Path, first: int, name: str, rate: float, data: Digits) -> dict[str, Any]:
    """What became of one optimizer's lanes, which begin at `first`: decay in the step, and in the loss."""
    count = len(LAMBDAS)
    decoupled = list(range(first, first + count))
    # Without decay the two are one lane.
    in_loss = [first, *range(first + count, first + 2 * count - 1)]
    table = path.table()
    kept = table.loc[table["best_epoch"].notna() & table["lane"].isin([*decoupled, *in_loss]), "lane"].tolist()
    logits = [dict(zip(kept, found, strict=True)) for found in predict(path, (data.x, data.x_val), kept)]
    return {
        "name": name,
        "learning_rate": rate,
        "decoupled": _lanes(path, decoupled, logits, data),
        "l2": _lanes(path, in_loss, logits, data),
        "difference": [
            max(float(np.abs(a - b).max()) for a, b in zip(_kernels(path, i), _kernels(path, j), strict=True))
            if path.lane(i)["epochs"] == path.lane(j)["epochs"] == EPOCHS
            else None
            for i, j in zip(decoupled, in_loss, strict=True)
        ],
    }


def _lanes(path: Path, lanes: list[int], logits: list[dict[int, np.ndarray]], data: Digits) -> dict[str, Any]:
    on_train, on_val = logits
    # A lane that diverged has no number to show.
    return {
        "train_nll": [float(metrics.nll(on_train[lane], data.y)) if lane in on_train else None for lane in lanes],
        "val_nll": [float(metrics.nll(on_val[lane], data.y_val)) if lane in on_val else None for lane in lanes],
        "val_accuracy": [
            float(metrics.accuracy(on_val[lane], data.y_val)) if lane in on_val else None for lane in lanes
        ],
        "norm": [float(path.lane(lane)["weight_norm"]) for lane in lanes],
        "curve": by_epoch(path, "val_nll", lanes),
        "loss_curve": by_epoch(path, "loss", lanes),
        "histogram": [_histogram(path, lane) if lane in on_val else None for lane in lanes],
    }


def _kernels(path: Path, lane: int) -> list[np.ndarray]:
    weights = path.lane_weights(lane, "last")
    return [np.asarray(value, np.float64) for value in weights.values() if value.ndim == 2]


def _histogram(path: Path, lane: int) -> np.ndarray:
    weights = np.concatenate([kernel.ravel() for kernel in _kernels(path, lane)])
    return np.histogram(np.clip(weights, _EDGES[0], _EDGES[-1]), _EDGES)[0]


def _step(data: Digits, seed: int, progress: Progress) -> dict[str, Any]:
    """One step on all rows at once, by the engine and by w(1 − ηλ) − η·∂L/∂w in NumPy."""
    import keras

    import ridgeway as rw

    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, name="output")])
    model.compile(keras.optimizers.SGD(_STEP_RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = np.asarray(model.layers[-1].kernel, np.float64)
    path = train(
        model,
        data.x,
        data.y,
        rw.Grid(weight_decay=LAMBDAS),
        epochs=1,
        batch_size=len(data.x),
        progress=progress,
        share=(0.9, 1.0),
        seed=seed,
    )
    slope = gradient(before, data.x, data.y)
    by_hand = hand_step(before, slope, _STEP_RATE, np.array(LAMBDAS))
    by_engine = np.stack([_kernels(path, lane)[0] for lane in range(len(LAMBDAS))])
    # Large weights, whose decay can be seen; one of either sign.
    order = np.argsort(before.ravel())
    chosen = [int(order[-1]), int(order[0]), int(order[-2])]
    return {
        "learning_rate": _STEP_RATE,
        "weights": [
            {
                "pixel": one // 10,
                "digit": one % 10,
                "before": before.ravel()[one],
                "gradient": slope.ravel()[one],
                "hand": by_hand.reshape(len(LAMBDAS), -1)[:, one],
                "engine": by_engine.reshape(len(LAMBDAS), -1)[:, one],
            }
            for one in chosen
        ],
        "difference": np.abs(by_hand - by_engine).reshape(len(LAMBDAS), -1).max(1),
    }


def gradient(kernel: np.ndarray, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Slope of the mean cross-entropy of a linear softmax model without intercepts, `(feature, class)`."""
    x = np.asarray(x, np.float64)
    error = np.exp(metrics.log_softmax(x @ kernel))
    error[np.arange(len(x)), labels] -= 1.0
    return x.T @ error / len(x)


def hand_step(kernel: np.ndarray, slope: np.ndarray, rate: float, lambdas: np.ndarray) -> np.ndarray:
    """w(1 − ηλ) − η·slope for each λ, λ axis first."""
    return kernel * (1.0 - rate * lambdas[:, None, None]) - rate * slope
