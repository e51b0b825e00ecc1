"""Numbers of the optimizer that one varies beside the regularizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext, off_and_descending
from ridgeway.keras_internals import Swap, clip_swaps, inner_optimizer, learning_rate_variable, rebuild_with_momentum

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar


class LearningRate(Hyperparameter):
    """The optimizer's learning rate η > 0."""

    name = "learning_rate"
    open_low = True
    regularizes = False

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        optimizer = inner_optimizer(model)
        variable = learning_rate_variable(optimizer)
        if variable is None:
            raise InputError(
                f"learning_rate acts on nothing in this model: {type(optimizer).__name__} follows a schedule. Vary "
                "a number of the schedule, such as 'optimizer.learning_rate.initial_learning_rate', or compile "
                "with a constant learning rate."
            )
        return _LearningRateBinding(optimizer, variable)


class _LearningRateBinding(Binding):
    def __init__(self, optimizer: Any, variable: Any) -> None:
        self._optimizer = optimizer
        self._variable = variable
        self.base = float(variable.value)

    def variables(self, value: float) -> Sequence[tuple[Any, float]]:
        return [(self._variable, value)]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return []

    def write(self, value: float) -> None:
        self._optimizer.learning_rate = value


class Momentum(Hyperparameter):
    """The momentum, in [0, 1), of SGD or RMSprop."""

    name = "momentum"
    high = 1.0
    open_high = True
    regularizes = False

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        optimizer = inner_optimizer(model)
        if not hasattr(optimizer, "momentum"):
            raise InputError(
                f"momentum acts on nothing in this model: {type(optimizer).__name__} has none. Compile with "
                "keras.optimizers.SGD or RMSprop, or vary a number that it has, such as 'optimizer.beta_1'."
            )
        return _MomentumBinding(optimizer, model)


class _MomentumBinding(Binding):
    def __init__(self, optimizer: Any, model: keras.Model) -> None:
        self._optimizer = optimizer
        self._model = model
        self.base = float(optimizer.momentum)

    def prepare(self, seed: int) -> None:
        rebuild_with_momentum(self._optimizer, self._model.trainable_variables)

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(self._optimizer, "momentum")]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [(self._optimizer, "momentum", value)]

    def write(self, value: float) -> None:
        self._optimizer.momentum = value


class ClipNorm(Hyperparameter):
    """The greatest norm c of the gradient of all trainable variables together; 0 is off.

    A longer gradient g becomes g · c/‖g‖ before the optimizer sees it, as by the optimizer's `global_clipnorm`
    (Pascanu et al. 2013). Penalties such as `l2` are in the gradient, decoupled `weight_decay` is not.
    """

    name = "clip_norm"
    regularizes = False

    def order(self, values: Sequence[Any]) -> list[Any]:
        """0, which clips nothing, first; then from the greatest to the least."""
        return off_and_descending(values)

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class.

        Raises:
            InputError: the optimizer clips in another way, of which Keras allows one at a time.
        """
        optimizer = inner_optimizer(model)
        for name in ("clipnorm", "clipvalue"):
            value = getattr(optimizer, name)
            if value:
                raise InputError(
                    f"clip_norm can't be varied here: {type(optimizer).__name__} has {name}={value:g}, and "
                    f"Keras clips in one way only. Compile without {name}, or vary 'optimizer.{name}'."
                )
        return _ClipNormBinding(optimizer)


class _ClipNormBinding(Binding):
    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self.base = float(optimizer.global_clipnorm or 0.0)

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(self._optimizer, "global_clipnorm")]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return clip_swaps(self._optimizer, value)

    def write(self, value: float) -> None:
        self._optimizer.global_clipnorm = value or None
