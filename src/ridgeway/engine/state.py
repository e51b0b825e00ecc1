"""A model's variables as one tree, stacked by lane."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.keras_internals import all_layers, seed_variables


class ModelState(NamedTuple):
    """Values of all variables that training changes; each a list in Keras's own order.

    A lane's state has the variables' shapes; a stack of lanes has one leading axis more.
    """

    trainable: list[Any]
    non_trainable: list[Any]
    optimizer: list[Any]
    metrics: list[Any]

    @property
    def weights(self) -> tuple[list[Any], list[Any]]:
        """What a model file keeps: trainable and non-trainable values."""
        return (self.trainable, self.non_trainable)


def read_state(model: keras.Model) -> ModelState:
    """Host copies of the values of a built and compiled model, with its metrics reset."""
    model.reset_metrics()
    return ModelState(
        *(
            [np.array(variable.value) for variable in variables]
            for variables in (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
                model.metrics_variables,
            )
        )
    )


def repeat_seed(seed: int, repeat: int) -> int:
    """The 32-bit seed of a repeat: equal for all its lanes, so that they see the same random numbers."""
    return int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])


def initial_states(model: keras.Model, repeats: int, seed: int) -> list[ModelState]:
    """The state that each repeat starts from.

    Repeat 0 starts from the model as it is. Each further repeat draws the trainable weights anew from the
    layers' own initializers and gives the model's random generators another seed; frozen weights, and all
    weights of a model that has been trained before, stay as they are.

    Raises:
        InputError: weights can't be drawn anew because no initializer is known for a variable.
    """
    first = read_state(model)
    states = [first]
    trained = int(np.asarray(model.optimizer.iterations)) > 0
    for repeat in range(1, repeats):
        word = repeat_seed(seed, repeat)
        trainable = list(first.trainable) if trained else _drawn_anew(model, word)
        seeds = {id(variable) for variable in seed_variables(model)}
        non_trainable = [
            np.array([(word + int(value[0])) % 2**32, value[1]], value.dtype) if id(variable) in seeds else value
            for variable, value in zip(model.non_trainable_variables, first.non_trainable, strict=True)
        ]
        states.append(first._replace(trainable=trainable, non_trainable=non_trainable))
    return states


def _drawn_anew(model: keras.Model, word: int) -> list[np.ndarray]:
    initializers: dict[int, Any] = {}
    for layer in all_layers(model):
        for variable in layer.trainable_variables:
            found = getattr(layer, f"{variable.name}_initializer", None)
            if found is not None:
                initializers.setdefault(id(variable), found)
    values = []
    for variable in model.trainable_variables:
        value = np.asarray(variable.value)
        initializer = initializers.get(id(variable))
        if initializer is not None:
            values.append(_draw(initializer, variable, word))
        elif value.size and (value == value.flat[0]).all():
            # Started at a constant (a bias at 0, a scale at 1): every repeat starts there.
            values.append(value)
        else:
            raise InputError(
                f"repeats can't draw '{variable.path}' anew: its layer has no '{variable.name}_initializer'. Give "
                "the layer that attribute, or pass repeats=1."
            )
    return values


def _draw(initializer: Any, variable: Any, word: int) -> np.ndarray:
    config = initializer.get_config()
    if "seed" in config:
        # A seed of its own for each variable, or equal shapes would start equal.
        config["seed"] = (word + zlib.crc32(variable.path.encode())) % 2**31
        initializer = type(initializer).from_config(config)
    return np.asarray(initializer(tuple(variable.shape), dtype=variable.dtype))


def stacked(states: Sequence[ModelState]) -> ModelState:
    """States side by side on a new leading axis."""
    return jax.tree.map(lambda *values: np.stack(values), *states)
