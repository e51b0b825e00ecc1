"""Rows to train or validate on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """Arrays with a common leading axis.

    Attributes:
        x: inputs: an array, or a list, tuple or dict of them.
        y: labels, likewise.
        sample_weight: weights of rows, or None.
    """

    x: Any
    y: Any
    sample_weight: Any = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(leaves(self.x)[0][1])

    def map(self, function: Callable[[Any], Any]) -> Dataset:
        """The dataset with `function` applied to every array."""
        return Dataset(*(map_arrays(function, part) for part in (self.x, self.y, self.sample_weight)))

    def take(self, rows: Any) -> Dataset:
        """The rows of these numbers."""
        return self.map(lambda array: array[rows])


def leaves(structure: Any, name: str = "") -> list[tuple[str, Any]]:
    """The arrays of a nested structure, each with where it stands: `[("['a'][0]", array), ...]`."""
    if structure is None:
        return []
    if isinstance(structure, Mapping):
        return [leaf for key, part in structure.items() for leaf in leaves(part, f"{name}[{key!r}]")]
    if isinstance(structure, list | tuple):
        return [leaf for place, part in enumerate(structure) for leaf in leaves(part, f"{name}[{place}]")]
    return [(name, structure)]


def map_arrays(function: Callable[[Any], Any], structure: Any) -> Any:
    """The structure with `function` applied to every array."""
    if structure is None:
        return None
    if isinstance(structure, Mapping):
        return {key: map_arrays(function, part) for key, part in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(map_arrays(function, part) for part in structure)
    return function(structure)


def describe(structure: Any) -> str:
    """What a row is: "28x28 uint8"; several arrays joined by commas."""
    parts = []
    for _, value in leaves(structure):
        array = np.asarray(value)
        shape = "x".join(str(size) for size in array.shape[1:])
        parts.append(f"{shape} {array.dtype}".strip())
    return ", ".join(parts)
