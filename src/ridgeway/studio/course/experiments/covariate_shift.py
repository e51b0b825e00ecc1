"""Covariate shift: each layer's inputs over epochs, with batch normalization and without; which rates train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.studio.course.experiments import switches
from ridgeway.studio.course.experiments.data import digits
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.training import dense, train

if TYPE_CHECKING:
    from ridgeway.path import Path

VERSION = 3
ROWS = 300
EPOCHS = 8
#: Without normalization, with batch normalization, and with noise put in behind it (Santurkar et al. 2018).
KINDS = ("none", "batch", "noisy")
HIDDEN = 3
WIDTH = 32
_RATE = 0.1
# Of the noise: a unit's output is shifted by up to a half and stretched by up to a quarter, either way.
_SHIFT, _STRETCH = 0.5, 0.25
#: Learning rates of the ladder.
LADDER = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# A network that gets half of the validation rows right has learned something: chance is a tenth.
_TRAINS = 0.5
_EDGES = np.linspace(-4.0, 4.0, 33)
# Units whose output is this far out in the sigmoid have a slope below 0.045.
_SATURATED = 3.0


class Settings(ExperimentSettings):
    """Only the seed."""


@dataclass
class Switches(switches.Switches):
    """What stands between the layers, and which activation: numbers, which lanes may differ in.

    Attributes:
        noisy: 1 where noise is put in behind the normalization.
        relu: 1 where the activation is a ReLU, 0 where it is a sigmoid.
    """

    noisy: float = 0.0
    relu: float = 0.0


# All hidden layers share one object, so that what is set by the name of the first is set for all.
_BATCH, _NOISY, _RELU = (f"normalization_0.switches.{name}" for name in ("batch", "noisy", "relu"))


def switched(kind: str, activation: str) -> dict[str, float]:
    """A kind and an activation as the values of hyperparameters.

    Args:
        kind: of `KINDS`.
        activation: "sigmoid" or "relu".
    """
    return {_BATCH: float(kind != "none"), _NOISY: float(kind == "noisy"), _RELU: float(activation == "relu")}


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains a deep sigmoid network for 1, 2, …, 8 epochs as lanes, and a ladder of learning rates.

    Returns:
        `kinds`: for each, by layer and epoch, the `histogram`, `mean` and `spread` of what goes into the sigmoid and
        the share that is `saturated`; `accuracy` by epoch; `ladder`: by activation, kind and learning rate.
    """
    import ridgeway as rw

    data = digits(settings.seed, ROWS)
    # One path for both views.
    listed: list[dict[str, Any]] = [
        {**switched(kind, "sigmoid"), "learning_rate": _RATE, "max_epochs": epochs}
        for kind in KINDS
        for epochs in range(1, EPOCHS + 1)
    ]
    listed += [
        {**switched(kind, activation), "learning_rate": rate, "max_epochs": EPOCHS}
        for activation in ("sigmoid", "relu")
        for kind in ("none", "batch")
        for rate in LADDER
        if (activation, rate) != ("sigmoid", _RATE)
    ]
    path = train(
        network(settings.seed),
        data.x,
        data.y,
        rw.Listed(listed),
        epochs=EPOCHS,
        validation=(data.x_val, data.y_val),
        keep="best",
        progress=progress,
        share=(0.0, 0.95),
        seed=settings.seed,
        probes=["saturation", "gradients"],
        # What "auto" chooses for nets this small, without a timed trial.
        executor="vmap",
    )
    return {
        "epochs": EPOCHS,
        "edges": _EDGES,
        "learning_rate": _RATE,
        "kinds": [_moments(path, kind, data.x, settings.seed) for kind in KINDS],
        "ladder": _ladder(path),
    }


