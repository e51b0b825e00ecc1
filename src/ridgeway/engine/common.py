"""Variables that no lane changes, such as the weights of a frozen backbone: held once for all lanes.

Stacked they would take a lane's memory each, and a stack of equal weights hides from XLA that what depends on them
alone is the same for all. Held once, a step computes the backbone's output once where all lanes see the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ridgeway.engine.state import ModelState, shared
from ridgeway.engine.step import Batch, EpochProgram, Lane

#: By place among the non-trainable values.
Common = Mapping[int, Any]
Values = TypeVar("Values", ModelState, tuple[list[Any], list[Any]])

# Values below which holding them once is not worth tracing a step to find them.
_WORTH = 10_000


def common_places(program: EpochProgram, initials: Sequence[ModelState], lane: Lane, batch: Batch) -> tuple[int, ...]:
    """Places of the non-trainable values that neither a training step nor an evaluation changes, in any lane.

    They are found by tracing, so that it does not matter why: a layer is frozen, a statistic is no longer taken.

    Args:
        program: of one lane.
        initials: the states that lanes start from; what differs among them is not common.
        lane: a lane's inputs.
        batch: one batch, of which shapes are read.
    """
    first = initials[0].non_trainable
    alike = [place for place in range(len(first)) if shared([state.non_trainable[place] for state in initials])]
    if sum(np.size(first[place]) for place in alike) < _WORTH:
        return ()

    def trained(state: ModelState, lane: Lane, batch: Batch) -> list[Any]:
        return program.train_step(state, lane, jnp.int32(0), batch)[1].non_trainable

    def evaluated(state: ModelState, lane: Lane, batch: Batch) -> list[Any]:
        return program.test_step(state, lane, batch)[2].non_trainable

    kept = set(alike)
    for function in (trained, evaluated) if program.validates else (trained,):
        kept &= _passed_on(function, initials[0], lane, batch)
    return tuple(sorted(kept))


def _passed_on(function: Any, state: ModelState, *rest: Any) -> set[int]:
    """Places of the non-trainable values that the function gives back as they came."""
    jaxpr = jax.make_jaxpr(function)(state, *rest).jaxpr
    before = len(state.trainable)
    given = jaxpr.invars[before : before + len(state.non_trainable)]
    return {place for place, (old, new) in enumerate(zip(given, jaxpr.outvars, strict=True)) if old is new}


def parted(values: Values, places: Sequence[int] | Common) -> Values:
    """A state, or weights, without what is common: None stands in its place, which is no leaf of a tree."""
    return _with(values, dict.fromkeys(places))


def whole(values: Values, common: Common) -> Values:
    """What `parted` took apart."""
    return _with(values, common)


def _with(values: Values, put: Common) -> Values:
    own = values.non_trainable if isinstance(values, ModelState) else values[1]
    replaced = [put.get(place, value) for place, value in enumerate(own)]
    if isinstance(values, ModelState):
        return values._replace(non_trainable=replaced)
    return values[0], replaced
