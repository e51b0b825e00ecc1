"""Computing something by itself, where XLA would compute it anew within each loop that uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# Its upper 16, 32 or 64 bits are none of IEEE's numbers, of bfloat16's neither.
_PATTERN = 0x7FFA5A5A5A5A5A5A


def apart(function: Callable[..., Any], first: jax.Array, *others: Any) -> Any:
    """`function(first, *others)` in a branch, whose operands and results XLA keeps in memory.

    XLA's CPU backend joins elementwise loops as far as it can, and repeats a loop in each other one that reads it; its
    `optimization_barrier` is gone by then. The branch is taken always, but for one bit pattern among those that are no
    number, which XLA can't rule out. Under `vmap` it is no branch, only slower.

    Args:
        function: of arrays.
        first: of floating dtype.
        *others: further arguments.
    """
    if not first.size:
        return function(first, *others)
    shapes = jax.eval_shape(function, first, *others)

    def nothing(*_: Any) -> Any:
        return jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)

    unsigned = jnp.dtype(f"uint{8 * first.dtype.itemsize}")
    pattern = unsigned.type(_PATTERN >> (64 - 8 * first.dtype.itemsize))
    bits = lax.bitcast_convert_type(first[(0,) * first.ndim], unsigned)
    return lax.cond(bits != pattern, function, nothing, first, *others)
