"""A lane as an ordinary Keras model."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd

from ridgeway.hyperparameters import hyperparameter
from ridgeway.keras_internals import all_layers, compile_copy, compiled_losses

logger = logging.getLogger(__name__)


def weight_names(model: keras.Model) -> list[str]:
    """A name for each of `model.weights`, unique: its path, numbered where paths repeat."""
    names: list[str] = []
    for variable in model.weights:
        name, number = variable.path, 1
        while name in names:
            number += 1
            name = f"{variable.path}#{number}"
        names.append(name)
    return names


def lane_model(
    model: keras.Model, row: pd.Series, record: Mapping[str, Any], weights: Mapping[str, np.ndarray]
) -> keras.Model:
    """A copy of a model with a lane's weights and hyperparameters written into it.

    Args:
        model: the model that was trained.
        row: the lane's row of the table.
        record: the path's record.
        weights: values by name, in the order of `model.weights`.

    Returns:
        A model that knows nothing of ridgeway. Where Keras can't copy the model's class, the model itself.
    """
    copied = copy_model(model)
    # By order, not by name: a copy numbers its layers anew.
    for variable, value in zip(copied.weights, weights.values(), strict=True):
        variable.assign(value)
    for name in record["hyperparameters"]:
        # A loss that was compiled by its name has no object to write smoothing into: evaluation stays on hard labels.
        if name == "label_smoothing" and not any(loss.smoothing for loss in compiled_losses(copied)):
            continue
        hyperparameter(name).bind(copied, record["decay"]).write(float(row[name]))
    if not copied.optimizer.built:
        # Built now, so that the file's optimizer has the slots that whoever loads it expects.
        copied.optimizer.build(copied.trainable_variables)
    return copied


def copy_model(model: keras.Model) -> keras.Model:
    """A copy with weights of its own, compiled alike; the model itself where Keras can't copy its class."""
    classes = {type(layer).__name__: type(layer) for layer in all_layers(model)}
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "copy.keras")
        try:
            model.save(file)
            # Our own file of a moment ago, of a model that runs in this process already.
            copied = keras.models.load_model(file, custom_objects=classes, compile=False, safe_mode=False)
            alike = [tuple(v.shape) for v in copied.weights] == [tuple(v.shape) for v in model.weights]
        except (TypeError, ValueError, NotImplementedError) as error:
            logger.info("Keras can't copy %s (%s); its own object is used.", type(model).__name__, error)
            return model
    if not alike:
        return model
    compile_copy(model, copied)
    return copied
