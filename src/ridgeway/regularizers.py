"""Penalties on weights, as Keras regularizers: those that Keras has, and those that it lacks."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

from ridgeway.errors import InputError
from ridgeway.norms import power_sum

__all__ = ["L1", "L1L2", "L2", "GroupLasso", "Lp", "OrthogonalRegularizer"]


@keras.saving.register_keras_serializable(package="ridgeway")
class Lp(Regularizer):
    """strength · Σ|w|^p, for any p above 0.

    `Lp(1, s)` is `keras.regularizers.L1(s)` (lasso, Tibshirani 1996), `Lp(2, s)` is `L2(s)` (ridge, Hoerl & Kennard
    1970), and between them lies bridge regression (Frank & Friedman 1993). Below 1 the penalty prefers few large
    weights to many small ones and is no longer convex; see `ridgeway.norms.power_sum` for what it is near 0.

    Args:
        p: exponent, above 0.
        strength: at least 0.

    Raises:
        InputError: either is out of range.
    """

    def __init__(self, p: float, strength: float = 0.01) -> None:
        if not isinstance(p, int | float | np.floating | np.integer) or not 0 < p < float("inf"):
            raise InputError(f"Lp(p={p!r}) is out of range. Pass an exponent above 0.")
        self.p, self.strength = float(p), _strength("Lp", strength)

    def __call__(self, x: Any) -> Any:
        """The penalty of a weight, a scalar."""
        return self.strength * power_sum(x, self.p)

    def get_config(self) -> dict[str, Any]:
        """As `from_config` takes it."""
        return {"p": self.p, "strength": self.strength}


@keras.saving.register_keras_serializable(package="ridgeway")
class GroupLasso(Regularizer):
    """strength · Σ_g ‖w_g‖₂ over groups of weights, each of which is drawn to 0 as a whole.

    Yuan & Lin 2006, in the form of `sklearn.linear_model.MultiTaskLasso`, without their √size. In the loss its gradient
    shrinks groups but never makes one exactly 0; the hyperparameter `group_lasso`, a proximal step, does.

    Args:
        strength: at least 0.
        axis: the axis that counts groups: 0 for the input features of a dense kernel `(feature, unit)`.

    Raises:
        InputError: the strength is out of range.
    """

    def __init__(self, strength: float = 0.01, axis: int = 0) -> None:
        self.strength, self.axis = _strength("GroupLasso", strength), int(axis)

    def __call__(self, x: Any) -> Any:
        """The penalty of a weight, a scalar."""
        ops = keras.ops
        others = tuple(place for place in range(len(x.shape)) if place != self.axis % len(x.shape))
        squares = ops.sum(ops.square(x), axis=others)
        # The norm has no gradient at 0: there 0, one of its subgradients, stands in.
        safe = ops.where(squares > 0, squares, 1.0)
        return self.strength * ops.sum(ops.where(squares > 0, ops.sqrt(safe), 0.0))

    def get_config(self) -> dict[str, Any]:
        """As `from_config` takes it."""
        return {"strength": self.strength, "axis": self.axis}


def _strength(name: str, value: float) -> float:
    if not isinstance(value, int | float | np.floating | np.integer) or not 0 <= value < float("inf"):
        raise InputError(f"{name}(strength={value!r}) is out of range. Pass a number from 0.")
    return float(value)
