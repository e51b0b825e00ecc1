"""Penalties on kernels: L2 and powers in the loss, L1 by a proximal step.

Hoerl & Kennard 1970 (ridge); Frank & Friedman 1993 (bridge, powers between and beyond); Tibshirani 1996 (lasso);
Parikh & Boyd 2014, section 6.5.2 (the proximal step).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.hyperparameters.after_update import after_update_swap, proximal_threshold, until_relaxed
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext, Unplaced
from ridgeway.hyperparameters.kernels import kernels
from ridgeway.keras_internals import (
    Swap,
    all_layers,
    inner_optimizer,
    regularizer_swap,
    weight_setting,
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


#: The exponent of `lp` where the family has no `p`: between the lasso's 1 and ridge's 2.
DEFAULT_EXPONENT = 1.5


class Lp(Hyperparameter):
    """Adds lp · Σ|w|^p over all kernels to the loss, p being the family's `p`, or 1.5 where it has none.

    For p < 1 the sum is smoothed at 0, as `ridgeway.norms.power_sum` says. No weight becomes exactly 0 by it,
    whatever p; `l1` does that. Regularizers of the model's own stay beside it.
    """

    name = "lp"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _LpBinding(kernels(model, self.name))


class _LpBinding(Binding):
    base = 0.0

    def __init__(self, variables: Sequence[Any]) -> None:
        self._variables = variables

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        exponent = context.values["p"].value if "p" in context.values else DEFAULT_EXPONENT

        def beside(own: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
            def penalty(kernel: Any) -> Any:
                power = keras.ops.cast(value, kernel.dtype) * power_sum(kernel, exponent)
                return power if own is None else power + own(kernel)

            return penalty

        return [regularizer_swap(v, beside(v.regularizer)) for v in self._variables]

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no such regularizer for a general p, and the weights carry its effect."""


class Exponent(Hyperparameter):
    """The exponent p in (0, 10] of `lp`. Neither end is the stronger one: small weights pay more at a small p."""

    name = "p"
    high = 10.0
    open_low = True
    regularizes = False
    needs = ("lp",)

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class; `lp` reads it."""
        return Unplaced()


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
        def swap(variable: Any) -> Swap:
            def soft_threshold(kernel: Any) -> Any:
                threshold = proximal_threshold(self._optimizer, value, kernel.dtype)
                return keras.ops.sign(kernel) * keras.ops.maximum(keras.ops.abs(kernel) - threshold, 0)

            return after_update_swap(variable, soft_threshold=until_relaxed(soft_threshold, variable, value, context))

        return [swap(variable) for variable in self._variables]

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no proximal step, and the weights already carry its effect."""
