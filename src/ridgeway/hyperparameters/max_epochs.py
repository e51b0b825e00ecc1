"""How long a lane trains, as a hyperparameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, Unplaced

if TYPE_CHECKING:
    import keras


class MaxEpochs(Hyperparameter):
    """The most epochs of a lane, a whole number from 1: early stopping without a validation set.

    Fewer regularize more (Bishop 1995, "Regularization and complexity control in feed-forward networks": under
    gradient descent their number acts as the inverse of weight decay). A lane equals `fit(epochs=max_epochs)`.
    """

    name = "max_epochs"
    low = 1.0
    whole = True

    def order(self, values: Sequence[Any]) -> list[Any]:
        """From the most epochs to the fewest."""
        return sorted(values, reverse=True)

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class; it acts on every model, since the queue ends the lane."""
        return Unplaced()
