"""Gaussian noise on the input (Bishop 1995, "Training with noise is equivalent to Tikhonov regularization")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ridgeway.hyperparameters.draws import normal, place_key
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.inputs import first_weighted_calls, input_swaps

if TYPE_CHECKING:
    import jax
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar
    from ridgeway.keras_internals import Swap

#: Added to a lane's seed, so that noise and input dropout, which act at the same place, draw different numbers.
NOISE_SEED = 0x6E01


class Noise(Hyperparameter):
    """The standard deviation σ ≥ 0 of Gaussian noise that is added to the input in training, in units of the input.

    It acts where `input_dropout` acts: behind preprocessing layers, so that one σ means the same for each
    standardized feature. With `input_dropout` in the same family, noise is added before features are dropped. The
    draws are those of a `keras.layers.GaussianNoise(σ, seed=lane's seed + NOISE_SEED)` at that place.
    """

    name = "noise"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _NoiseBinding(first_weighted_calls(model))


class _NoiseBinding(Binding):
    base = 0.0

    def __init__(self, calls: Sequence[tuple[Any, tuple[int, ...]]]) -> None:
        self._calls = calls

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        def add(inputs: jax.Array, place: int) -> jax.Array:
            return inputs + normal(place_key(context, NOISE_SEED + place), inputs.shape, inputs.dtype) * value

        return input_swaps(self._calls, add)

    def write(self, value: float) -> None:
        """Nothing to write: in prediction there is no noise."""