def network(seed: int) -> Any:
    """The network, compiled; its `Switches` say what stands between layer and activation."""
    import keras

    keras.utils.set_random_seed(seed)
    shared = Switches()
    layers: list[Any] = [keras.Input((64,))]
    for number in range(HIDDEN):
        layers.append(dense(WIDTH, name=f"hidden_{number}"))
        layers.append(switches.normalization(shared, ("batch",), name=f"normalization_{number}"))
        layers.append(_activation_class()(shared, seed + number, name=f"activation_{number}"))
    model = keras.Sequential([*layers, dense(10, name="output")])
    model.compile(
        keras.optimizers.SGD(_RATE, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


@cache
def _activation_class() -> Any:
    import keras
    from keras import ops

    class SwitchedActivation(keras.layers.Layer):
        """Shifts and stretches every unit anew in each batch, where noise is on; then the sigmoid or the ReLU."""

        def __init__(self, given: Switches, seed: int, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.switches = given
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any, training: bool = False) -> Any:
            """In prediction nothing is shifted: the noise is that of training."""
            if not training:
                return self.activation(inputs)
            drawn = keras.random.uniform((2, 1, inputs.shape[-1]), -1.0, 1.0, seed=self.generator)
            stretch, shift = (self.switches.noisy * part for part in (_STRETCH * drawn[0], _SHIFT * drawn[1]))
            return self.activation(inputs * (1.0 + stretch) + shift)

        def activation(self, values: Any) -> Any:
            """A method of this name is what the probe of saturation looks at."""
            return ops.where(switches.on(self.switches.relu), ops.relu(values), ops.sigmoid(values))

    return SwitchedActivation


def inside(
    weights: Mapping[str, np.ndarray], kind: str, x: np.ndarray, random: np.random.Generator
) -> list[np.ndarray]:
    """What goes into the sigmoid of each hidden layer in training, that is with the statistics of the batch.

    By NumPy: a call of Keras's for each of the lanes would be compiled first.

    Args:
        weights: the network's, by variable path.
        kind: of `KINDS`.
        x: a batch of rows.
        random: draws the noise.

    Returns:
        For each hidden layer `(row, unit)`.
    """
    weights = {"/".join(name.split("/")[1:]): value for name, value in weights.items()}
    found, given = [], x.astype(np.float64)
    for number in range(HIDDEN):
        values = given @ weights[f"hidden_{number}/kernel"] + weights[f"hidden_{number}/bias"]
        if kind != "none":
            own = f"normalization_{number}/batch"
            values = (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-3)
            values = values * weights[f"{own}/gamma"] + weights[f"{own}/beta"]
        if kind == "noisy":
            shift, stretch = random.uniform(-_SHIFT, _SHIFT, WIDTH), random.uniform(-_STRETCH, _STRETCH, WIDTH)
            values = values * (1.0 + stretch) + shift
        found.append(values)
        given = 1.0 / (1.0 + np.exp(-values))
    return found


def _moments(path: Path, kind: str, x: np.ndarray, seed: int) -> dict[str, Any]:
    chosen = _lanes(path, kind, "sigmoid")
    lanes = chosen[chosen["learning_rate"] == _RATE].sort_values("max_epochs")["lane"].tolist()
    random = np.random.default_rng(seed)
    rows: list[list[dict[str, Any]]] = [[] for _ in range(HIDDEN)]
    for lane in lanes:
        for layer, values in enumerate(inside(path.lane_weights(lane, "last"), kind, x, random)):
            rows[layer].append(
                {
                    "histogram": np.histogram(np.clip(values, _EDGES[0], _EDGES[-1]), _EDGES)[0],
                    "mean": values.mean(),
                    "spread": values.std(),
                    "unit_means": values.mean(0)[:8],
                    "saturated": (np.abs(values) > _SATURATED).mean(),
                }
            )
    return {"kind": kind, "layers": rows, "accuracy": _last(path, lanes, "val_accuracy")}


def _lanes(path: Path, kind: str, activation: str) -> Any:
    """The rows of the path's table of one kind with one activation."""
    table = path.table()
    for name, value in switched(kind, activation).items():
        table = table[table[name] == value]
    return table


def _last(path: Path, lanes: list[int], log: str) -> list[float]:
    """A log at the last epoch of each lane."""
    history = path.history()
    return [float(history.loc[history["lane"] == lane, log].iloc[-1]) for lane in lanes]


def _ladder(path: Path) -> dict[str, Any]:
    probes = path.probes()
    first = probes[probes["epoch"] == probes["epoch"].min()]
    found = []
    for activation in ("sigmoid", "relu"):
        for kind in ("none", "batch"):
            chosen = _lanes(path, kind, activation)
            chosen = chosen[chosen["max_epochs"] == EPOCHS].sort_values("learning_rate")
            lanes = chosen["lane"].tolist()
            found.append(
                {
                    "activation": activation,
                    "kind": kind,
                    "accuracy": _last(path, lanes, "val_accuracy"),
                    "diverged": (chosen["stopped"] == "diverged").to_numpy(),
                    "gradients": _by_layer(first, lanes, "gradient_norm"),
                    "saturation": _by_layer(probes, lanes, "saturation"),
                }
            )
    return {"rates": LADDER, "trains": _TRAINS, "epochs": EPOCHS, "nets": found}


def _by_layer(probes: Any, lanes: list[int], probe: str) -> list[dict[str, float]]:
    """The last measured value of each layer, by lane."""
    rows = probes[probes["probe"] == probe]
    return [
        {
            str(layer): float(values["value"].iloc[-1])
            for layer, values in rows[rows["lane"] == lane].groupby("layer", sort=False)
        }
        for lane in lanes
    ]
