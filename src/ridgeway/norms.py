"""How large weights are: Lp norms, quasi-norms and the count of non-zeros."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from ridgeway.errors import InputError

__all__ = ["norm", "power_sum"]

#: Below this, |w|^p with p < 1 becomes a parabola: its slope at 0 would be infinite.
SMOOTHING = 1e-3


def norm(w: Any, p: float = 2.0, axis: int | tuple[int, ...] | None = None) -> Any:
    """The size of an array of weights.

    - p ≥ 1: the Lp norm (Σ|w|^p)^(1/p); p = 1 is the sum of sizes, 2 the length, `inf` the largest size.
    - 0 < p < 1: the same formula, which is only a quasi-norm: the triangle inequality fails.
    - p = 0: how many entries are not 0. Not even homogeneous, and still called a norm.

    Args:
        w: array, Keras variable or anything `numpy.asarray` reads.
        p: exponent, 0 to `inf`.
        axis: over which axes, all by default: unlike `numpy.linalg.norm`, which takes a matrix for an operator.

    Returns:
        A scalar, or an array without the axes given; float64, for p = 0 a whole number. `inf` where it is beyond the
        largest float, NaN where a weight is NaN (a NaN counts as not 0).

    Raises:
        InputError: p is below 0 or NaN.
    """
    if not (isinstance(p, int | float | np.floating | np.integer) and p >= 0):
        raise InputError(f"norm(p={p!r}) is out of range. Pass p from 0 to inf.")
    given = np.asarray(w)
    # Cast first, or -128 in int8 would have no size; a complex weight would lose its imaginary part.
    sizes = np.abs(given if np.iscomplexobj(given) else given.astype(np.float64))
    if p == 0:
        return np.sum(sizes != 0, axis=axis)
    top = np.max(sizes, axis=axis, keepdims=True, initial=0.0)
    if math.isinf(p):
        return top.reshape(np.sum(sizes, axis=axis).shape)[()]
    # Scaled by the largest, so that no power overflows or vanishes. 0, inf and NaN can't be divided by: they add up as
    # they are.
    scale = np.where((top > 0) & np.isfinite(top), top, 1.0)
    # Where the result is beyond the largest float, as with very small p, it is inf.
    with np.errstate(over="ignore"):
        total = np.sum((sizes / scale) ** p, axis=axis)
        return (scale.reshape(total.shape) * total ** (1.0 / p))[()]


def power_sum(w: Any, p: Any) -> Any:
    """Σ|w|^p, with a finite gradient everywhere.

    For p < 1 the slope at 0 would be infinite, so below |w| = 0.001 a parabola stands in, which is 0 at 0 and meets
    |w|^p there.

    Args:
        w: array.
        p: exponent above 0: a number, or a lane's traced scalar.
    """
    ops = keras.ops
    if isinstance(p, int | float):
        if p == 1:
            return ops.sum(ops.abs(w))
        if p == 2:
            return ops.sum(ops.square(w))
    power = ops.cast(p, w.dtype)
    size = ops.abs(ops.convert_to_tensor(w))
    low = ops.where(power < 1, ops.cast(SMOOTHING, w.dtype), ops.cast(0.0, w.dtype))
    # Neither way is taken where its slope would be infinite or no number.
    exact = ops.power(ops.where(size > low, size, ops.ones_like(size)), power)
    parabola = ops.square(size) * ops.power(ops.cast(SMOOTHING, w.dtype), power - 2)
    return ops.sum(ops.where(size > low, exact, ops.where(power < 1, parabola, ops.zeros_like(size))))
