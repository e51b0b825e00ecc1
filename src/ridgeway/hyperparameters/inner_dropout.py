"""Dropout inside layers: of recurrent states (Gal & Ghahramani 2016) and of attention weights (Vaswani et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.dropout import layer_seed
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.keras_internals import (
    Swap,
    add_seed_generator,
    all_layers,
    attention_rate,
    computed,
    gate_masks,
    inner_dropout_layer,
)

if TYPE_CHECKING:
    from ridgeway.hyperparameters.swap import LaneScalar

_ATTENTION = (
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    keras.layers.Attention,  # AdditiveAttention is one, too
)


class RecurrentDropout(Hyperparameter):
    """The rate, in [0, 1), at which states are dropped on their way to the next time step.

    The `recurrent_dropout` of all cells of the model: of `SimpleRNN`, `LSTM`, `GRU`, `ConvLSTM1D/2D/3D`, also inside
    `Bidirectional` and `RNN`; a cell built with rate 0 takes part. All lanes run the cells as Keras runs them for
    rates above 0, by one mask a gate: a cuDNN kernel is not used, and a cell whose own `dropout` is above 0 draws
    other masks in the lane of rate 0 than Keras would for a layer that was built with 0.
    """

    name = "recurrent_dropout"
    high = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        cells = [
            layer
            for layer in all_layers(model)
            if hasattr(layer, "recurrent_dropout") and not computed(layer, "recurrent_dropout")
        ]
        if not cells:
            raise InputError(
                "recurrent_dropout acts on nothing in this model: it has no recurrent layer. Add keras.layers.LSTM, "
                "GRU, SimpleRNN or ConvLSTM2D, or leave recurrent_dropout out."
            )
        return _RecurrentDropoutBinding(cells)


class _RecurrentDropoutBinding(Binding):
    def __init__(self, cells: Sequence[Any]) -> None:
        self._cells = cells
        rates = {float(cell.recurrent_dropout) for cell in cells}
        self.base = rates.pop() if len(rates) == 1 else None

    def places(self) -> Sequence[tuple[Any, str]]:
        return [(cell, "recurrent_dropout") for cell in self._cells]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        rates = [(cell, "recurrent_dropout", value) for cell in self._cells]
        return rates + [swap for cell in self._cells for swap in gate_masks(cell)]

    def write(self, value: float) -> None:
        for cell in self._cells:
            cell.recurrent_dropout = value
            if value > 0:
                for owner, attribute, needed in gate_masks(cell):
                    setattr(owner, attribute, needed)


class AttentionDropout(Hyperparameter):
    """The rate, in [0, 1), at which attention weights are dropped in training.

    The `dropout` of all `MultiHeadAttention`, `GroupQueryAttention`, `Attention` and `AdditiveAttention` layers; a
    layer built with 0 takes part. All lanes compute the weights one by one, as Keras does for rates above 0: its
    fused and flash kernels, which can't drop, are not used.
    """

    name = "attention_dropout"
    high: ClassVar[float] = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        layers = [layer for layer in all_layers(model) if isinstance(layer, _ATTENTION)]
        if not layers:
            raise InputError(
                "attention_dropout acts on nothing in this model: it has no attention layer. Add "
                "keras.layers.MultiHeadAttention, or leave attention_dropout out."
            )
        return _AttentionDropoutBinding(layers)


class _AttentionDropoutBinding(Binding):
    def __init__(self, layers: Sequence[Any]) -> None:
        self._layers = layers
        rates = {float(getattr(layer, attention_rate(layer))) for layer in layers}
        self.base = rates.pop() if len(rates) == 1 else None

    def prepare(self, seed: int) -> None:
        for place, layer in enumerate(self._layers):
            add_seed_generator(inner_dropout_layer(layer) or layer, layer_seed(layer, seed, place))

    def places(self) -> Sequence[tuple[Any, str]]:
        inner = [(inner_dropout_layer(layer), "rate") for layer in self._layers]
        return [(layer, attention_rate(layer)) for layer in self._layers] + [pair for pair in inner if pair[0]]

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        return [(owner, attribute, value) for owner, attribute in self.places()]

    def write(self, value: float) -> None:
        for owner, attribute in self.places():
            setattr(owner, attribute, value)
        if value > 0:
            self.prepare(0)
