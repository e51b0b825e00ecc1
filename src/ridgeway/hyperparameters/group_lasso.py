"""The group lasso over input features: features leave the first kernels as a whole (Yuan & Lin 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.after_update import after_update_swap, proximal_threshold, until_relaxed
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.inputs import PREPROCESSING, first_weighted_calls
from ridgeway.keras_internals import Swap, inner_optimizer

if TYPE_CHECKING:
    from ridgeway.hyperparameters.swap import LaneScalar

# Layers that hand each feature on by itself: behind them it is still that feature.
_FEATUREWISE = (
    *PREPROCESSING,
    keras.layers.Activation,
    keras.layers.AlphaDropout,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


class GroupLasso(Hyperparameter):
    """Shrinks the weights of each input feature together after each update: w_i ← w_i · max(0, 1 − η·λ/‖w_i‖₂).

    w_i are the weights that a kernel of the first layers gives to feature i: row i of a Dense or recurrent layer's
    kernel, all taps of input channel i of a convolution. η is the learning rate of that step and λ the value, so that
    for SGD this is proximal gradient descent on loss + λ · Σ_i ‖w_i‖₂, without a factor for the groups' sizes, as in
    `sklearn.linear_model.MultiTaskLasso`; with momentum m, as with `l1`, on loss + (1 − m) · λ · Σ_i ‖w_i‖₂. For
    adaptive optimizers the threshold still uses η alone, so that strengths mean something else.
    Features that don't help get weights of exactly 0. With `l1` beside it this is the sparse group lasso (Simon et
    al. 2013). Where several layers take the input, each has groups of its own.
    """

    name = "group_lasso"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        found = input_kernels(model)
        if not found:
            raise InputError(
                "group_lasso acts on nothing in this model: no trainable kernel of its first layers gives weights to "
                "single input features. Let a keras.layers.Dense, Conv or recurrent layer take the input."
            )
        return _GroupLassoBinding(inner_optimizer(model), found)


class _GroupLassoBinding(Binding):
    # Keras has no proximal step that a model could hold one of.
    base = 0.0

    def __init__(self, optimizer: Any, kernels: Sequence[tuple[Any, int]]) -> None:
        self._optimizer = optimizer
        self._kernels = kernels

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        def swap(variable: Any, axis: int) -> Swap:
            others = [place for place in range(len(variable.shape)) if place != axis]

            def shrink(kernel: Any) -> Any:
                ops = keras.ops
                threshold = proximal_threshold(self._optimizer, value, kernel.dtype)
                norms = ops.sqrt(ops.sum(ops.square(kernel), axis=others, keepdims=True))
                # The least norm there can be instead of 0: rows of 0 stay, and a threshold of 0 changes nothing.
                return kernel * ops.maximum(1 - threshold / ops.maximum(norms, jnp.finfo(kernel.dtype).tiny), 0)

            return after_update_swap(variable, group_shrink=until_relaxed(shrink, variable, value, context, others))

        return [swap(variable, axis) for variable, axis in self._kernels]

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no proximal step, and the weights already carry its effect."""


def input_kernels(model: keras.Model) -> list[tuple[Any, int]]:
    """The trainable kernels that weight single input features, each with the axis of these."""
    found: dict[int, tuple[Any, int]] = {}
    for layer, _ in first_weighted_calls(model, _FEATUREWISE):
        if isinstance(layer, keras.Model):
            pairs = input_kernels(layer) if layer is not model else []
        else:
            # Wrappers of recurrent layers and of any layer over time.
            inner = [layer, *(getattr(layer, name, None) for name in ("layer", "forward_layer", "backward_layer"))]
            pairs = [pair for part in inner for pair in _own_kernel(getattr(part, "cell", part))]
        found |= {id(variable): (variable, axis) for variable, axis in pairs}
    return list(found.values())


def _own_kernel(layer: Any) -> list[tuple[Any, int]]:
    kernel = getattr(layer, "kernel", None)
    if kernel is None or not any(variable is kernel for variable in getattr(layer, "trainable_variables", ())):
        return []
    rank = len(kernel.shape)
    if isinstance(layer, _TRANSPOSED):
        return [(kernel, rank - 1)]
    if isinstance(layer, _DEPTHWISE) or (isinstance(layer, _CONVOLUTIONS) and layer.groups == 1):
        return [(kernel, rank - 2)]
    # Rank 2 in Dense layers and recurrent cells; what other kernels' axes mean is not known.
    return [(kernel, 0)] if rank == 2 else []
