"""Networks that differ in a layer as lanes of one: numbers switch it on, so that all are one program, compiled once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

#: What may stand there.
KINDS = ("none", "batch", "layer")


@dataclass
class Switches:
    """Which normalization lets values through: each 0 or 1, at most one of them 1.

    Attributes:
        batch: batch normalization.
        layer: layer normalization.
    """

    batch: float = 0.0
    layer: float = 0.0


def switched(layer: str, kind: str, kinds: Collection[str] = KINDS) -> dict[str, float]:
    """A kind as the values of hyperparameters.

    Args:
        layer: the name of a `normalization`.
        kind: one of its kinds.
        kinds: that can be switched on there.
    """
    return {f"{layer}.switches.{name}": float(name == kind) for name in kinds if name != "none"}


def on(switch: Any) -> Any:
    """Whether a switch is on, as an array, for `keras.ops.where`: in training it is a lane's own traced number."""
    from keras import ops

    return switch + ops.zeros(()) > 0


def normalization(switches: Switches, kinds: Collection[str] = KINDS, **arguments: Any) -> Any:
    """A layer that normalizes as its switches say, and else gives back what it is given.

    Args:
        switches: several layers may share them: what is set by the name of one is then set for all.
        kinds: those that can be switched on: what is never on need not be compiled.
        **arguments: of `keras.layers.Layer`.
    """
    return _normalization_class()(switches, kinds, **arguments)


@cache
def _normalization_class() -> Any:
    import keras
    from keras import ops

    class SwitchedNormalization(keras.layers.Layer):
        """`BatchNormalization(momentum=0.9)`, `LayerNormalization()` or neither."""

        def __init__(self, switches: Switches, kinds: Collection[str], **arguments: Any) -> None:
            super().__init__(**arguments)
            self.switches = switches
            # With .99, Keras's default, its averages would be a quarter of the way after so few steps.
            self.batch = keras.layers.BatchNormalization(momentum=0.9, name="batch") if "batch" in kinds else None
            self.layer = keras.layers.LayerNormalization(name="layer") if "layer" in kinds else None

        def build(self, input_shape: Any) -> None:
            for normalizing in filter(None, (self.batch, self.layer)):
                normalizing.build(input_shape)

        def call(self, inputs: Any, training: bool = False) -> Any:
            values = inputs
            if self.batch is not None:
                values = self._chosen(self.switches.batch, lambda x: self.batch(x, training=training), inputs, values)
            if self.layer is not None:
                values = self._chosen(self.switches.layer, self.layer, inputs, values)
            return values

        def _chosen(self, switch: Any, normalized: Any, inputs: Any, values: Any) -> Any:
            # Where it is off it is given zeros: where its derivative is NaN, so is NaN times 0.
            given = ops.where(on(switch), inputs, ops.zeros_like(inputs))
            return ops.where(on(switch), normalized(given), values)

    return SwitchedNormalization
