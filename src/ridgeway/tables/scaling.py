"""A linear layer behind a model's output, which its file keeps."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.keras_internals import compile_copy


def with_scaled_output(model: keras.Model, scale: Any, offset: Any, name: str) -> keras.Model:
    """A model that gives `scale` · outputs + `offset`, compiled as the other.

    Args:
        model: compiled model with one input and one output.
        scale: a number, or one an output.
        offset: likewise.
        name: of the layer.
    """
    inputs = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype)
    numbers = [np.asarray(given, np.float64).tolist() for given in (scale, offset)]
    layer = keras.layers.Rescaling(numbers[0], offset=numbers[1], name=name)
    scaled = keras.Model(inputs, layer(model(inputs)), name=f"{model.name}_scaled")
    compile_copy(model, scaled)
    # As in `lane_model`: whoever loads the file expects the slots.
    scaled.optimizer.build(scaled.trainable_variables)
    return scaled
