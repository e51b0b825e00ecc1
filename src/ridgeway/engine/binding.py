"""A family's hyperparameters, bound to a model that is made ready for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import keras

from ridgeway.engine.state import ModelState
from ridgeway.engine.step import Batch, BoundHyperparameter, EpochProgram, Lane
from ridgeway.errors import InputError
from ridgeway.hyperparameters import Decay, hyperparameter
from ridgeway.keras_internals import build, build_optimizer, uses_input


def bind(
    model: keras.Model, values: Mapping[str, Sequence[float]], decay: Decay, seed: int, batch: Batch | None
) -> tuple[BoundHyperparameter, ...]:
    """Builds the model and binds each hyperparameter to it.

    Args:
        model: compiled model; built here if it is not.
        values: the family's values by name.
        decay: what decoupled decay acts on, "kernels" or "all".
        seed: for random generators that have to be made.
        batch: `(x, y, sample_weight)`, of which shapes and dtypes are read; None for a model that is built and will
            only predict.

    Raises:
        InputError: a hyperparameter would act on nothing, or two on the same thing.
    """
    if batch is not None:
        build(model, batch)
    else:
        build_optimizer(model)
    bound = []
    for name, given in values.items():
        binding = hyperparameter(name).bind(model, decay)
        binding.prepare(seed)
        bound.append(BoundHyperparameter(name, binding, min(given), max(given)))
    _refuse_overlaps(bound)
    return tuple(bound)


def _refuse_overlaps(bound: Sequence[BoundHyperparameter]) -> None:
    """Two hyperparameters that set the same number would make one of them act on nothing."""
    seen: dict[tuple[int, str], str] = {}
    for item in bound:
        for owner, attribute in item.binding.places():
            other = seen.setdefault((id(owner), attribute), item.name)
            if other != item.name:
                raise InputError(f"'{other}' and '{item.name}' both set the same '{attribute}'. Vary one of them.")


def check_effects(program: EpochProgram, state: ModelState, lane: Lane, batch: Batch) -> None:
    """Asks the traced training step whether attributes given by path act on anything in it.

    Args:
        program: the program of one lane.
        state: a lane's state.
        lane: a lane's inputs.
        batch: one batch.

    Raises:
        InputError: training never reads the attribute.
    """
    for item in program.bound:
        if not item.binding.doubtful:
            continue

        def step(value: Any, name: str = item.name) -> Any:
            own = lane._replace(values={**lane.values, name: value})
            return program.train_step(state, own, jnp.int32(0), batch)

        if not uses_input(step, (jnp.float32(item.low),), 0):
            raise InputError(
                f"'{item.name}' acts on nothing in this model: no training step reads it. Sizes and numbers that "
                "are only read when a layer is built can't be varied between lanes."
            )
