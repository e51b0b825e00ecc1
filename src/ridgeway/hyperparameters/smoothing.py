"""Label smoothing (Szegedy et al. 2016, section 7; Müller et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.keras_internals import CompiledLoss, Swap, compiled_losses

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar


class LabelSmoothing(Hyperparameter):
    """The share ε in [0, 1) that labels give up: y ← y(1 − ε) + ε/K, with K classes (K = 2 in the binary loss).

    For binary and categorical cross-entropy this is Keras's own `label_smoothing`. Keras has none for the sparse
    loss; there the same formula acts on the one-hot labels. That is the convention "uniform": a smoothing that takes ε
    from the true class and gives it to the K − 1 others, as (0.85, 0.05, 0.05, 0.05) for 0.15 and four classes, is
    ε · K/(K − 1) here (`ridgeway.losses.uniform_from_others`). Every loss of the model that can be smoothed is.
    """

    name = "label_smoothing"
    high = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        losses = compiled_losses(model)
        smoothed = [loss for loss in losses if loss.smoothing]
        if not smoothed:
            named = ", ".join(loss.name for loss in losses) or "none"
            raise InputError(
                f"label_smoothing acts on nothing in this model: its loss ({named}) has no class labels to smooth. "
                "Compile with BinaryCrossentropy, CategoricalCrossentropy or SparseCategoricalCrossentropy, or "
                "leave label_smoothing out."
            )
        return _LabelSmoothingBinding(smoothed)


class _LabelSmoothingBinding(Binding):
    def __init__(self, losses: Sequence[CompiledLoss]) -> None:
        self._losses = losses
        own = {loss.base_smoothing for loss in losses}
        self.base = own.pop() if len(own) == 1 else None
        # Taken now, while the model's own numbers are in place.
        self._hard = [loss.hard_swap() for loss in losses]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [loss.smoothing_swap(value) for loss in self._losses]

    def restores(self) -> Sequence[Swap]:
        return self._hard

    def write(self, value: float) -> None:
        for loss in self._losses:
            loss.write_smoothing(value)
