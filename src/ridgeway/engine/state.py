"""A model's variables as one tree, stacked by lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.keras_internals import all_layers, seed_variables, weight_setting

#: Trainable and non-trainable values, in Keras's order.
Weights = tuple[list[Any], list[Any]]


class ModelState(NamedTuple):
    """Values of all variables that training changes; each a list in Keras's own order.

    A lane's state has the variables' shapes; a stack of lanes has one leading axis more.
    """

    trainable: list[Any]
    non_trainable: list[Any]
    optimizer: list[Any]
    metrics: list[Any]

    @property
    def weights(self) -> Weights:
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
    weights of a model that has been trained before, stay as they are. A model counts as trained when its optimizer
    has taken steps, or when a weight that starts at a constant (a bias, a scale, a moving mean) stands elsewhere:
    then its weights were loaded.

    Raises:
        InputError: weights can't be drawn anew because no initializer is known for a variable.
    """
    first = read_state(model)
    states = [first]
    trained = _trained(model)
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


def _initializers(model: keras.Model) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for layer in all_layers(model):
        for variable in layer.weights:
            # A layer comes before those inside it: the variable's own layer has the last word.
            name = weight_setting(layer, variable.name, "initializer")
            if name is not None:
                found[id(variable)] = getattr(layer, name)
    return found


def _trained(model: keras.Model) -> bool:
    if int(np.asarray(model.optimizer.iterations)) > 0:
        return True
    initializers = _initializers(model)
    return any(
        isinstance(initializers.get(id(variable)), keras.initializers.Zeros | keras.initializers.Ones)
        and not np.isin(np.asarray(variable.value), (0, 1)).all()  # an LSTM's bias starts with ones among zeros
        for variable in model.weights
    )


def _drawn_anew(model: keras.Model, word: int) -> list[np.ndarray]:
    initializers = _initializers(model)
    values = []
    for place, variable in enumerate(model.trainable_variables):
        value = np.asarray(variable.value)
        initializer = initializers.get(id(variable))
        if isinstance(initializer, _FIXED) or (initializer is None and _constant(value)):
            # Every repeat starts there; an LSTM's bias is not what its initializer alone would give.
            values.append(value)
        elif initializer is not None:
            values.append(_draw(initializer, variable, word, place))
        else:
            raise InputError(
                f"repeats can't draw '{variable.path}' anew: its layer has no '{variable.name}_initializer'. Give "
                "the layer that attribute, or pass repeats=1."
            )
    return values


_FIXED = (
    keras.initializers.Zeros,
    keras.initializers.Ones,
    keras.initializers.Constant,
    keras.initializers.Identity,
)


def _constant(value: np.ndarray) -> bool:
    return bool(value.size and (value == value.flat[0]).all())


def _draw(initializer: Any, variable: Any, word: int, place: int) -> np.ndarray:
    config = initializer.get_config() if hasattr(initializer, "get_config") else {}
    if "seed" in config:
        # A seed of its own for each variable, or equal shapes would start equal. By its place, not by its name:
        # Keras numbers names by how many models a process has built.
        config["seed"] = int(np.random.SeedSequence([word, place]).generate_state(1)[0]) % 2**31
        initializer = type(initializer).from_config(config)
    return np.asarray(initializer(tuple(variable.shape), dtype=variable.dtype))


def shared(values: Sequence[np.ndarray]) -> bool:
    """Whether all are one array, or equal to it: one that came by different ways is no longer the same object."""
    return all(value is values[0] or np.array_equal(value, values[0]) for value in values[1:])


def stacked(states: Sequence[ModelState]) -> ModelState:
    """States side by side on a new leading axis."""
    return jax.tree.map(lambda *values: np.stack(values), *states)
