"""Penalties on kernels: L2 and Lp in the loss, L1 and group lasso by a proximal step.

Hoerl & Kennard 1970 (ridge); Tibshirani 1996 (lasso); Yuan & Lin 2006 (group lasso); Parikh & Boyd 2014, sections 6.5.2
and 6.5.4 (the proximal steps).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.inputs import first_weighted_calls
from ridgeway.hyperparameters.kernels import is_kernel, kernels, write_setting
from ridgeway.keras_internals import (
    Swap,
    constraint_swap,
    inner_optimizer,
    iterations,
    regularizer_swap,
)
from ridgeway.norms import power_sum

if TYPE_CHECKING:
    from ridgeway.hyperparameters.swap import LaneScalar


class L2(Hyperparameter):
    """Adds l2 · Σ w² over all kernels to the loss, as `keras.regularizers.L2` does.

    Where a kernel has an `L2` or `L1L2` regularizer of its own, the lane's value stands in the place of its
    `l2`; beside any other regularizer the penalty is added.
    """

    name = "l2"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _L2Binding(model, kernels(model, self.name))


class _L2Binding(Binding):
    def __init__(self, model: keras.Model, variables: Sequence[Any]) -> None:
        self._model = model
        self._variables = variables
        own = {float(v.regularizer.l2) for v in variables if _holds_l2(v.regularizer)}
        none = not any(v.regularizer for v in variables)
        self.base = 0.0 if none else own.pop() if len(own) == 1 else None

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [regularizer_swap(v, _with_l2(v.regularizer, value)) for v in self._variables]

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(v.regularizer, "l2") for v in self._variables if _holds_l2(v.regularizer)]

    def write(self, value: float) -> None:
        for variable in self._variables:
            own = variable.regularizer
            if _holds_l2(own):
                own.l2 = value
            elif value > 0 and (own is None or isinstance(own, keras.regularizers.L1)):
                regularizers = keras.regularizers
                variable.regularizer = regularizers.L1L2(float(own.l1), value) if own else regularizers.L2(value)
                write_setting(self._model, variable, "regularizer", variable.regularizer)


def _holds_l2(regularizer: Any) -> bool:
    return isinstance(regularizer, keras.regularizers.L2 | keras.regularizers.L1L2)


def _with_l2(own: Any, strength: Any) -> Callable[[Any], Any]:
    def penalty(kernel: Any) -> Any:
        square = keras.ops.cast(strength, kernel.dtype) * keras.ops.sum(keras.ops.square(kernel))
        if own is None or isinstance(own, keras.regularizers.L2):
            return square
        if isinstance(own, keras.regularizers.L1L2):
            return square + keras.regularizers.L1(own.l1)(kernel) if own.l1 else square
        return square + own(kernel)

    return penalty


class L1(Hyperparameter):
    """Soft-thresholds all kernels after each update: w ← sign(w) · max(|w| − η·l1, 0).

    η is the learning rate of that step. Weights reach exactly 0, which the subgradient of
    `keras.regularizers.L1` never does. For plain SGD this is proximal gradient descent on loss + l1 · Σ|w|; with
    momentum m, whose steps along the loss grow to η/(1 − m), on loss + (1 − m) · l1 · Σ|w|. For adaptive
    optimizers the threshold still uses η alone, so that strengths are not comparable between the two.
    """

    name = "l1"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _L1Binding(inner_optimizer(model), kernels(model, self.name))


class _L1Binding(Binding):
    # Keras has no proximal step that a model could hold one of.
    base = 0.0

    def __init__(self, optimizer: Any, variables: Sequence[Any]) -> None:
        self._optimizer = optimizer
        self._variables = variables

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [constraint_swap(v, self._proximal(value, v.constraint)) for v in self._variables]

    def _proximal(self, strength: Any, own: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        def constrain(kernel: Any) -> Any:
            ops = keras.ops
            value = ops.convert_to_tensor(kernel)
            step = proximal_step(self._optimizer, strength, value.dtype)
            value = ops.sign(value) * ops.maximum(ops.abs(value) - step, 0)
            return value if own is None else own(value)

        return constrain

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no proximal step, and the weights already carry its effect."""


