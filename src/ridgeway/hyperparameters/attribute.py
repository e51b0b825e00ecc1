"""Any number that an object of the model holds, by its path: "dense_1.kernel_regularizer.l2"."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.errors import InputError
from ridgeway.hyperparameters.dropout import layer_seed
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.keras_internals import (
    Swap,
    add_seed_generator,
    all_layers,
    compiled_losses,
    computed,
    gate_masks,
    inner_optimizer,
    learning_rate_variable,
    schedule,
)

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar

# Attributes that Keras reads as the rate of a random draw; at 0 it makes no generator for it.
_RATES = ("rate", "dropout", "recurrent_dropout", "stddev")


class Attribute(Hyperparameter):
    """A number at `"layer.attribute"`, `"optimizer.attribute"` or `"loss.attribute"`, dots going deeper.

    Args:
        path: name of a layer (or `optimizer`, `loss`), then attributes, joined by dots.
    """

    low = -math.inf
    regularizes = False

    def __init__(self, path: str) -> None:
        self.name = path
        # Penalties and rates regularize wherever they stand.
        self.regularizes = path.rsplit(".", 1)[-1] in {"l1", "l2", *_RATES}

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        first, *rest = self.name.split(".")
        owner = _owner(model, first, self.name)
        for attribute in rest[:-1]:
            owner = _step_into(owner, attribute, self.name)
        attribute = rest[-1]
        if getattr(owner, "learning_rate", None) is not None and attribute == "learning_rate":
            raise InputError(f"'{self.name}' is the hyperparameter learning_rate: vary it by that name.")
        if first == "loss" and attribute == "label_smoothing":
            raise InputError(f"'{self.name}' is the hyperparameter label_smoothing: vary it by that name.")
        value = _step_into(owner, attribute, self.name)
        if computed(owner, attribute):
            inner = getattr(owner, "cell", None)
            if getattr(inner, attribute, None) is None or computed(inner, attribute):
                raise InputError(
                    f"'{self.name}' can't be varied: {type(owner).__name__} computes it. Vary the numbers that it is "
                    "computed from."
                )
            owner = inner
        if isinstance(value, bool) or np.ndim(value) != 0 or not _is_number(value):
            raise InputError(
                f"'{self.name}' is {value!r}, no number that training reads. Name a numeric attribute, such as "
                f"one of {', '.join(_numbers(owner)) or 'another layer'}."
            )
        return _AttributeBinding(owner, attribute, float(value), in_loss=first == "loss")


def _owner(model: keras.Model, name: str, path: str) -> Any:
    if name == "optimizer":
        return inner_optimizer(model)
    if name == "loss":
        losses = compiled_losses(model)
        if len(losses) == 1:
            return losses[0].loss
        raise InputError(f"'{path}' is not clear: the model has {len(losses)} losses. Vary a layer's attribute.")
    layers = {layer.name: layer for layer in all_layers(model) if layer is not model}
    named = {id(layer) for layer in all_layers(model) if layer.name == name}
    if len(named) > 1:
        raise InputError(f"'{path}' is not clear: {len(named)} layers are called '{name}'. Give each its own name.")
    if name not in layers:
        near = difflib.get_close_matches(name, layers, n=3) or list(layers)[:8]
        raise InputError(f"'{path}' names no layer of this model. Its layers include {', '.join(near)}.")
    return layers[name]


def _step_into(owner: Any, attribute: str, path: str) -> Any:
    if attribute == "learning_rate" and learning_rate_owner(owner) is not None:
        return learning_rate_owner(owner)
    value = getattr(owner, attribute, None)
    if value is None:
        known = _numbers(owner)
        near = difflib.get_close_matches(attribute, known, n=3) or known[:8]
        hint = f" Numbers there: {', '.join(near)}." if near else ""
        raise InputError(
            f"'{path}' acts on nothing in this model: {type(owner).__name__} has no '{attribute}', or it is None."
            f"{hint} Build the layer with one, as in Dense(..., kernel_regularizer=keras.regularizers.L2(0.0))."
        )
    return value


def learning_rate_owner(owner: Any) -> Any | None:
    """The schedule behind an optimizer's `learning_rate`, which as a property gives only its current value."""
    return schedule(owner) if hasattr(owner, "_learning_rate") and learning_rate_variable(owner) is None else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (hasattr(value, "dtype") and np.issubdtype(value.dtype, np.number))


def _numbers(owner: Any) -> list[str]:
    return sorted(
        name
        for name, value in vars(owner).items()
        if not name.startswith("_") and isinstance(value, int | float) and not isinstance(value, bool)
    )


class _AttributeBinding(Binding):
    doubtful = True

    def __init__(self, owner: Any, attribute: str, base: float, in_loss: bool) -> None:
        self._owner = owner
        self._attribute = attribute
        self._in_loss = in_loss
        self.base = base

    def prepare(self, seed: int) -> None:
        if self._attribute in _RATES and hasattr(self._owner, "_tracker") and hasattr(self._owner, "seed"):
            add_seed_generator(self._owner, layer_seed(self._owner, seed, 0))

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [(self._owner, self._attribute, value), *self._gates()]

    def _gates(self) -> Sequence[Swap]:
        """A cell built with rate 0 reads its rate nowhere: it runs as one built with another."""
        return gate_masks(self._owner) if self._attribute == "recurrent_dropout" else ()

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(self._owner, self._attribute)]

    def restores(self) -> Sequence[Swap]:
        return [(self._owner, self._attribute, self.base)] if self._in_loss else []

    def write(self, value: float) -> None:
        setattr(self._owner, self._attribute, value)
        if value > 0:
            for owner, attribute, needed in self._gates():
                setattr(owner, attribute, needed)
            self.prepare(0)
