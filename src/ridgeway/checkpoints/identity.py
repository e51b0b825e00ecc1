"""What must be the same for a run to go on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import keras
import numpy as np

from ridgeway.engine.queues import Group
from ridgeway.engine.slots import Rules
from ridgeway.keras_internals import all_layers

# What came later is told where it is used, so that what older versions began goes on.
_LATER = ("warm_start",)
# Of the record: settings, the model, and the rows that are trained on.
_SETTINGS = (
    "hyperparameters", "metric", "mode", "repeats", "folds", "nested", "seed", "epochs", "batch_size", "shuffle",
    "class_weight", "decay", "data", "model", "probes", "halving",
)  # fmt: skip
# Of what writes checkpoints and proposes, beside what the record names as that on which numbers depend.
_PACKAGES = ("ridgeway", "jaxlib", "orbax-checkpoint", "optuna")
_VERSION = " version"


def identity(
    about: Mapping[str, Any],
    groups: Sequence[Group],
    rules: Rules,
    rows: Mapping[str, str],
    models: Iterable[keras.Model],
    search: str | None,
) -> dict[str, str]:
    """Digests, by the name of what they are of.

    Args:
        about: the record.
        groups: all lanes that are known before a search proposes any.
        rules: what stops lanes, and what they keep.
        rows: digests of rows that the record has none of.
        models: the one that was given, or each that a function built.
        search: what proposes configurations, in words, or None.
    """
    used = [name for name in _LATER if about.get(name) is not None]
    settings = {name: about.get(name) for name in (*_SETTINGS, *used)} | {"model": _nameless(about["model"])}
    found = {name: _digest(_plain(setting)) for name, setting in settings.items()}
    plans = [(plan.lane, plan.configuration, plan.repeat, plan.fold, plan.outer) for g in groups for plan in g.plans]
    found["layers"] = _digest(_plain([_configured(model) for model in models]))
    found["search"] = _digest(_plain(search))
    found |= {f"{name}{_VERSION}": _digest(said) for name, said in _versions(about).items()}
    found["callbacks"] = _digest(repr(rules))
    found["configurations"] = _digest(_plain(plans))
    weights = hashlib.sha256()
    for group in groups:
        for state in group.job.initials:
            for value in [*state.trainable, *state.non_trainable]:
                weights.update(np.ascontiguousarray(value).tobytes())
    found["starting weights"] = weights.hexdigest()
    return found | {name: digest for name, digest in rows.items()}


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of what is not the same."""
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def comparable(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether one version of ridgeway made both: what another one digests may be put together otherwise."""
    name = f"ridgeway{_VERSION}"
    return before.get(name) == now.get(name)


def without_versions(same: Mapping[str, str]) -> dict[str, str]:
    """What does not concern versions: a run that is finished is read by any."""
    return {name: digest for name, digest in same.items() if not name.endswith(_VERSION)}


def _versions(about: Mapping[str, Any]) -> dict[str, str]:
    return {**about["versions"], **{name: version(name) for name in _PACKAGES}}


def _configured(model: keras.Model) -> list[Any]:
    """All that a model's layers were made with, without the names that Keras counts up in a process.

    A class of the user's own may have no configuration: then there are those of the layers in it.
    """
    layers = all_layers(model)
    names = {layer.name: f"layer {place}" for place, layer in reversed(list(enumerate(layers)))}
    return [_renamed(_config(layer), names) for layer in layers]


def _config(layer: Any) -> Any:
    try:
        return layer.get_config()
    except Exception:  # whatever a class of the user's own makes of it
        return type(layer).__name__


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(inner, names) for inner in value]
    if isinstance(value, str):
        return names.get(value, value)
    if value is None or isinstance(value, bool | int | float):
        return value
    # The words of other objects may tell where they lie in memory.
    return value.tolist() if hasattr(value, "tolist") else type(value).__name__


def _nameless(model: Any) -> Any:
    """Keras numbers the names that it gives by what a process has built before."""
    optimizer = {**model["optimizer_config"], "name": None}
    layers = [{**layer, "name": None} for layer in model["layers"]]
    return {**model, "name": None, "layers": layers, "optimizer_config": optimizer}


def _plain(value: Any) -> str:
    # NumPy's numbers are numbers; what else JSON does not know is told by its words.
    return json.dumps(value, sort_keys=True, default=lambda one: one.item() if hasattr(one, "item") else str(one))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
