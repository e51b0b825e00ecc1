"""A linear layer behind a model's output, which its file keeps."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.keras_internals import compile_copy, functional_of


def with_scaled_output(model: keras.Model, scale: Any, offset: Any, name: str) -> keras.Model:
    """A model that gives `scale` · outputs + `offset`, compiled as the other, with whose layers it shares weights.

    Args:
        model: compiled and built model with one input and one output.
        scale: a number, or one an output.
        offset: likewise.
        name: of the layer.
    """
    layer = keras.layers.Rescaling(_plain(scale), offset=_plain(offset), name=name)
    functional = functional_of(model)
    if functional is None:
        inputs = keras.Input(model.input_shape[1:])
        outputs = model(inputs)
    else:
        # The graph goes on: a model within a model would take its own optimizer into the file.
        inputs, outputs = functional.inputs[0], functional.outputs[0]
    scaled = keras.Model(inputs, layer(outputs), name=f"{model.name}_scaled")
    compile_copy(model, scaled)
    # Built now, so that the file's optimizer has the slots that whoever loads it expects.
    scaled.optimizer.build(scaled.trainable_variables)
    return scaled


def _plain(numbers: Any) -> float | list[float]:
    # Keras writes a layer's numbers as JSON.
    return np.asarray(numbers, np.float64).tolist()
