"""What each layer takes and what each activation is given, while a model's call is traced."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import keras

from ridgeway.hyperparameters import swapped
from ridgeway.hyperparameters.kernels import is_kernel
from ridgeway.keras_internals import Swap, all_layers, computed, looped_layers

_DROPPING = (keras.layers.Dropout, keras.layers.GaussianDropout, keras.layers.AlphaDropout, keras.layers.GaussianNoise)
# Activations that look at several units at once have no slope of their own for each.
_NOT_ELEMENTWISE = {"softmax", "log_softmax", "glu", "linear", "sparsemax"}


def weighted_layers(model: keras.Model) -> list[tuple[Any, list[Any]]]:
    """The layers that hold kernels, in the model's order, each with these.

    Recurrent layers and `TimeDistributed` stand for what they run within their loop over time.
    """
    layers = all_layers(model)
    looped = {id(inner) for layer in layers for inner in looped_layers(layer)}
    pairs = [
        (layer, [variable for part in [layer, *looped_layers(layer)] for variable in part._trainable_variables])
        for layer in layers
        if id(layer) not in looped
    ]
    kernels = [(layer, list(filter(is_kernel, variables))) for layer, variables in pairs]
    return [(layer, own) for layer, own in kernels if own]


@dataclass
class Captured:
    """Arrays of one call, by layer name.

    Attributes:
        inputs: what each weighted layer takes, `(row, ..., feature)`, of its first call.
        slopes: the slope of each activation where it stands, over its greatest, `(row, ..., unit)`.
    """

    inputs: dict[str, jax.Array] = field(default_factory=dict)
    slopes: dict[str, jax.Array] = field(default_factory=dict)


@contextlib.contextmanager
def capturing(model: keras.Model) -> Iterator[Captured]:
    """Captures what passes through a model's layers in the block, dropout and noise left out.

    Without dropout what moves is the distribution, not the draw.
    """
    captured = Captured()
    swaps: list[Swap] = []
    for layer, _ in weighted_layers(model):
        swaps.append((layer, "call", _noting_inputs(layer, captured)))
    # What a loop over time holds can't be taken out of it.
    looped = {id(inner) for layer in all_layers(model) for inner in looped_layers(layer)}
    for layer in all_layers(model):
        if isinstance(layer, _DROPPING):
            swaps.append((layer, "call", _still(layer)))
        if id(layer) in looped or computed(layer, "activation"):
            continue
        activation = getattr(layer, "activation", None)
        if callable(activation) and getattr(activation, "__name__", "linear") not in _NOT_ELEMENTWISE:
            swaps.append((layer, "activation", _noting_slopes(layer.name, activation, captured)))
        elif isinstance(layer, keras.layers.ReLU | keras.layers.LeakyReLU | keras.layers.ELU):
            swaps.append((layer, "call", _noting_slopes(layer.name, layer.call, captured)))
    with swapped(swaps):
        yield captured


def _noting_inputs(layer: Any, captured: Captured) -> Callable[..., Any]:
    original = layer.call

    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        captured.inputs.setdefault(layer.name, jnp.asarray(jax.tree.leaves(inputs)[0]))
        return original(inputs, *arguments, **keywords)

    return call


def _still(layer: Any) -> Callable[..., Any]:
    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        return inputs

    return call


def _noting_slopes(name: str, activation: Callable[[Any], Any], captured: Captured) -> Callable[..., Any]:
    def call(values: Any) -> Any:
        greatest = _greatest_slope(activation).astype(values.dtype)
        result, slope = jax.jvp(lambda z: jnp.asarray(activation(z)), (values,), (jnp.ones_like(values),))
        captured.slopes.setdefault(name, jnp.abs(slope) / greatest)
        return result

    return call


def _greatest_slope(activation: Callable[[Any], Any]) -> jax.Array:
    """Over a range beyond which the usual activations only flatten."""
    grid = jnp.linspace(-8.0, 8.0, 1601)
    greatest = jnp.max(jnp.abs(jax.jvp(lambda z: jnp.asarray(activation(z)), (grid,), (jnp.ones_like(grid),))[1]))
    return jnp.where(greatest > 0, greatest, 1.0)
