"""Sharpness-aware minimization: the gradient of the worst point nearby (Foret et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax

from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.training import refuse_own_step, training_swap

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar
    from ridgeway.keras_internals import Swap


class Sam(Hyperparameter):
    """The radius ρ ≥ 0: the optimizer gets the gradient at w + ρ g/‖g‖, g being the gradient at w.

    ‖g‖ is the Euclidean norm over all trainable variables together, and g that of the whole loss, penalties such as
    `l2` included, decoupled `weight_decay` not. Both passes see the same batch and the same dropout masks. Logs,
    metrics and the statistics of batch normalization are those of the pass at w. A family with `sam` takes twice the
    time, its lanes of ρ = 0 included.
    """

    name = "sam"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        refuse_own_step(model, self.name)
        return _SamBinding(model)


class _SamBinding(Binding):
    base = 0.0

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        def sharpness_aware(original: Callable[..., Any], weights: list[Any], *arguments: Any, **keywords: Any) -> Any:
            def plain(at: list[Any]) -> Any:
                return original(at, *arguments, **keywords)

            (loss, others), gradient = jax.value_and_grad(plain, has_aux=True)(lax.stop_gradient(weights))
            near = [w + step for w, step in zip(weights, _ascent(gradient, value), strict=True)]
            perturbed, _ = original(near, *arguments, **keywords)
            # The value of the plain loss with the gradient of the perturbed one.
            return loss + (perturbed - lax.stop_gradient(perturbed)), others

        return [training_swap(self._model, sharpness_aware)]

    def write(self, value: float) -> None:
        """Nothing to write: Keras has no such step, and the weights already carry its effect."""


def _ascent(gradient: Sequence[Any], radius: Any) -> list[Any]:
    """Steps of joint length `radius` along the gradient; none where it is 0."""
    square = sum(jnp.sum(jnp.square(part.astype(jnp.float32))) for part in gradient)
    # The square root has no slope at 0; the radius then leaves the point where it is.
    scale = jnp.where(square > 0, radius * lax.rsqrt(jnp.where(square > 0, square, 1.0)), 0.0)
    return [lax.stop_gradient(part * scale.astype(part.dtype)) for part in gradient]
