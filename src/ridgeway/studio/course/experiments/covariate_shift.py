"""Covariate shift: each layer's inputs over epochs, with batch normalization and without; which rates train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.studio.course.experiments.data import Digits, digits
from ridgeway.studio.course.experiments.settings import ExperimentSettings, Progress
from ridgeway.studio.course.experiments.training import train

if TYPE_CHECKING:
    from ridgeway.path import Path

VERSION = 2
ROWS = 300
EPOCHS = 8
#: Without normalization, with batch normalization, and with noise put in behind it (Santurkar et al. 2018).
KINDS = ("none", "batch", "noisy")
HIDDEN = 3
WIDTH = 32
_RATE = 0.1
#: Learning rates of the ladder.
LADDER = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# A network that gets half of the validation rows right has learned something: chance is a tenth.
_TRAINS = 0.5
_EDGES = np.linspace(-4.0, 4.0, 33)
# Units whose output is this far out in the sigmoid have a slope below 0.045.
_SATURATED = 3.0


class Settings(ExperimentSettings):
    """Only the seed."""


def compute(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Trains a deep sigmoid network for 1, 2, …, 8 epochs as lanes, and a ladder of learning rates.

    Returns:
        `kinds`: for each, by layer and epoch, the `histogram`, `mean` and `spread` of what goes into the sigmoid and
        the share that is `saturated`; `accuracy` by epoch; `ladder`: by activation, kind and learning rate.
    """
    import ridgeway as rw

    data = digits(settings.seed, ROWS)
    # One path for both views, so that each structure is compiled once.
    still = {"activation": "sigmoid", "learning_rate": _RATE}
    listed: list[dict[str, Any]] = [
        {**still, "between": kind, "max_epochs": epochs} for kind in KINDS for epochs in range(1, EPOCHS + 1)
    ]
    listed += [
        {"activation": activation, "learning_rate": rate, "between": kind, "max_epochs": EPOCHS}
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
        share=(0.0, 0.85),
        seed=settings.seed,
        probes=["saturation", "gradients"],
        # What "auto" chooses for nets this small, without a timed trial of each of the five structures.
        executor="vmap",
    )
    kinds = []
    for place, kind in enumerate(KINDS):
        kinds.append(_moments(path, kind, data))
        progress(0.85 + 0.05 * (place + 1))
    return {
        "epochs": EPOCHS,
        "edges": _EDGES,
        "learning_rate": _RATE,
        "kinds": kinds,
        "ladder": _ladder(path),
    }


def network(seed: int) -> Any:
    """A function that builds the network, of what stands between its layers and the activation."""

    def built(between: str, activation: str) -> Any:
        import keras

        keras.utils.set_random_seed(seed)
        layers: list[Any] = [keras.Input((64,))]
        for number in range(HIDDEN):
            layers.append(keras.layers.Dense(WIDTH, name=f"hidden_{number}"))
            if between != "none":
                layers.append(keras.layers.BatchNormalization(momentum=0.9, name=f"normal_{number}"))
            if between == "noisy":
                layers.append(_noise_layer()(name=f"noise_{number}", seed=seed + number))
            layers.append(keras.layers.Activation(activation, name=f"activation_{number}"))
        model = keras.Sequential([*layers, keras.layers.Dense(10, name="output")])
        model.compile(
            keras.optimizers.SGD(_RATE, momentum=0.9),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model

    return built


def _noise_layer() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="ridgeway.course")
    class BatchNoise(keras.layers.Layer):
        """Shifts and stretches every unit by random numbers of its own, anew in each batch."""

        def __init__(self, seed: int = 0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.seed = seed
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any, training: bool = False) -> Any:
            """In prediction nothing is shifted: the noise is that of training."""
            if not training:
                return inputs
            shape = (1, inputs.shape[-1])
            shift = keras.random.uniform(shape, -0.5, 0.5, seed=self.generator)
            stretch = keras.random.uniform(shape, 0.75, 1.25, seed=self.generator)
            return inputs * stretch + shift

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "seed": self.seed}

    return BatchNoise


def _moments(path: Path, kind: str, data: Digits) -> dict[str, Any]:
    import keras

    table = path.table()
    chosen = table[(table["between"] == kind) & (table["activation"] == "sigmoid") & (table["learning_rate"] == _RATE)]
    lanes = chosen.sort_values("max_epochs")["lane"].tolist()
    model = keras.models.clone_model(path.structure(lanes[0]))
    ins = [model.get_layer(f"activation_{number}").input for number in range(HIDDEN)]
    look = keras.Model(model.inputs[0], [*ins, model.outputs[0]])
    rows: list[list[dict[str, Any]]] = [[] for _ in range(HIDDEN)]
    for lane in lanes:
        model.set_weights(list(path.lane_weights(lane, "last").values()))
        # In training, that is with the statistics of the batch, as the next layer gets its input while it learns.
        for layer, given in enumerate(look(data.x, training=True)[:-1]):
            values = np.asarray(given, np.float64)
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


def _last(path: Path, lanes: list[int], log: str) -> list[float]:
    """A log at the last epoch of each lane."""
    history = path.history()
    return [float(history.loc[history["lane"] == lane, log].iloc[-1]) for lane in lanes]


def _ladder(path: Path) -> dict[str, Any]:
    table, probes = path.table(), path.probes()
    first = probes[probes["epoch"] == probes["epoch"].min()]
    found = []
    for activation in ("sigmoid", "relu"):
        for kind in ("none", "batch"):
            chosen = table[
                (table["activation"] == activation) & (table["between"] == kind) & (table["max_epochs"] == EPOCHS)
            ].sort_values("learning_rate")
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