def proximal_step(optimizer: Any, strength: Any, dtype: Any) -> Any:
    """How far a proximal step moves: learning rate times strength, and 0 between accumulated updates.

    Args:
        optimizer: of the model.
        strength: a lane's value.
        dtype: of the weights.
    """
    ops = keras.ops
    step = ops.cast(optimizer.learning_rate, dtype) * ops.cast(strength, dtype)
    if optimizer.gradient_accumulation_steps:
        # Between updates the weights stand still, and so must the threshold.
        done = (iterations(optimizer) + 1) % optimizer.gradient_accumulation_steps == 0
        step = step * ops.cast(done, dtype)
    return step


class GroupLasso(Hyperparameter):
    """Shrinks all weights of an input feature together: w_i ← w_i · max(0, 1 − η·group_lasso/‖w_i‖).

    A group is what one input feature feeds: a row of the first dense kernel, an input channel of the first convolution;
    behind preprocessing layers, and of each input where there are several. Groups reach exactly 0, so that the
    features that are left are a selection (Yuan & Lin 2006). After each update it is proximal gradient descent
    on loss + group_lasso · Σ_i ‖w_i‖₂, the form of `sklearn.linear_model.MultiTaskLasso`, without √size. What `l1` says
    of η holds here too: momentum m makes it act as (1 − m) times the strength, and adaptive optimizers use η alone.
    With `l1` it is the sparse group lasso (Simon et al. 2013): first `l1` thresholds, then the groups shrink.
    """

    name = "group_lasso"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        first = [
            variable
            for layer, _ in first_weighted_calls(model)
            for variable in getattr(layer, "trainable_variables", ())
            if layer is not model and is_kernel(variable) and "recurrent" not in variable.name
        ]
        if not first:
            raise InputError(
                "group_lasso acts on nothing in this model: no layer that takes its input has a trainable kernel, or "
                "the first layers of a subclassed model are not known. Begin a Sequential or functional model with a "
                "Dense or convolution layer."
            )
        return _GroupLassoBinding(inner_optimizer(model), first)


class _GroupLassoBinding(Binding):
    # Keras has no proximal step that a model could hold one of.
    base = 0.0

    def __init__(self, optimizer: Any, variables: Sequence[Any]) -> None:
        self._optimizer = optimizer
        self._variables = variables

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [constraint_swap(v, self._proximal(value, v.constraint)) for v in self._variables]

    def _proximal(self, strength: Any, own: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        def constrain(kernel: Any) -> Any:
            ops = keras.ops
            value = ops.convert_to_tensor(kernel)
            step = proximal_step(self._optimizer, strength, value.dtype)
            # Kernels end with (input feature, unit); convolutions have places before.
            others = tuple(place for place in range(len(value.shape)) if place != len(value.shape) - 2)
            norms = ops.sqrt(ops.sum(ops.square(value), axis=others, keepdims=True))
            kept = ops.maximum(1 - step / ops.where(norms > 0, norms, ops.ones_like(norms)), 0)
            value = value * kept
            return value if own is None else own(value)

        return constrain

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no proximal step, and the weights already carry its effect."""


class Lp(Hyperparameter):
    """Adds lp · Σ|w|^p over all kernels to the loss, with the lane's `p`, or 1.5 where the family has none.

    Bridge regression (Frank & Friedman 1993), between lasso and ridge at 1.5. No p above 1 and no gradient step makes
    weights exactly 0; `l1` does. Below 1 see `ridgeway.norms.power_sum` for what stands in near 0.
    """

    name = "lp"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _LpBinding(kernels(model, self.name))


class _LpBinding(Binding):
    # A model may hold ridgeway.regularizers.Lp, beside which this is added.
    base = 0.0

    def __init__(self, variables: Sequence[Any]) -> None:
        self._variables = variables

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        exponent = context.values[Exponent.name].value if Exponent.name in context.values else Exponent.default
        return [regularizer_swap(v, _with_power(v.regularizer, value, exponent)) for v in self._variables]

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no such penalty, and a file must load without ridgeway."""


def _with_power(own: Any, strength: Any, exponent: Any) -> Callable[[Any], Any]:
    def penalty(kernel: Any) -> Any:
        added = keras.ops.cast(strength, kernel.dtype) * power_sum(kernel, exponent)
        return added if own is None else added + own(kernel)

    return penalty


class Exponent(Hyperparameter):
    """The exponent p, above 0 and up to 10, of the penalty `lp`."""

    name = "p"
    high = 10.0
    open_low = True
    regularizes = False
    needs = ("lp",)
    default = 1.5

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _ExponentBinding()


class _ExponentBinding(Binding):
    base = Exponent.default

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return []

    def write(self, value: float) -> None:
        """Nothing to write: it is part of `lp`."""
