"""Weight decay: w is multiplied by (1 - learning rate x decay) at each update.

Loshchilov & Hutter 2019, "Decoupled weight decay regularization"; Krogh & Hertz 1992.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.kernels import kernels
from ridgeway.keras_internals import Swap, decay_swap, excluded_from_decay, inner_optimizer

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar


class WeightDecay(Hyperparameter):
    """Decoupled decay λ ≥ 0 for every Keras optimizer: w ← w(1 − ηλ) − η·step.

    It stands in the place of the optimizer's own `weight_decay`. It acts on kernels only, unless
    `decay="all"`: then on biases and norm parameters too, as Keras's own does. Variables that the user
    excluded by `optimizer.exclude_from_weight_decay` stay excluded.

    Under plain SGD this is the L2 penalty (λ/2)‖w‖², that is `l2` = λ/2: the penalty's gradient is λw, and the step on
    it, w − η(∂L/∂w + λw), is w(1 − ηλ) − η∂L/∂w. Under Adam and the other adaptive optimizers it isn't (Loshchilov &
    Hutter 2019, section 2): they divide the whole gradient, the penalty's part too, by its running root mean square, so
    that the penalty shrinks weights with large gradients less than others. Decay shrinks every weight by the same
    factor. Momentum m, too, passes on the penalty's gradient and not the decay: SGD's steps along the loss grow to
    η/(1 − m), so that decay λ settles where the penalty `l2` = (1 − m)λ/2 does.
    """

    name = "weight_decay"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        optimizer = inner_optimizer(model)
        decayed = kernels(model, self.name) if decay == "kernels" else list(model.trainable_variables)
        decayed = [variable for variable in decayed if not excluded_from_decay(optimizer, variable)]
        if not decayed:
            raise InputError(
                "weight_decay acts on nothing in this model: every variable is excluded from it. "
                "Take variables out of optimizer.exclude_from_weight_decay."
            )
        return _WeightDecayBinding(model, optimizer, decayed)


class _WeightDecayBinding(Binding):
    def __init__(self, model: keras.Model, optimizer: Any, decayed: Sequence[Any]) -> None:
        self.base = float(optimizer.weight_decay or 0.0)
        self._optimizer = optimizer
        self._decayed = decayed
        self._others = [v for v in model.trainable_variables if not any(v is d for d in decayed)]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [decay_swap(self._optimizer, self._decayed, value)]

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(self._optimizer, "weight_decay")]

    def write(self, value: float) -> None:
        self._optimizer.weight_decay = value
        # Keras keeps exclusions with the object only, not in the file.
        if not self._optimizer.built and self._others:
            self._optimizer.exclude_from_weight_decay(var_list=self._others)
