"""Weights of many lanes: blocks of lanes with the same variables, stacked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ridgeway.engine.state import shared


class Block(NamedTuple):
    """Lanes with one structure.

    Attributes:
        lanes: their numbers, in the order of the arrays' leading axis.
        arrays: values by variable name, lane axis first; NumPy arrays, or ones that are read from a file by lane.
    """

    lanes: tuple[int, ...]
    arrays: Mapping[str, Any]


def blocks(lanes: Iterable[tuple[int, Sequence[str], Sequence[np.ndarray]]]) -> list[Block]:
    """Stacks lanes' weights, those with the same names and shapes in one block.

    Args:
        lanes: for each lane its number, the names of its variables and their values.
    """
    grouped: dict[tuple[tuple[str, tuple[int, ...]], ...], list[tuple[int, Sequence[np.ndarray]]]] = {}
    for lane, names, values in lanes:
        key = tuple((name, value.shape) for name, value in zip(names, values, strict=True))
        grouped.setdefault(key, []).append((lane, values))
    return [
        Block(
            tuple(lane for lane, _ in members),
            {
                name: _stacked(values)
                for (name, _), values in zip(key, zip(*(values for _, values in members), strict=True), strict=True)
            },
        )
        for key, members in grouped.items()
    ]


def _stacked(values: Sequence[np.ndarray]) -> np.ndarray:
    """One array that all lanes have is not copied."""
    if len(values) > 1 and shared(values):
        return np.broadcast_to(values[0], (len(values), *values[0].shape))
    return np.stack(values)


def of_lane(stored: Sequence[Block], lane: int) -> dict[str, np.ndarray]:
    """A lane's values by variable name.

    Raises:
        KeyError: no block holds the lane.
    """
    for block in stored:
        if lane in block.lanes:
            place = block.lanes.index(lane)
            return {name: np.asarray(values[place]) for name, values in block.arrays.items()}
    raise KeyError(lane)
