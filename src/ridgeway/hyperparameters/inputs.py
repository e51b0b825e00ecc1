"""Where a model's first weights take its input."""

from __future__ import annotations

from typing import Any

import keras

from ridgeway.keras_internals import graph_calls

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


def first_weighted_calls(model: keras.Model) -> list[tuple[Any, tuple[int, ...]]]:
    """The layers that take the preprocessed input of a model, in the model's order.

    Args:
        model: built model.

    Returns:
        Pairs of a layer and the positions, among its flattened inputs, that hold the model's input. For a
        Sequential or functional model the layers behind the preprocessing; the model itself, with all of its
        inputs, where the order of its layers is not known (subclassed models).
    """
    whole = [(model, tuple(range(len(keras.tree.flatten(getattr(model, "inputs", None) or [None])))))]
    if isinstance(model, keras.Sequential):
        rest = [layer for layer in model.layers if not isinstance(layer, PREPROCESSING)]
        return [(rest[0], (0,))] if rest else whole
    found: dict[int, tuple[Any, tuple[int, ...]]] = {}
    presented = {id(tensor) for tensor in keras.tree.flatten(getattr(model, "inputs", None) or [])}
    for operation, takes, gives in graph_calls(model):
        places = tuple(place for place, tensor in enumerate(takes) if id(tensor) in presented)
        if isinstance(operation, PREPROCESSING) and len(places) == len(takes):
            presented.update(id(tensor) for tensor in gives)
        elif places and isinstance(operation, keras.Layer):
            found.setdefault(id(operation), (operation, places))
    return list(found.values()) or whole
