"""A greatest norm for the weights that go into each unit (Srivastava et al. 2014, section 5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.hyperparameters.after_update import Step, after_update_swap
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext, off_and_descending
from ridgeway.hyperparameters.kernels import incoming_axes, kernels
from ridgeway.keras_internals import Swap, all_layers, weight_setting

if TYPE_CHECKING:
    from ridgeway.hyperparameters.swap import LaneScalar


class MaxNorm(Hyperparameter):
    """The greatest Euclidean norm of the weights into each unit, kept by all kernels after each update; 0 is off.

    It is `keras.constraints.MaxNorm` over the axes that a unit's inputs lie on: axis 0 of a Dense kernel, all but the
    last of a convolution's. A kernel's own `MaxNorm` gives its place to the lane's value and keeps its axes; any other
    constraint of the model's own acts first.
    """

    name = "max_norm"

    def order(self, values: Sequence[Any]) -> list[Any]:
        """0, which limits nothing, first; then from the greatest to the least."""
        return off_and_descending(values)

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _MaxNormBinding(model, kernels(model, self.name))


class _MaxNormBinding(Binding):
    def __init__(self, model: keras.Model, variables: Sequence[Any]) -> None:
        self._model = model
        # Constraints as the user gave them; while a lane is traced, variables hold others.
        self._kernels = [(variable, variable.constraint) for variable in variables]
        self._axes = [own.axis if _is_max_norm(own) else incoming_axes(model, v) for v, own in self._kernels]
        own_values = {float(own.max_value) if _is_max_norm(own) else 0.0 for _, own in self._kernels}
        self.base = own_values.pop() if len(own_values) == 1 else None

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(own, "max_value") for _, own in self._kernels if _is_max_norm(own)]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        def limit(axes: Any) -> Step:
            def limited(kernel: Any) -> Any:
                within = keras.constraints.MaxNorm(keras.ops.cast(value, kernel.dtype), axes)(kernel)
                return keras.ops.where(value.value > 0, within, kernel)

            return limited

        return [
            after_update_swap(variable, max_norm=limit(axes), **({"own": None} if _is_max_norm(own) else {}))
            for (variable, own), axes in zip(self._kernels, self._axes, strict=True)
        ]

    def write(self, value: float) -> None:
        for (variable, own), axes in zip(self._kernels, self._axes, strict=True):
            if own is not None and not _is_max_norm(own):
                continue
            variable.constraint = keras.constraints.MaxNorm(value, axes) if value > 0 else None
            # A file keeps what the layer says, not what its variable holds.
            for layer in all_layers(self._model):
                name = weight_setting(layer, variable.name, "constraint")
                if name and any(v is variable for v in layer.trainable_variables):
                    setattr(layer, name, variable.constraint)


def _is_max_norm(constraint: Any) -> bool:
    return type(constraint) is keras.constraints.MaxNorm
