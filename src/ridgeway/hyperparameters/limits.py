"""Limits: on the size of a unit's weights, and of a step's gradient. Smaller is stronger, and 0 is off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.kernels import kernels, write_setting
from ridgeway.hyperparameters.swap import LaneScalar
from ridgeway.keras_internals import Swap, all_layers, constraint_swap, inner_optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

# Stands for no limit: a power of two, so that dividing and multiplying by it loses nothing.
_NO_LIMIT = 2.0**100


def limit_order(values: Iterable[float]) -> list[float]:
    """Limits from the weakest to the strongest: 0, which is none, then from large to small."""
    return sorted(values, key=lambda value: (value > 0, -value))


class MaxNorm(Hyperparameter):
    """Each unit's incoming weights are kept at a length of at most max_norm, after every update; 0 is no limit.

    `keras.constraints.MaxNorm` on all kernels (Srivastava et al. 2014, section 5.1, beside dropout): over the inputs of
    a dense unit, over places and inputs of a convolution's filter.
    """

    name = "max_norm"

    def order(self, values: Sequence[float]) -> list[float]:
        """From no limit to the smallest."""
        return limit_order(values)

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _MaxNormBinding(model, kernels(model, self.name))


class _MaxNormBinding(Binding):
    def __init__(self, model: keras.Model, variables: Sequence[Any]) -> None:
        self._model = model
        depthwise = {
            id(variable)
            for layer in all_layers(model)
            if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D)
            for variable in layer.trainable_variables
        }
        # A depthwise filter has one input; its kernel's last two axes count filters.
        self._axes = [
            (variable, list(range(len(variable.shape) - (2 if id(variable) in depthwise else 1))))
            for variable in variables
        ]
        own = {
            float(variable.constraint.max_value)
            for variable in variables
            if isinstance(variable.constraint, keras.constraints.MaxNorm)
        }
        none = not any(variable.constraint for variable in variables)
        self.base = 0.0 if none else own.pop() if len(own) == 1 else None

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [constraint_swap(v, _limited(value, axes, v.constraint)) for v, axes in self._axes]

    def places(self) -> Sequence[tuple[Any, str]]:
        return [
            (v.constraint, "max_value") for v, _ in self._axes if isinstance(v.constraint, keras.constraints.MaxNorm)
        ]

    def write(self, value: float) -> None:
        for variable, axes in self._axes:
            if value > 0 and (
                variable.constraint is None or isinstance(variable.constraint, keras.constraints.MaxNorm)
            ):
                constraint = keras.constraints.MaxNorm(value, axes)
                variable.constraint = constraint
                write_setting(self._model, variable, "constraint", constraint)


def _limited(limit: LaneScalar, axes: list[int], own: Any) -> Callable[[Any], Any]:
    # The lane's limit stands in the place of a limit of the same kind, and in front of any other constraint.
    other = None if isinstance(own, keras.constraints.MaxNorm) else own

    def constrain(kernel: Any) -> Any:
        value = keras.ops.convert_to_tensor(kernel)
        longest = jnp.asarray(limit.value, value.dtype)
        limited = jnp.where(longest > 0, keras.constraints.MaxNorm(longest, axes)(value), value)
        return limited if other is None else other(limited)

    return constrain


class ClipNorm(Hyperparameter):
    """The gradient of all weights together is scaled to a norm of at most clip_norm; 0 is no limit.

    Keras's `global_clipnorm` (Pascanu et al. 2013). It keeps training from exploding and regularizes only by the
    way.
    """

    name = "clip_norm"
    regularizes = False

    def order(self, values: Sequence[float]) -> list[float]:
        """From no limit to the smallest."""
        return limit_order(values)

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        optimizer = inner_optimizer(model)
        for other in ("clipnorm", "clipvalue"):
            if getattr(optimizer, other, None):
                raise InputError(
                    f"clip_norm can't act beside {other}={getattr(optimizer, other)!r} of this model's "
                    f"{type(optimizer).__name__}: Keras clips in one way. Compile without {other}."
                )
        return _ClipNormBinding(optimizer)


class _ClipNormBinding(Binding):
    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self.base = float(optimizer.global_clipnorm or 0.0)

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        limit = jnp.where(value.value > 0, value.value, _NO_LIMIT)
        return [(self._optimizer, "global_clipnorm", LaneScalar(limit, 1.0, _NO_LIMIT, value.name))]

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(self._optimizer, "global_clipnorm")]

    def write(self, value: float) -> None:
        self._optimizer.global_clipnorm = value or None
