"""A linear layer behind a model's output, which its file keeps."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.keras_internals import build_optimizer, compile_copy, functional_of


def with_scaled_output(model: keras.Model, scale: Any, offset: Any, name: str) -> keras.Model:
    """A model that gives `scale` · outputs + `offset`, compiled as the other, with whose layers it shares weights.

    Args:
        model: compiled Sequential or functional model with one input and one output.
        scale: a number, or one an output.
        offset: likewise.
        name: of the layer.

    Raises:
        InputError: the model is subclassed.
    """
    functional = functional_of(model)
    if functional is None:
        raise InputError(
            f"The graph of a {type(model).__name__} is not known before it is called: no layer can be put behind it. "
            "Build the model by the functional interface."
        )
    layer = keras.layers.Rescaling(_plain(scale), offset=_plain(offset), name=name)
    # The graph goes on: a model within a model would take its own optimizer into the file.
    scaled = keras.Model(functional.inputs[0], layer(functional.outputs[0]), name=f"{model.name}_scaled")
    compile_copy(model, scaled)
    build_optimizer(scaled)
    return scaled


def _plain(numbers: Any) -> float | list[float]:
    # Keras writes a layer's numbers as JSON.
    return np.asarray(numbers, np.float64).tolist()
