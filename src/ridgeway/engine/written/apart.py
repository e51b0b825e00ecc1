"""Computing something by itself, where XLA would compute it anew within each loop that uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def apart(function: Callable[..., Any], first: jax.Array, *others: Any) -> Any:
    """`function(first, *others)` in a branch, whose operands and results XLA keeps in memory.

    XLA's CPU backend joins elementwise loops as far as it can, and repeats a loop in each other one that reads it; its
    `optimization_barrier` is gone by then. The branch is taken unless the first number is none; then all results are
    none either, which they would mostly be anyway. Under `vmap` it is no branch, only slower.

    Args:
        function: of arrays.
        first: of floating dtype.
        *others: further arguments.
    """
    shapes = jax.eval_shape(function, first, *others)

    def nothing(*_: Any) -> Any:
        return jax.tree.map(
            lambda shape: jnp.full(
                shape.shape, jnp.nan if jnp.issubdtype(shape.dtype, jnp.floating) else 0, shape.dtype
            ),
            shapes,
        )

    corner = first[(0,) * first.ndim]
    return lax.cond(corner == corner, function, nothing, first, *others)
