"""What was run, as it stands in `run.json`."""

from __future__ import annotations

import datetime
import platform
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import jax
import keras
import numpy as np

from ridgeway.data import Folds
from ridgeway.engine.step import BoundHyperparameter
from ridgeway.families import Family
from ridgeway.hyperparameters import is_argument, named
from ridgeway.keras_internals import compiled_losses, inner_optimizer
from ridgeway.schema import SCHEMA
from ridgeway.structures import Variants, arguments_of, key_of


def begun() -> dict[str, Any]:
    """Identity, time and versions."""
    return {
        "schema": SCHEMA,
        "id": uuid.uuid4().hex,
        "ridgeway": version("ridgeway"),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "device": f"{jax.local_devices()[0].platform}",
    }


def versions() -> dict[str, str]:
    """What numbers depend on beside ridgeway itself."""
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
    }


def of_hyperparameters(
    values: Mapping[str, Sequence[float | str]], bound: Sequence[BoundHyperparameter], defaults: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """For each hyperparameter its values, their order by strength, whether it regularizes, the model's own value.

    Args:
        values: the family's.
        bound: those that are bound to the model.
        defaults: of the arguments of the function that builds it.
    """
    bases: dict[str, Any] = {item.name: item.binding.base for item in bound}
    bases |= {name: defaults.get(name) if _plain(defaults.get(name)) else None for name in filter(is_argument, values)}
    return {
        name: {
            "values": list(given),
            "order": named(name).order(given),
            "regularizes": named(name).regularizes,
            "base": bases[name] if name in bases else named(name).check(None),
        }
        for name, given in values.items()
    }


def of_repeats(family: Family, repeats: int) -> list[dict[str, Any]] | None:
    """The numbers of each configuration's repeats; None where all have the same, `range(repeats)`."""
    own = [
        {"configuration": configuration, "repeats": list(family.repeats_of(number, repeats))}
        for number, configuration in enumerate(family.configurations())
    ]
    return None if all(one["repeats"] == list(range(repeats)) for one in own) else own


def of_folds(folds: Folds) -> dict[str, Any]:
    """How many rows each fold trains on and holds out, and what folds have in common (see `Folds`)."""
    return {
        "splitter": folds.name,
        "rows": list(map(len, folds.train)),
        "validation_rows": list(map(len, folds.held_out)),
        "units": list(folds.units),
        "shared": folds.shared,
    }


def of_structures(
    variants: Variants, configurations: Iterable[Mapping[str, Any]], logs: Sequence[str]
) -> list[dict[str, Any]]:
    """The models that the user's function built, in the order in which they first come.

    Args:
        variants: the models.
        configurations: of the lanes.
        logs: names of the logs that an epoch gives.

    Returns:
        For each combination of the function's arguments `arguments`, `file` (of the run's directory) and `model`, as
        `of_model` gives it; nothing where a model was given.
    """
    every = {key_of(arguments): arguments for arguments in map(arguments_of, configurations) if arguments}
    return [
        {
            "arguments": arguments,
            "file": f"structures/{number}.keras",
            "model": of_model(variants.given(arguments), logs),
        }
        for number, arguments in enumerate(every.values())
    ]


def of_model(model: keras.Model, logs: Sequence[str]) -> dict[str, Any]:
    """What the report and the Keras code in it need to know of the model.

    Args:
        model: compiled and built model.
        logs: names of the logs that an epoch gives.
    """
    optimizer = inner_optimizer(model)
    losses = compiled_losses(model)
    return {
        "name": model.name,
        "class": type(model).__name__,
        "parameters": int(model.count_params()),
        "layers": [
            {"name": layer.name, "class": type(layer).__name__, "config_line": _line(layer)} for layer in model.layers
        ],
        "optimizer": type(optimizer).__name__,
        "optimizer_config": {
            key: value
            for key, value in optimizer.get_config().items()
            if value is not None and (_plain(value) or key == "learning_rate")
        },
        "loss": ", ".join(loss.name for loss in losses) or "none",
        "loss_config": {key: value for loss in losses for key, value in loss.keywords.items() if _plain(value)},
        "metrics": [name for name in logs if name != "loss" and not name.startswith("val_")],
    }


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) or value is None


def _line(layer: Any) -> str:
    """The layer as one writes it, with the numbers that matter: `Dense(64, activation='relu')`."""
    try:
        config = layer.get_config()
    except NotImplementedError:
        return f"{type(layer).__name__}(...)"
    shown = []
    for key in ("units", "filters", "kernel_size", "pool_size", "rate", "scale", "target_shape"):
        if key in config:
            shown.append(f"{config[key]!r}")
    if config.get("activation") not in (None, "linear") and isinstance(config.get("activation"), str):
        shown.append(f"activation={config['activation']!r}")
    return f"{type(layer).__name__}({', '.join(shown)})"
