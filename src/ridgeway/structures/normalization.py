"""Where normalization goes: behind each hidden dense and convolution layer.

Ioffe & Szegedy 2015; Ba et al. 2016; Ulyanov et al. 2016; Wu & He 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from ridgeway.errors import InputError
from ridgeway.keras_internals import graph_calls, is_functional

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
)
_WEIGHTED = (keras.layers.Dense, *CONVOLUTIONS)
_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)
_NORMALIZES = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)
# Wu & He 2018, section 3.1: 32 groups, or 16 channels a group; narrow layers need fewer.
_MOST_GROUPS = 32


@dataclass(frozen=True)
class Insertion:
    """What goes behind a layer.

    Attributes:
        kind: "batch", "layer", "instance" or "group".
        convolves: whether the layer's output has places beside channels.
        channels: size of the last axis.
        name: of the layer that is normalized.
        activation: what to apply behind the normalization: the layer's own activation, taken from it.
    """

    kind: str
    convolves: bool
    channels: int
    name: str
    activation: Any = None

    @property
    def takes_activation(self) -> bool:
        """Whether the layer gives up its own activation."""
        return self.activation is not None

    def layers(self) -> list[Any]:
        """New layers, in order."""
        made = [self._normalization()]
        if self.takes_activation:
            made.append(keras.layers.Activation(self.activation, name=f"{self.name}_activation"))
        return made

    def _normalization(self) -> Any:
        name = f"{self.name}_{self.kind}_normalization"
        if self.kind == "batch":
            return keras.layers.BatchNormalization(name=name)
        if self.kind == "layer" and not self.convolves:
            return keras.layers.LayerNormalization(name=name)
        groups = {"layer": 1, "instance": -1, "group": _groups(self.channels)}[self.kind]
        return keras.layers.GroupNormalization(groups=groups, name=name)


def _groups(channels: int) -> int:
    """The most groups up to 32 that share the channels evenly, two or more in each."""
    most = max(1, min(_MOST_GROUPS, channels // 2))
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)


def insertions(model: keras.Model, kind: str, before: bool) -> dict[int, Insertion]:
    """What to put behind which layer, by the layer's identity.

    Args:
        model: built Sequential or functional model.
        kind: "batch", "layer", "instance" or "group".
        before: whether in front of the hidden layer's activation.

    Raises:
        InputError: the model normalizes already; it has no hidden layer; instance normalization of a plain vector.
    """
    own = [layer for layer in _known_layers(model) if isinstance(layer, _NORMALIZES)]
    if own:
        raise InputError(
            f"normalization={kind!r} would stand beside the model's own {type(own[0]).__name__} '{own[0].name}'. Take "
            "that layer out of the model, or leave normalization out of the family."
        )
    follows = _consumers(model)
    final = _final_layers(model, follows)
    hidden = [layer for layer in _known_layers(model) if isinstance(layer, _WEIGHTED) and id(layer) not in final]
    if not hidden:
        raise InputError(
            "normalization acts on nothing in this model: it has no hidden Dense or convolution layer. Add one in "
            "front of the output layer, or leave normalization out."
        )
    return dict(_planned(layer, kind, before, follows) for layer in hidden)


def _planned(layer: Any, kind: str, before: bool, follows: Mapping[int, list[Any]]) -> tuple[int, Insertion]:
    shape = layer.output.shape
    convolves = len(shape) > 2
    if kind == "instance" and not convolves:
        raise InputError(
            f"normalization='instance' makes no sense behind '{layer.name}': each of its channels is a single number "
            "there, and a number less its own mean is 0. Pass 'layer' or 'batch' for a model with dense hidden layers."
        )
    if kind == "group" and shape[-1] < 4:
        raise InputError(
            f"normalization='group' can't split the {shape[-1]} channels of '{layer.name}' into groups of two or more. "
            "Pass 'layer', or give the layer at least 4."
        )
    own = getattr(layer, "activation", None)
    linear = own in (None, keras.activations.linear)
    next_ones = follows.get(id(layer), [])
    if linear and not before and len(next_ones) == 1 and isinstance(next_ones[0], _ACTIVATIONS):
        # The activation is a layer of its own: behind it.
        return id(next_ones[0]), Insertion(kind, convolves, shape[-1], layer.name)
    return id(layer), Insertion(kind, convolves, shape[-1], layer.name, own if before and not linear else None)


def _known_layers(model: Any) -> list[Any]:
    """Layers in the model's order, those of nested models whose graph is known included."""
    found: list[Any] = []
    for layer in model.layers:
        nested = isinstance(layer, keras.Model) and (isinstance(layer, keras.Sequential) or is_functional(layer))
        found += _known_layers(layer) if nested else [layer]
    return found


def _calls(model: Any) -> list[tuple[Any, list[Any], list[Any]]]:
    if isinstance(model, keras.Sequential):
        return [(layer, [before], [layer]) for before, layer in zip([None, *model.layers], model.layers, strict=False)]
    return graph_calls(model)


def _consumers(model: Any) -> dict[int, list[Any]]:
    """The operations that take each operation's output, by its identity; within each nested model by itself."""
    follows: dict[int, list[Any]] = {}
    givers: dict[int, Any] = {}
    for operation, _, gives in _calls(model):
        givers |= {id(tensor): operation for tensor in gives}
    for operation, takes, _ in _calls(model):
        for tensor in takes:
            if id(tensor) in givers:
                follows.setdefault(id(givers[id(tensor)]), []).append(operation)
    for layer in model.layers:
        if isinstance(layer, keras.Model) and (isinstance(layer, keras.Sequential) or is_functional(layer)):
            follows |= _consumers(layer)
    return follows


def _final_layers(model: Any, follows: Mapping[int, list[Any]]) -> set[int]:
    """The weighted layers whose output reaches the model's without another weighted layer."""
    takers = {id(operation): takes for operation, takes, _ in _calls(model)}
    givers = {id(tensor): operation for operation, _, gives in _calls(model) for tensor in gives}
    outputs = [model.layers[-1]] if isinstance(model, keras.Sequential) else model.outputs
    front = [givers[id(tensor)] for tensor in outputs if id(tensor) in givers]
    seen: set[int] = set()
    final: set[int] = set()
    while front:
        operation = front.pop()
        if id(operation) in seen:
            continue
        seen.add(id(operation))
        if isinstance(operation, keras.Model):
            final |= _final_layers(operation, follows)
        elif isinstance(operation, _WEIGHTED):
            final.add(id(operation))
        elif not getattr(operation, "weights", None):
            front += [givers[id(tensor)] for tensor in takers.get(id(operation), []) if id(tensor) in givers]
    return final
