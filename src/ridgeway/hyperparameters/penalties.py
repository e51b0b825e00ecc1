"""Penalties on kernels: L2 in the loss, L1 by a proximal step.

Hoerl & Kennard 1970 (ridge); Tibshirani 1996 (lasso); Parikh & Boyd 2014, section 6.5.2 (the proximal step).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.kernels import kernels
from ridgeway.keras_internals import (
    Swap,
    all_layers,
    constraint_swap,
    inner_optimizer,
    iterations,
    regularizer_swap,
    weight_setting,
)

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
                # A file keeps what the layer says, not what its variable holds.
                for layer in all_layers(self._model):
                    name = weight_setting(layer, variable.name, "regularizer")
                    if name and any(v is variable for v in layer.trainable_variables):
                        setattr(layer, name, variable.regularizer)


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
        optimizer = self._optimizer

        def constrain(kernel: Any) -> Any:
            ops = keras.ops
            threshold = ops.cast(optimizer.learning_rate, kernel.dtype) * ops.cast(strength, kernel.dtype)
            if optimizer.gradient_accumulation_steps:
                # Between updates the weights stand still, and so must the threshold.
                done = (iterations(optimizer) + 1) % optimizer.gradient_accumulation_steps == 0
                threshold = threshold * ops.cast(done, kernel.dtype)
            value = ops.convert_to_tensor(kernel)
            value = ops.sign(value) * ops.maximum(ops.abs(value) - threshold, 0)
            return value if own is None else own(value)

        return constrain

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no proximal step, and the weights already carry its effect."""
