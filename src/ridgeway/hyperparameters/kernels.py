"""Which variables are kernels: the weights that decay and penalties act on."""

from __future__ import annotations

from typing import Any

import keras

from ridgeway.errors import InputError
from ridgeway.keras_internals import all_layers

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


def incoming_axes(model: keras.Model, kernel: Any) -> int | list[int]:
    """The axes of a kernel over which the weights into one unit (one filter) lie, as Keras's constraints take them.

    Args:
        model: built model.
        kernel: one of its kernels.

    Returns:
        0 for kernels of rank 2; for convolutions all but the last, or what stands for it where a layer holds its
        kernel in another order.
    """
    rank = len(kernel.shape)
    if rank == 2:
        return 0
    # Parents come before their children, so the last is the layer that made the kernel.
    owner = [layer for layer in all_layers(model) if any(v is kernel for v in layer.trainable_variables)][-1]
    if isinstance(owner, keras.layers.EinsumDense):
        # "abc,cde->abde": a unit's inputs are the axes of the kernel that are summed over.
        inputs, given = owner.equation.split("->")
        return [axis for axis, letter in enumerate(inputs.split(",")[1]) if letter not in given]
    name = type(owner).__name__
    if kernel.name == "depthwise_kernel" or name.startswith("Depthwise"):
        return list(range(rank - 2))
    return [*range(rank - 2), rank - 1] if name.endswith("Transpose") else list(range(rank - 1))
