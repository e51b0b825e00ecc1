"""Changing what a model's training step computes its loss from, and leaving its evaluation alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ridgeway.errors import InputError
from ridgeway.keras_internals import Swap, has_own_step

if TYPE_CHECKING:
    import keras


def refuse_own_step(model: keras.Model, name: str) -> None:
    """Raises where Keras's own training step is not what trains the model.

    Raises:
        InputError: the model's class has a `train_step` of its own.
    """
    if has_own_step(model, "train_step"):
        raise InputError(
            f"{name} can't be varied here: {type(model).__name__} has a train_step of its own, and {name} changes "
            f"Keras's. Leave {name} out, or leave train_step to keras.Model and override compute_loss instead."
        )


def training_swap(model: keras.Model, change: Callable[..., Any]) -> Swap:
    """Puts `change` around the training pass of a model.

    Args:
        model: compiled model without a `train_step` of its own.
        change: called as `change(original, trainable_variables, non_trainable_variables, metrics_variables, x, y,
            sample_weight, **keywords)`, where `original` takes what follows it and gives `(loss, others)`.
    """
    original = model.compute_loss_and_updates

    def compute_loss_and_updates(*arguments: Any, training: bool = False, **keywords: Any) -> Any:
        if not training:
            return original(*arguments, training=training, **keywords)
        return change(original, *arguments, training=training, **keywords)

    return (model, "compute_loss_and_updates", compute_loss_and_updates)
