"""Stochastic depth (Huang et al. 2016, "Deep networks with stochastic depth")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.errors import InputError
from ridgeway.hyperparameters.draws import place_key
from ridgeway.hyperparameters.dropout import drop_units
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.keras_internals import Swap, all_layers, graph_calls, training_now

if TYPE_CHECKING:
    import jax

    from ridgeway.hyperparameters.swap import LaneScalar

#: Added to a lane's seed, so that blocks draw other numbers than noise and dropout.
DEPTH_SEED = 0xDE97


class StochasticDepth(Hyperparameter):
    """The rate p in [0, 1) at which the last residual block is skipped in training; earlier ones less.

    The l-th of L blocks is skipped at rate p · l/L, each row of a batch by itself, and what is left is scaled by
    1/(1 − rate), so that prediction stays as it is. A block ends in a `keras.layers.Add` of two tensors of which
    one, the branch, took more layers to compute than the other, the shortcut, and both come from a common one; the
    branch is dropped as by `keras.layers.Dropout(rate, noise_shape=(None, 1, ...), seed=lane's seed + DEPTH_SEED +
    l − 1)` right before the `Add`. (Huang et al. draw once a batch and scale in prediction; per row and inverted, as
    in later work, is the same in expectation.)
    """

    name = "stochastic_depth"
    high = 1.0
    open_high = True

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        blocks = residual_blocks(model)
        if not blocks:
            raise InputError(
                "stochastic_depth acts on nothing in this model: its graph has no residual block. End each block in "
                "keras.layers.Add()([shortcut, branch]) in a functional model; a subclassed model's order of layers "
                "is not known."
            )
        return _StochasticDepthBinding(blocks)


class _StochasticDepthBinding(Binding):
    base = 0.0

    def __init__(self, blocks: Sequence[tuple[Any, int]]) -> None:
        self._blocks = blocks

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        count = len(self._blocks)
        return [
            (add, "call", _skipping_call(add, branch, value * ((place + 1) / count), context, DEPTH_SEED + place))
            for place, (add, branch) in enumerate(self._blocks)
        ]

    def write(self, value: float) -> None:
        """Nothing to write: in prediction every block takes part."""


def _skipping_call(add: Any, branch: int, rate: Any, context: StepContext, place: int) -> Callable[..., Any]:
    original = add.call

    def call(inputs: Sequence[jax.Array]) -> Any:
        if not training_now(add):
            return original(inputs)
        given = list(inputs)
        rows = (given[branch].shape[0], *[1] * (given[branch].ndim - 1))
        given[branch] = drop_units(given[branch], rate, place_key(context, place), rows)
        return original(given)

    return call


def residual_blocks(model: keras.Model) -> list[tuple[Any, int]]:
    """The `Add` layers that end a residual block, in the order of the graph, each with the place of its branch.

    Args:
        model: built model; functional models inside it are looked through, too.

    Raises:
        InputError: one `Add` layer ends several blocks.
    """
    blocks: dict[int, tuple[Any, int]] = {}
    for part in all_layers(model):
        depth: dict[int, int] = {}
        sources: dict[int, set[int]] = {}
        for operation, takes, gives in graph_calls(part):
            branch = _branch(operation, takes, depth, sources)
            if branch is not None:
                if id(operation) in blocks:
                    raise InputError(
                        f"stochastic_depth can't tell the blocks apart that the one layer '{operation.name}' ends. "
                        "Give each block a keras.layers.Add() of its own."
                    )
                blocks[id(operation)] = (operation, branch)
            below = max((depth.get(id(tensor), 0) for tensor in takes), default=-1)
            origins = set().union(*(sources.get(id(tensor), set()) | {id(tensor)} for tensor in takes))
            for tensor in gives:
                depth[id(tensor)] = below + 1
                sources[id(tensor)] = origins
    return list(blocks.values())


def _branch(operation: Any, takes: Sequence[Any], depth: dict[int, int], sources: dict[int, set[int]]) -> int | None:
    """Which of an Add's two inputs is the branch; None where it ends no residual block."""
    if not isinstance(operation, keras.layers.Add) or len(takes) != 2:
        return None
    lengths = [depth.get(id(tensor), 0) for tensor in takes]
    first, second = (sources.get(id(tensor), set()) | {id(tensor)} for tensor in takes)
    if lengths[0] == lengths[1] or not first & second:
        return None
    return lengths.index(max(lengths))
