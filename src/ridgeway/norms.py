"""Sums of powers of weights: what penalties of the ℓp kind are made of."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

#: Added to w² where p < 1: the slope of |w|^p is infinite at 0 there. Weights well below √ε = 0.001 are then pulled to
#: 0 in proportion to their size instead of ever more strongly; those well above it are penalized as by |w|^p. The
#: curvature at 0, p·ε^(p/2 − 1), times the learning rate and the strength should stay below 2, or weights near 0
#: oscillate: for p = 0.5 and a learning rate of 0.01, strengths up to 0.01.
EPSILON = 1e-6


def power_sum(w: Any, p: Any) -> jax.Array:
    """Σ|w|^p over all entries, for p < 1 smoothed to Σ(w² + ε)^(p/2), with finite gradients everywhere.

    Args:
        w: floating array of any shape.
        p: exponent above 0, a number or a traced scalar. At w = 0 the gradient is 0 for every p.

    Returns:
        Scalar of the dtype of `w`. For p < 1 an entry of 0 counts ε^(p/2), not 0.
    """
    w = jnp.asarray(w)
    p = jnp.asarray(p, w.dtype)
    # Not jnp.abs, whose slope at 0 is 1: for p = 1 weights of 0 would drift.
    magnitude = jnp.where(p < 1, jnp.sqrt(jnp.square(w) + EPSILON), w * jnp.sign(w))
    return jnp.sum(jnp.power(magnitude, p))
