"""Where a model's first weights take its input, and how to change it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras

from ridgeway.keras_internals import Swap, graph_calls, training_now

# Layers that only present the input: behind them stands the input as the first weights see it.
PREPROCESSING = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.CategoryEncoding,
    keras.layers.Embedding,
    keras.layers.Masking,
)


def first_weighted_calls(
    model: keras.Model, through: tuple[type, ...] = PREPROCESSING
) -> list[tuple[Any, tuple[int, ...]]]:
    """The layers that take the preprocessed input of a model, in the model's order.

    Args:
        model: built model.
        through: the kinds of layer that count as preprocessing.

    Returns:
        Pairs of a layer and the positions, among its flattened inputs, that hold the model's input. For a
        Sequential or functional model the layers behind the preprocessing; the model itself, with all of its
        inputs, where the order of its layers is not known (subclassed models).
    """
    whole = [(model, tuple(range(len(keras.tree.flatten(getattr(model, "inputs", None) or [None])))))]
    if isinstance(model, keras.Sequential):
        rest = [layer for layer in model.layers if not isinstance(layer, through)]
        return [(rest[0], (0,))] if rest else whole
    found: dict[int, tuple[Any, tuple[int, ...]]] = {}
    presented = {id(tensor) for tensor in keras.tree.flatten(getattr(model, "inputs", None) or [])}
    for operation, takes, gives in graph_calls(model):
        places = tuple(place for place, tensor in enumerate(takes) if id(tensor) in presented)
        if isinstance(operation, through) and len(places) == len(takes):
            presented.update(id(tensor) for tensor in gives)
        elif places and isinstance(operation, keras.Layer):
            found.setdefault(id(operation), (operation, places))
    return list(found.values()) or whole


def input_swaps(
    calls: Sequence[tuple[Any, tuple[int, ...]]], change: Callable[[jax.Array, int], jax.Array]
) -> list[Swap]:
    """Changes a model's input in training, where its first weights take it.

    Args:
        calls: as `first_weighted_calls` gives them.
        change: takes an input, floating with a leading batch axis, and the number of its place. Pixels in uint8 come
            as floats; other whole numbers (tokens, categories) are left as they are.
    """
    return [
        (layer, "call", _changed(layer, positions, change, place)) for place, (layer, positions) in enumerate(calls)
    ]


def _changed(
    layer: Any, positions: tuple[int, ...], change: Callable[[jax.Array, int], jax.Array], place: int
) -> Callable[..., Any]:
    original = layer.call

    def call(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        if training_now(layer):
            leaves, structure = jax.tree.flatten(inputs)
            for position in positions:
                values = floating(leaves[position])
                if values is not None:
                    leaves[position] = change(values, place + 31 * position)
            inputs = jax.tree.unflatten(structure, leaves)
        return original(inputs, *arguments, **keywords)

    return call


def floating(values: Any) -> jax.Array | None:
    """The values as a floating array, pixels in uint8 too; None for other whole numbers, which name things."""
    array = jnp.asarray(values)
    if array.dtype == jnp.uint8:
        return array.astype(keras.config.floatx())
    return array if jnp.issubdtype(array.dtype, jnp.floating) else None
