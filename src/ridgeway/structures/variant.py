"""A copy of a model with the layers that a structure asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters import is_argument, named
from ridgeway.keras_internals import add_seed_generator, compile_copy, is_functional, is_input, rerun_graph
from ridgeway.structures.normalization import Insertion, insertions
from ridgeway.structures.scaling import input_normalization

#: A structure: a value for each choice and argument that is built into a model.
Structure = tuple[tuple[str, Any], ...]

#: Choices that decide which layers a model has. Other choices only set what stands in them.
STRUCTURAL = ("normalization", "normalization_position", "input_scaling")


def arguments_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that the function which builds the model takes; empty where there is none."""
    return {name: named(name).check(value) for name, value in configuration.items() if is_argument(name)}


def structure_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The structural part of a configuration: configurations with an equal one train in one compiled program.

    What scales the input is in the state, so that all scalings share one structure: the layer is there, or not.
    """
    chosen = {name: str(configuration[name]) for name in STRUCTURAL if name in configuration}
    chosen |= arguments_of(configuration)
    if "input_scaling" in chosen:
        chosen["input_scaling"] = "layer"
    if chosen.get("normalization") == "none":
        # Where nothing is put in, its place makes no difference.
        chosen.pop("normalization_position", None)
    return chosen


def key_of(structure: Mapping[str, Any]) -> Structure:
    """A structure to look things up by."""
    return tuple(sorted(structure.items()))


def variant(model: keras.Model, structure: Mapping[str, Any]) -> keras.Model:
    """A copy of a model with the layers of a structure, compiled alike; the model itself where there are none.

    Layers that both have start from the model's own weights and seeds.

    Args:
        model: built and compiled model, Sequential or functional.
        structure: what `structure_of` gave.

    Raises:
        InputError: a subclassed model, whose graph is not known; a normalization that makes no sense in it; one that
            would act on nothing.
    """
    kind = structure.get("normalization", "none")
    scaled = "input_scaling" in structure
    if kind == "none" and not scaled:
        return model
    if not (isinstance(model, keras.Sequential) or is_functional(model)):
        asked = "normalization" if kind != "none" else "input_scaling"
        raise InputError(
            f"{asked} can't be put into {type(model).__name__}: the order of a subclassed model's layers is not known. "
            "Build the model as keras.Sequential or by the functional interface, or put the layers in yourself."
        )
    before = structure.get("normalization_position") == "before"
    planned = {} if kind == "none" else insertions(model, kind, before)
    builder = _Builder(planned, scaled)
    rebuilt = builder.rebuild(model)
    rebuilt.build(model.input_shape)
    if scaled and not builder.scaling:
        raise InputError(
            "input_scaling acts on nothing in this model: it has no input of real numbers. Leave input_scaling out."
        )
    standing: dict[int, Any] = {}
    for original, copied in builder.pairs:
        if getattr(original, "seed_generator", None) is not None:
            # A layer with rate 0 has none of its own: a path has given the original one.
            add_seed_generator(copied, 0)
        for old, new in zip(original.variables, copied.variables, strict=True):
            new.assign(old.value)
            standing[id(old)] = new
    compile_copy(model, rebuilt, [standing[id(variable)] for variable in model.trainable_variables])
    return rebuilt


class Variants:
    """The models of a path in all structures that its family asks for, each built once.

    Args:
        source: compiled model; or what gives one for the arguments of a configuration, such as a `Builder`.
    """

    def __init__(self, source: keras.Model | Callable[[Mapping[str, Any]], keras.Model]) -> None:
        self._source = source
        self._given: dict[Structure, keras.Model] = {}
        self._built: dict[Structure, keras.Model] = {}

    def given(self, configuration: Mapping[str, Any]) -> keras.Model:
        """The model as it was given or as the function built it, without the layers of other choices."""
        if isinstance(self._source, keras.Model):
            return self._source
        arguments = arguments_of(configuration)
        key = key_of(arguments)
        if key not in self._given:
            self._given[key] = self._source(arguments)
        return self._given[key]

    def of(self, configuration: Mapping[str, Any]) -> keras.Model:
        """The model in a configuration's structure, where it is built; arguments and errors as in `variant`."""
        structure = structure_of(configuration)
        key = key_of(structure)
        if key not in self._built:
            self._built[key] = variant(self.given(configuration), structure)
        return self._built[key]


@dataclass
class _Builder:
    """Copies layers, and puts those of a plan behind them.

    Attributes:
        planned: what to put behind which layer, by the layer's identity.
        scaled: whether inputs are scaled.
        pairs: each copied layer beside its original.
        scaling: the layers that scale inputs, by the tensor's identity.
    """

    planned: Mapping[int, Insertion]
    scaled: bool
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    scaling: dict[int, Any] = field(default_factory=dict)
    _behind: dict[int, list[Any]] = field(default_factory=dict)

    def rebuild(self, model: keras.Model) -> keras.Model:
        if isinstance(model, keras.Sequential):
            return self._sequential(model)
        return rerun_graph(model, self._copy, self._call)

    def _copy(self, original: Any) -> Any:
        if not isinstance(original, keras.Layer):
            return original
        if isinstance(original, keras.Sequential) or (isinstance(original, keras.Model) and is_functional(original)):
            inner = _Builder(self.planned, False)
            copied = inner.rebuild(original)
            self.pairs += inner.pairs
            return copied
        config = original.get_config()
        insertion = self.planned.get(id(original))
        if insertion and insertion.takes_activation:
            config["activation"] = "linear"
        copied = type(original).from_config(config)
        self.pairs.append((original, copied))
        return copied

    def _call(self, layer: Any, original: Any, *arguments: Any, **keywords: Any) -> Any:
        if self.scaled:
            arguments, keywords = keras.tree.map_structure(self._scale, (arguments, keywords))
        outputs = layer(*arguments, **keywords)
        for extra in self._after(original):
            outputs = extra(outputs)
        return outputs

    def _after(self, original: Any) -> list[Any]:
        """The layers behind one, made once: a shared layer shares them."""
        insertion = self.planned.get(id(original))
        if insertion is None:
            return []
        return self._behind.setdefault(id(original), insertion.layers())

    def _scale(self, value: Any) -> Any:
        if not is_input(value):
            return value
        if id(value) not in self.scaling:
            layer = input_normalization(tuple(value.shape), str(value.dtype), value.name)
            if layer is None:
                return value
            self.scaling[id(value)] = (layer, layer(value), value)
        return self.scaling[id(value)][1]

    def _sequential(self, model: keras.Sequential) -> keras.Model:
        layers: list[Any] = []
        shape = tuple(model.inputs[0].shape)
        dtype, name = str(model.inputs[0].dtype), model.inputs[0].name
        layers.append(keras.Input(batch_shape=shape, dtype=dtype, name=name))
        if self.scaled and (layer := input_normalization(shape, dtype, name)) is not None:
            self.scaling[0] = layer
            layers.append(layer)
        for original in model.layers:
            layers += [self._copy(original), *self._after(original)]
        return keras.Sequential(layers, name=model.name, trainable=model.trainable)
