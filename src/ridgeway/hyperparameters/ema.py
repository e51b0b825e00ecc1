"""Weights averaged over the last steps (Polyak & Juditsky 1992; Izmailov et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.keras_internals import Swap, inner_optimizer, rebuild_with_averages

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar


class Ema(Hyperparameter):
    """The momentum m in [0, 1) of a moving average of the weights: average ← m · average + (1 − m) · w, each step.

    It is the optimizer's `use_ema` with `ema_momentum` m, which spans about 1/(1 − m) steps; at 0 the average is the
    weights. In a family with `ema` the averages are validated, kept and left at the end, as with
    `keras.callbacks.SwapEMAWeights`; training itself goes on from the raw weights. The statistics of batch
    normalization are those of the raw weights, as in Keras.
    """

    name = "ema"
    high = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _EmaBinding(inner_optimizer(model), model)


class _EmaBinding(Binding):
    evaluates_averages = True

    def __init__(self, optimizer: Any, model: keras.Model) -> None:
        self._optimizer = optimizer
        self._model = model
        self.base = float(optimizer.ema_momentum) if optimizer.use_ema else 0.0

    def prepare(self, seed: int) -> None:
        rebuild_with_averages(self._optimizer, self._model.trainable_variables)

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(self._optimizer, "ema_momentum"), (self._optimizer, "use_ema")]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        # Only while a step is traced: the user's own fit should go on as it was compiled.
        return [(self._optimizer, "use_ema", True), (self._optimizer, "ema_momentum", value.value)]

    def write(self, value: float) -> None:
        if value > 0 and self._optimizer.built:
            rebuild_with_averages(self._optimizer, self._model.trainable_variables)
        self._optimizer.ema_momentum = value
        self._optimizer.use_ema = value > 0
