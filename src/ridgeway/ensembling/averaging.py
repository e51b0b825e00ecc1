"""What the mean of several models' outputs is: of probabilities where they are classes, of values else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ridgeway.keras_internals import CompiledLoss, losses_of_outputs

# What is below can't be told from 0 in float32, whose logarithm would be infinite.
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Averaging:
    """The mean of outputs, leaf by leaf.

    Logits are no scale on which votes can be counted: their mean follows whoever is most sure. They are turned into
    probabilities, and the mean of these back into logits, so that the model's loss and metrics stay right.

    Attributes:
        kinds: for each output "softmax" (logits of classes), "sigmoid" (logits of yes and no) or "plain".
    """

    kinds: tuple[str, ...]

    @classmethod
    def of(cls, model: keras.Model, outputs: Any) -> Averaging:
        """Reads from a compiled model's losses what its outputs, arrays or symbolic tensors, are."""
        return cls(tuple(map(_kind, losses_of_outputs(model, outputs))))

    def into(self, outputs: Any) -> list[Any]:
        """The outputs on the scale on which they are averaged: a list of arrays."""
        scales = {"softmax": jax.nn.softmax, "sigmoid": jax.nn.sigmoid, "plain": lambda value: value}
        return [scales[kind](leaf) for kind, leaf in zip(self.kinds, keras.tree.flatten(outputs), strict=True)]

    def back(self, means: Sequence[Any], like: Any) -> Any:
        """Means as outputs again, in the structure of `like`."""
        scales = {
            "softmax": lambda mean: jnp.log(jnp.maximum(mean, _TINY)),
            "sigmoid": lambda mean: jnp.log(jnp.maximum(mean, _TINY)) - jnp.log(jnp.maximum(1 - mean, _TINY)),
            "plain": lambda mean: mean,
        }
        leaves = [scales[kind](mean) for kind, mean in zip(self.kinds, means, strict=True)]
        return keras.tree.pack_sequence_as(like, leaves)

    def merge(self, outputs: Mapping[int, Any], counts: Mapping[int, int], names: Sequence[str]) -> Any:
        """The same with stock layers of Keras, which save and load anywhere.

        Args:
            outputs: symbolic outputs by lane.
            counts: how often each counts.
            names: of the layers that give the means.
        """
        flat = {lane: keras.tree.flatten(given) for lane, given in outputs.items()}
        merged = [
            _MERGES[kind]({lane: leaves[place] for lane, leaves in flat.items()}, counts, name)
            for place, (kind, name) in enumerate(zip(self.kinds, names, strict=True))
        ]
        return keras.tree.pack_sequence_as(next(iter(outputs.values())), merged)


def _kind(loss: CompiledLoss | None) -> str:
    name = "" if loss is None else loss.name.lower().replace("_", "")
    if loss is None or not name.endswith("crossentropy") or not loss.keywords.get("from_logits", False):
        return "plain"
    return "sigmoid" if name.startswith("binary") else "softmax"


def _mean(outputs: Mapping[int, Any], counts: Mapping[int, int], name: str) -> Any:
    repeated = [output for lane, output in outputs.items() for _ in range(counts[lane])]
    return keras.layers.Average(name=name)(repeated)


def _log_mean(logs: Mapping[int, Any], counts: Mapping[int, int]) -> Any:
    """The logarithm of the mean of what is given by its logarithm."""
    total = sum(counts[lane] for lane in logs)
    weighted = [log + math.log(counts[lane] / total) for lane, log in logs.items()]
    return keras.ops.logsumexp(keras.ops.stack(weighted), axis=0)


def _softmax_mean(outputs: Mapping[int, Any], counts: Mapping[int, int], name: str) -> Any:
    logs = {lane: keras.ops.log_softmax(output) for lane, output in outputs.items()}
    return keras.layers.Identity(name=name)(_log_mean(logs, counts))


def _sigmoid_mean(outputs: Mapping[int, Any], counts: Mapping[int, int], name: str) -> Any:
    yes = _log_mean({lane: keras.ops.log_sigmoid(output) for lane, output in outputs.items()}, counts)
    no = _log_mean({lane: keras.ops.log_sigmoid(-output) for lane, output in outputs.items()}, counts)
    return keras.layers.Identity(name=name)(yes - no)


_MERGES = {"plain": _mean, "softmax": _softmax_mean, "sigmoid": _sigmoid_mean}
