"""A lane as an ordinary Keras model."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd

from ridgeway.hyperparameters import Binding, is_built, named
from ridgeway.keras_internals import (
    adapted_normalizations,
    all_layers,
    build_optimizer,
    compile_copy,
    compiled_losses,
)

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
    for layer in adapted_normalizations(copied):
        layer.finalize_state()
    for name, binding in _bindings(copied, record).items():
        binding.write(float(row[name]))
    build_optimizer(copied)
    return copied


@contextlib.contextmanager
def lent_model(
    model: keras.Model, row: pd.Series, record: Mapping[str, Any], weights: Mapping[str, np.ndarray]
) -> Iterator[keras.Model]:
    """`lane_model` for the time of a block.

    Where the lane had to be written into the user's own model, that is put back as it was.
    """
    before = [np.array(variable.value) for variable in model.weights]
    bindings = _bindings(model, record)
    numbers = [(owner, name, getattr(owner, name)) for binding in bindings.values() for owner, name in binding.places()]
    lane = lane_model(model, row, record, weights)
    try:
        yield lane
    finally:
        if lane is model:
            for binding in bindings.values():
                if binding.base is not None:
                    binding.write(binding.base)
            for owner, name, value in numbers:
                setattr(owner, name, value)
            for variable, original in zip(model.weights, before, strict=True):
                variable.assign(original)


def _bindings(model: keras.Model, record: Mapping[str, Any]) -> dict[str, Binding]:
    # A loss that was compiled by its name has no object to write smoothing into: evaluation stays on hard labels.
    smooths = any(loss.smoothing for loss in compiled_losses(model))
    names = [
        name for name in record["hyperparameters"] if not is_built(name) and (smooths or name != "label_smoothing")
    ]
    return {name: named(name).bind(model, record["decay"]) for name in names}


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
