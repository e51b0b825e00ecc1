"""Standardized targets, and a linear layer behind a model's output, which its file keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.keras_internals import build_optimizer, compile_copy, functional_of

#: The layer that gives a model's outputs in the target's own units.
TARGET_UNITS = "target_units"
# A spread below so many times the mean is what rounding leaves of a target that does not vary.
_ROUNDING = 4 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class TargetScaling:
    """y → (y - mean) / spread, in float64: a mean that is large against the spread would leave float32 no digits.

    Attributes:
        mean: float64 `(target,)`.
        spread: standard deviation, float64 `(target,)`; 1 where a target does not vary.
    """

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, y: np.ndarray, weights: np.ndarray | None = None) -> tuple[TargetScaling, np.ndarray]:
        """Learns mean and spread.

        Args:
            y: finite float64 `(row, target)`, of any magnitude.
            weights: float64 `(row,)`, or None.

        Returns:
            The scaling, and the targets standardized, float32 `(row, target)`.
        """
        # By the largest first: squares of what is near the ends of float64 would overflow, or vanish.
        largest = np.abs(y if weights is None else y[weights > 0]).max(axis=0)
        largest[largest == 0] = 1.0
        shares = y / largest
        mean = np.average(shares, axis=0, weights=weights)
        spread = np.sqrt(np.average((shares - mean) ** 2, axis=0, weights=weights))
        constant = spread <= _ROUNDING * np.abs(mean)
        spread[constant] = 1 / largest[constant]
        # Rows of no weight may lie anywhere.
        with np.errstate(over="ignore"):
            standardized = ((shares - mean) / spread).astype(np.float32)
        return cls(mean * largest, np.where(constant, 1.0, spread * largest)), standardized

    def standardized(self, y: np.ndarray) -> np.ndarray:
        """Values `(row, target)`, those that were learnt from or others, as float32 of mean 0 and spread 1."""
        with np.errstate(over="ignore"):
            return ((y - self.mean) / self.spread).astype(np.float32)

    def into_units(self, outputs: np.ndarray) -> np.ndarray:
        """Standardized outputs `(row, target)` in the target's own units, float64."""
        return outputs * self.spread + self.mean


def with_scaled_output(model: keras.Model, scale: Any, offset: Any, name: str) -> keras.Model:
    """A model that gives `scale` · outputs + `offset`, compiled as the other, with whose layers it shares weights.

    Args:
        model: compiled Sequential or functional model with one input and one output.
        scale: a number, or one an output.
        offset: likewise.
        name: of the layer.

    Raises:
        InputError: the model is subclassed.
    """
    functional = functional_of(model)
    if functional is None:
        raise InputError(
            f"The graph of a {type(model).__name__} is not known before it is called: no layer can be put behind it. "
            "Build the model by the functional interface."
        )
    layer = keras.layers.Rescaling(_plain(scale), offset=_plain(offset), name=name)
    # The graph goes on: a model within a model would take its own optimizer into the file.
    scaled = keras.Model(functional.inputs[0], layer(functional.outputs[0]), name=f"{model.name}_scaled")
    compile_copy(model, scaled)
    build_optimizer(scaled)
    return scaled


def _plain(numbers: Any) -> float | list[float]:
    # Keras writes a layer's numbers as JSON.
    return np.asarray(numbers, np.float64).tolist()
