"""`ridgeway.fit_path` as the experiments call it."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.studio.course.experiments.settings import Progress

if TYPE_CHECKING:
    import keras

    from ridgeway.families import Family
    from ridgeway.path import Path

# Lanes side by side where a family has more; only the progress bar goes by it.
_SIDE_BY_SIDE = 32


def mlp(
    width: int = 64,
    classes: int = 10,
    inputs: int = 64,
    *,
    dropout: bool = False,
    optimizer: Any = None,
    seed: int = 0,
    smooth: bool = False,
) -> keras.Model:
    """A network with one hidden layer, compiled.

    Args:
        width: hidden units.
        classes: outputs, logits.
        inputs: features.
        dropout: whether a dropout layer stands behind the hidden one.
        optimizer: SGD with learning rate 0.02 and momentum 0.9 if None.
        seed: of the starting weights.
        smooth: whether the loss takes one-hot labels, as Keras's label smoothing needs.
    """
    import keras

    keras.utils.set_random_seed(seed)
    layers: list[Any] = [keras.Input((inputs,)), dense(width, activation="relu", name="hidden")]
    if dropout:
        layers.append(keras.layers.Dropout(0.0, name="dropout"))
    model = keras.Sequential([*layers, dense(classes, name="output")])
    kind = keras.losses.CategoricalCrossentropy if smooth else keras.losses.SparseCategoricalCrossentropy
    model.compile(optimizer or keras.optimizers.SGD(0.02, momentum=0.9), kind(from_logits=True), metrics=["accuracy"])
    return model


def dense(units: int, **arguments: Any) -> keras.layers.Dense:
    """A dense layer with Keras's Glorot uniform starting weights, drawn by NumPy.

    Keras's own draw is compiled anew for each shape, which takes half a second of a first training.

    Args:
        units: of the layer.
        **arguments: further ones of `keras.layers.Dense`.
    """
    import keras

    class Glorot(keras.initializers.Initializer):
        """As `keras.initializers.GlorotUniform`."""

        def __init__(self, seed: int | None = None) -> None:
            self.seed = random.randrange(2**31) if seed is None else seed

        def __call__(self, shape: Any, dtype: Any = None, **more: Any) -> np.ndarray:
            limit = np.sqrt(6.0 / (shape[0] + shape[1]))
            drawn = np.random.default_rng(self.seed).uniform(-limit, limit, tuple(shape))
            return drawn.astype(dtype or "float32")

        def get_config(self) -> dict[str, Any]:
            return {"seed": self.seed}

    return keras.layers.Dense(units, kernel_initializer=Glorot(), **arguments)


def train(
    model: Any,
    x: np.ndarray,
    y: np.ndarray,
    family: Family,
    *,
    epochs: int,
    progress: Progress,
    share: tuple[float, float] = (0.0, 1.0),
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    keep: str = "last",
    **arguments: Any,
) -> Path:
    """Trains a family.

    Args:
        model: compiled, or a function that builds it.
        x: training rows.
        y: their labels.
        family: the lanes.
        epochs: most epochs of a lane.
        progress: told how far it is.
        share: part of the whole experiment's work that this training is, from and to.
        validation: rows to judge on after each epoch. None: lanes keep their last epoch.
        keep: the epoch whose weights a lane keeps, "best" by validation loss or "last".
        **arguments: further ones of `fit_path`. Without a `batch_size` batches are equally large, if they can be.
    """
    import keras

    import ridgeway as rw

    if "cv" not in arguments:
        arguments.setdefault("batch_size", equal_batches(len(x)))
    repeats = arguments.get("repeats", 1)
    rounds = epochs * max(1, -(-len(family.configurations()) * repeats // _SIDE_BY_SIDE))
    callbacks: list[Any] = [*arguments.pop("callbacks", ()), _listener(progress, share, rounds)]
    if validation is not None:
        arguments["validation_data"] = validation
    if keep == "last" and (validation is not None or "cv" in arguments):
        # A rule that looks at the last epoch only keeps the last.
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=epochs, start_from_epoch=epochs - 1, restore_best_weights=True
            )
        )
    with warnings.catch_warnings():
        # Without validation rows the last epoch is kept, which is what is asked for.
        warnings.filterwarnings("ignore", message="No validation data")
        path = rw.fit_path(model, x, y, family, epochs=epochs, verbose=0, callbacks=callbacks, slots=None, **arguments)
    progress(share[1])
    return path


def equal_batches(rows: int) -> int:
    """A batch size of 24 to 32 that divides the rows, else 32: a smaller last batch would be compiled as well."""
    return next((size for size in range(32, 23, -1) if rows % size == 0), 32)


def predict(path: Path, parts: Sequence[np.ndarray], lanes: Sequence[int] | None = None) -> list[np.ndarray]:
    """Predictions of lanes on several sets of rows at once: `(lane, row, class)` for each set.

    Args:
        path: the path.
        parts: sets of rows.
        lanes: their numbers; all that kept an epoch if None.
    """
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(path.predict(np.concatenate(parts), lanes), ends, axis=1)


def repeated(copies: int, rows: np.ndarray) -> np.ndarray:
    """Rows so many times over: with `shuffle=False` and one copy a batch, an epoch is so many steps on all rows."""
    return np.concatenate([rows] * copies)


def by_epoch(path: Path, log: str, lanes: Sequence[int] | None = None) -> np.ndarray:
    """A log of lanes that trained equally long, `(lane, epoch)`; NaN where a lane has ended."""
    table = path.history().pivot(index="lane", columns="epoch", values=log)
    return table.to_numpy(float) if lanes is None else table.loc[list(lanes)].to_numpy(float)


def _listener(progress: Progress, share: tuple[float, float], rounds: int) -> Any:
    import keras

    class Listener(keras.callbacks.Callback):
        """Counts rounds."""

        count = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.count += 1
            progress(share[0] + (share[1] - share[0]) * min(0.98, self.count / rounds))

    return Listener()
