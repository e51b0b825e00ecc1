"""Products of rows with a lane's own weights, whose gradients XLA's CPU backend has a fast kernel for.

The gradient to the weights sums over rows, the first axis of both operands, for which the backend calls a general
routine for each lane. Here the rows are turned first, and the product is one that its kernels of small matrices take.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.sparse import JAXSparse


def keras_matmul(original: Callable[..., jax.Array], x1: Any, x2: Any) -> jax.Array:
    """`keras.ops.matmul`, by `product` where rows meet weights."""
    dense = not (isinstance(x1, JAXSparse) or isinstance(x2, JAXSparse))
    if not dense or getattr(x1, "ndim", 0) < 2 or getattr(x2, "ndim", 0) != 2:
        return original(x1, x2)
    rows, weights = jnp.asarray(x1), jnp.asarray(x2)
    if rows.dtype != jnp.float32 or weights.dtype != jnp.float32:
        return original(x1, x2)
    *lead, inputs = rows.shape
    return product(rows.reshape(math.prod(lead), inputs), weights).reshape(*lead, weights.shape[1])


@jax.custom_vjp
def product(rows: jax.Array, weights: jax.Array) -> jax.Array:
    """`rows @ weights`.

    Args:
        rows: `(row, input)`.
        weights: `(input, unit)`.

    Returns:
        `(row, unit)`.
    """
    return rows @ weights


def _forward(rows: jax.Array, weights: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return rows @ weights, (rows, weights)


def _backward(saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    rows, weights = saved
    # The barrier keeps XLA from taking the turn back into the product.
    return gradient @ weights.T, lax.optimization_barrier(rows.T) @ gradient


product.defvjp(_forward, _backward)
