"""Which variables are kernels: the weights that decay and penalties act on."""

from __future__ import annotations

from typing import Any

import keras

from ridgeway.errors import InputError
from ridgeway.keras_internals import all_layers, weight_setting

# Trainable vectors and tables that are not weights of a linear map. Biases of multi-head attention have rank 2,
# so rank alone does not tell.
_NOT_KERNELS = ("bias", "gamma", "beta", "scale", "embeddings")


def is_kernel(variable: Any) -> bool:
    """Whether a trainable variable is a kernel: of rank 2 or more, and no bias, norm parameter or embedding."""
    return len(variable.shape) >= 2 and not any(part in variable.name for part in _NOT_KERNELS)


def kernels(model: keras.Model, name: str) -> list[Any]:
    """The trainable kernels of a built model, in the model's order.

    Args:
        model: built model.
        name: the hyperparameter that asks, for the message.

    Raises:
        InputError: the model has none.
    """
    found = [variable for variable in model.trainable_variables if is_kernel(variable)]
    if not found:
        raise InputError(
            f"{name} acts on nothing in this model: it has no trainable kernel. Add a layer that has one, "
            "such as keras.layers.Dense, or set trainable=True."
        )
    return found


def write_setting(model: keras.Model, variable: Any, setting: str, value: Any) -> None:
    """Writes a variable's "regularizer" or "constraint" into its layer: a file keeps what the layer says."""
    for layer in all_layers(model):
        name = weight_setting(layer, variable.name, setting)
        if name and any(v is variable for v in layer.trainable_variables):
            setattr(layer, name, value)
