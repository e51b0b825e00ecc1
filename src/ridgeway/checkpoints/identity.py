"""What must be the same for a run to go on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ridgeway.engine.queues import Group
from ridgeway.engine.slots import Rules

# Of the record: settings, the model, and the rows that are trained on.
_SETTINGS = (
    "hyperparameters", "metric", "mode", "repeats", "folds", "nested", "seed", "epochs", "batch_size", "shuffle",
    "class_weight", "decay", "data", "model", "probes", "halving", "versions",
)  # fmt: skip


def identity(
    about: Mapping[str, Any], groups: Sequence[Group], rules: Rules, rows: Mapping[str, str]
) -> dict[str, str]:
    """Digests, by the name of what they are of.

    Args:
        about: the record.
        groups: all lanes that are known when training begins.
        rules: what stops lanes, and what they keep.
        rows: digests of rows that the record has none of.
    """
    settings = {name: about.get(name) for name in _SETTINGS} | {"model": _nameless(about["model"])}
    found = {name: _digest(_plain(setting)) for name, setting in settings.items()}
    plans = [(plan.lane, plan.configuration, plan.repeat, plan.fold, plan.outer) for g in groups for plan in g.plans]
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
