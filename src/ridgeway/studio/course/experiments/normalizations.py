"""Batch, layer, instance and group normalization: what is averaged together, on activations of a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.studio.course.experiments import metrics
from ridgeway.studio.course.experiments.data import Digits, digits
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.switches import Switches, normalization, switched
from ridgeway.studio.course.experiments.training import dense, predict, train

if TYPE_CHECKING:
    from ridgeway.path import Path

VERSION = 2
EPOCHS = 8
#: Samples, places (4 × 4) and channels of the cube.
SAMPLES, SIDE, CHANNELS, GROUPS = 6, 4, 6, 2
KINDS = ("batch", "layer", "instance", "group", "keras_layer")
#: Sizes of a batch whose statistics are compared.
SIZES = (1, 2, 4, 8, 16, 32, 64)
_DRAWS = 400
_TRAINED_SIZES = (2, 8, 64)
_TRAINED_EPOCHS = 12
_TRAINED_KINDS = ("none", "batch")
_BETWEEN = "between"
# All of those sizes divide it: a smaller last batch would be compiled as well.
_ROWS = 320


class Settings(ExperimentSettings):
    """Only the seed."""


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains a small convolutional network, takes its activations, and normalizes them by Keras's own layers.

    Returns:
        `cube` `[sample][place][channel]`; `kinds`: for each the set that every cell belongs to, the sets' means and
        spreads, and the normalized cube; `noise`: by batch size, how far batch statistics scatter; `accuracy`: by batch
        size, with and without batch normalization.
    """
    data = digits(settings.seed, _ROWS, validation=400)
    path = _convolution(data, settings.seed, progress)
    activations = _activations(path, data.x_val)
    cube = activations[:SAMPLES]
    return {
        "shape": [SAMPLES, SIDE, SIDE, CHANNELS],
        "groups": GROUPS,
        "cube": cube.reshape(SAMPLES, SIDE * SIDE, CHANNELS),
        "labels": data.y_val[:SAMPLES],
        "kinds": [normalized(kind, cube) for kind in KINDS],
        "noise": noise(activations, settings.seed),
        "accuracy": _accuracy(data, settings.seed, progress),
    }


def _images(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, 8, 8, 1)


def _convolution(data: Digits, seed: int, progress: Progress) -> Path:
    import keras

    import ridgeway as rw

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(CHANNELS, 3, strides=2, padding="same", name="convolution"),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            dense(10),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return train(
        model,
        _images(data.x),
        data.y,
        rw.Grid(weight_decay=[0.0]),
        epochs=EPOCHS,
        progress=progress,
        share=(0.0, 0.2),
        seed=seed,
    )


def _activations(path: Path, x: np.ndarray) -> np.ndarray:
    """What the convolution puts out, `(sample, 4, 4, channel)`: what a normalization behind it would see."""
    import keras

    model = path.model(0, "last")
    return np.asarray(keras.Model(model.inputs[0], model.get_layer("convolution").output)(_images(x)), np.float32)


def normalized(kind: str, cube: np.ndarray) -> dict[str, Any]:
    """A cube through Keras's layer of a kind, as it is in training.

    Args:
        kind: "batch", "layer" (all of a sample, as the lecture has it), "instance", "group", or "keras_layer" (what
            `LayerNormalization` does by default: the last axis only).
        cube: `(sample, height, width, channel)`.

    Returns:
        `kind`, `sets` (number of the set of each cell, `[sample][place][channel]`), `means` and `spreads` of the sets,
        and the normalized `cube`.
    """
    import jax
    import keras

    samples, height, width, channels = cube.shape
    sample, place, channel = np.meshgrid(
        np.arange(samples), np.arange(height * width), np.arange(channels), indexing="ij"
    )
    size = channels // GROUPS
    layer, sets = {
        "batch": lambda: (keras.layers.BatchNormalization(), channel),
        "layer": lambda: (keras.layers.GroupNormalization(groups=1), sample),
        "instance": lambda: (keras.layers.GroupNormalization(groups=-1), sample * channels + channel),
        "group": lambda: (keras.layers.GroupNormalization(groups=GROUPS), sample * GROUPS + channel // size),
        "keras_layer": lambda: (keras.layers.LayerNormalization(), sample * height * width + place),
    }[kind]()
    arguments = {"training": True} if kind == "batch" else {}
    layer.build(cube.shape)

    def call(given: Any) -> Any:
        return layer.stateless_call(layer.trainable_variables, layer.non_trainable_variables, given, **arguments)[0]

    # As one program: called plainly, each operation of the layer would be compiled for itself.
    out = np.asarray(jax.jit(call)(cube), np.float64).reshape(samples, height * width, channels)
    flat = np.asarray(cube, np.float64).reshape(samples, height * width, channels)
    members = [flat[sets == one] for one in range(int(sets.max()) + 1)]
    return {
        "kind": kind,
        "sets": sets,
        "means": [one.mean() for one in members],
        "spreads": [one.std() for one in members],
        "size": len(members[0]),
        "cube": out,
    }


def noise(activations: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """How the mean and spread of one channel at one place scatter over random batches of each size.

    Args:
        activations: `(sample, height, width, channel)`; the place in the middle and the first channel that varies are
            looked at, as the output of one dense unit would be.
        seed: of the batches.
    """
    middle = activations[:, activations.shape[1] // 2, activations.shape[2] // 2, :].astype(np.float64)
    values = middle[:, int(middle.std(0).argmax())]
    random = np.random.default_rng(seed)
    found = []
    for size in SIZES:
        batches = values[np.array([random.permutation(len(values))[:size] for _ in range(_DRAWS)])]
        means, spreads = batches.mean(1), batches.std(1)
        found.append(
            {
                "size": size,
                "means": means[:60],
                "scatter": means.std() / values.std(),
                "spread": spreads.mean() / values.std(),
                # A batch of one is its own mean: what is left is 0, whatever came in.
                "output_size": np.abs((batches - means[:, None]) / np.sqrt(spreads[:, None] ** 2 + 1e-3)).mean(),
            }
        )
    return found


def _accuracy(data: Digits, seed: int, progress: Progress) -> dict[str, Any]:
    import ridgeway as rw

    found = []
    for place, size in enumerate(_TRAINED_SIZES):
        path = train(
            _network(seed),
            data.x,
            data.y,
            rw.Listed([switched(_BETWEEN, kind, _TRAINED_KINDS) for kind in _TRAINED_KINDS]),
            epochs=_TRAINED_EPOCHS,
            batch_size=size,
            progress=progress,
            share=(0.2 + 0.26 * place, 0.46 + 0.26 * place),
            repeats=3,
            seed=seed,
        )
        # Without validation in each epoch there is less to compile.
        table = path.table()
        logits = predict(path, (data.x_val,), table["lane"].tolist())[0]
        accuracy, nll = metrics.accuracy(logits, data.y_val), metrics.nll(logits, data.y_val)
        normal = table[f"{_BETWEEN}.switches.batch"].to_numpy() == 1
        found.append(
            {
                "size": size,
                **{
                    kind: {"accuracy": accuracy[lanes], "nll": nll[lanes]}
                    for kind, lanes in zip(_TRAINED_KINDS, (~normal, normal), strict=True)
                },
            }
        )
    return {"epochs": _TRAINED_EPOCHS, "sizes": found}


def _network(seed: int) -> Any:
    """A network whose lanes may have batch normalization before their activation."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            dense(48),
            normalization(Switches(), _TRAINED_KINDS, name=_BETWEEN),
            keras.layers.ReLU(),
            dense(10),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return model
