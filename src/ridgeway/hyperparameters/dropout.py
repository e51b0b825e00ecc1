"""Dropout of hidden units and of inputs (Srivastava et al. 2014; Hinton et al. 2012)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.draws import bernoulli, place_key
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.inputs import first_weighted_calls, input_swaps
from ridgeway.keras_internals import Swap, add_seed_generator, all_layers, inner_dropout_layer

if TYPE_CHECKING:
    from ridgeway.hyperparameters.swap import LaneScalar

LAYERS = (
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)


class Dropout(Hyperparameter):
    """The rate, in [0, 1), of all dropout layers of the model.

    `Dropout`, `SpatialDropout1D/2D/3D`, `GaussianDropout` and `AlphaDropout` layers; a layer built with rate 0
    takes part. The dropout inside attention layers is `attention_dropout`. Give one layer a rate
    of its own by `"name_of_layer.rate"`.
    """

    name = "dropout"
    high = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        layers = all_layers(model)
        inner = [inner_dropout_layer(layer) for layer in layers]
        layers = [layer for layer in layers if isinstance(layer, LAYERS) and not any(layer is own for own in inner)]
        if not layers:
            raise InputError(
                "dropout acts on nothing in this model: it has no dropout layer. Add keras.layers.Dropout(0.0) "
                "after each hidden layer that should have it."
            )
        return _DropoutBinding(layers)


class _DropoutBinding(Binding):
    def __init__(self, layers: Sequence[Any]) -> None:
        self._layers = layers
        rates = {float(layer.rate) for layer in layers}
        self.base = rates.pop() if len(rates) == 1 else None

    def prepare(self, seed: int) -> None:
        for place, layer in enumerate(self._layers):
            add_seed_generator(layer, layer_seed(layer, seed, place))

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(layer, "rate") for layer in self._layers]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [(layer, "rate", value) for layer in self._layers]

    def write(self, value: float) -> None:
        for place, layer in enumerate(self._layers):
            layer.rate = value
            if value > 0:
                # A layer built with rate 0 has none, and could not train.
                add_seed_generator(layer, layer_seed(layer, 0, place))


def layer_seed(layer: Any, seed: int, place: int) -> int:
    """The seed for a layer's generator: the layer's own, else one made of the path's seed and the layer's place."""
    return int(layer.seed) if layer.seed is not None else (1_000_003 * (seed + 1) + place) % 2**31


class InputDropout(Hyperparameter):
    """The rate, in [0, 1), at which input features are dropped in training.

    It acts where the model's first weights take the input: behind preprocessing layers (`Rescaling`,
    `Normalization`, `Flatten`, an embedding), so that a dropped feature reads as its mean and not as a raw 0.
    On a subclassed model, whose layers have no known order, it acts on the model's input itself. The draws are
    those of a `keras.layers.Dropout(rate, seed=...)` at that place.
    """

    name = "input_dropout"
    high = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        return _InputDropoutBinding(first_weighted_calls(model))


class _InputDropoutBinding(Binding):
    base = 0.0

    def __init__(self, calls: Sequence[tuple[Any, tuple[int, ...]]]) -> None:
        self._calls = calls

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        def drop(inputs: jax.Array, place: int) -> jax.Array:
            return drop_units(inputs, value, place_key(context, place), inputs.shape)

        return input_swaps(self._calls, drop)

    def write(self, value: float) -> None:
        """Nothing to write: in prediction input dropout does nothing."""


def drop_units(inputs: jax.Array, rate: Any, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """What `keras.layers.Dropout(rate, noise_shape=shape)` does with a key of its generator.

    Args:
        inputs: floating, leading batch axis.
        rate: scalar in [0, 1).
        key: uint32 `(2,)`.
        shape: of the draws, broadcast to the inputs: 1 on an axis drops along it as a whole.
    """
    keep = 1.0 - rate
    mask = jnp.broadcast_to(bernoulli(key, keep, shape), inputs.shape)
    return jax.lax.select(mask, inputs / keep, jnp.zeros_like(inputs))
