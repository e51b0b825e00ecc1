"""One Keras model that gives the mean of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.ensembling.averaging import Averaging
from ridgeway.errors import InputError
from ridgeway.keras_internals import build_optimizer, compile_copy, functional_of, symbolic_inputs

if TYPE_CHECKING:
    from ridgeway.path import Path


def merged_model(path: Path, counts: Mapping[int, int]) -> keras.Model:
    """An ordinary model whose output is the weighted mean of lanes' outputs, compiled as the trained model was.

    Args:
        path: the path.
        counts: how many times each lane counts.

    Raises:
        InputError: Keras can't copy the model's class.
    """
    members: dict[int, keras.Model] = {}
    for lane in counts:
        members[lane] = path.model(lane)
        if members[lane] is path.structure(lane):
            raise InputError(
                f"Keras can't copy a {type(members[lane]).__name__}, so that several can't stand in one model. Give "
                "the class a get_config, or build the model by the functional interface."
            )
    first = next(iter(members.values()))
    structure = path.structure(next(iter(members)))
    if len(members) == 1:
        return first
    functional = functional_of(first)
    if functional is None:
        raise InputError(
            f"The inputs of a {type(first).__name__} are not known before it is called. Build the model by the "
            "functional interface to put several into one."
        )
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name),
        symbolic_inputs(functional),
    )
    outputs: dict[int, Any] = {}
    for lane, member in members.items():
        member.name = f"lane_{lane}"
        outputs[lane] = member(inputs)
    averaging = Averaging.of(structure, outputs[next(iter(members))])
    merged = averaging.merge(outputs, counts, functional.output_names)
    model = keras.Model(inputs, merged, name=f"{structure.name}_ensemble")
    compile_copy(structure, model, first.trainable_variables)
    build_optimizer(model)
    return model
