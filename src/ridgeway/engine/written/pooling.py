"""Max pooling over windows that don't overlap, without XLA's select-and-scatter.

On a CPU that walks each window with its indices, forward and again for the gradient: 9 to 12 times slower than
comparing the places of all windows with each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ridgeway.engine.written.apart import apart
from ridgeway.engine.written.convolution import Pair, pair

# Places in a window beyond which comparing them one by one is long to compile.
_MOST_PLACES = 16


def keras_max_pool(
    original: Callable[..., jax.Array],
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> jax.Array:
    """`keras.ops.max_pool`, by `max_pool` where it can be."""
    if inputs.ndim == 4 and data_format != "channels_first":
        size = pair(pool_size)
        fits = [divmod(have, want) for have, want in zip(inputs.shape[1:3], size, strict=True)]
        whole = padding == "valid" or not any(left for _, left in fits)
        disjoint = strides is None or pair(strides) == size
        if disjoint and whole and all(times for times, _ in fits) and 1 < size[0] * size[1] <= _MOST_PLACES:
            return max_pool(jnp.asarray(inputs), size)
    return original(inputs, pool_size, strides, padding, data_format)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(inputs: jax.Array, size: Pair) -> jax.Array:
    """The greatest value of each window; rows and columns left over are left out.

    Args:
        inputs: `(batch, height, width, channel)`.
        size: height and width of a window, and the steps between windows.

    Returns:
        `(batch, height // size[0], width // size[1], channel)`. As in JAX, the gradient goes to the first place, row by
        row, of those that are equal.
    """
    return _greatest(_places(inputs, size))


def _places(inputs: jax.Array, size: Pair) -> list[jax.Array]:
    """Each place of all windows, row by row."""
    height, width = (have // want * want for have, want in zip(inputs.shape[1:3], size, strict=True))
    return [
        inputs[:, row : height : size[0], column : width : size[1]]
        for row, column in itertools.product(range(size[0]), range(size[1]))
    ]


def _greatest(places: Sequence[jax.Array]) -> jax.Array:
    return places[0] if len(places) == 1 else lax.max(_greatest(places[::2]), _greatest(places[1::2]))


def _forward(inputs: jax.Array, size: Pair) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    greatest = _greatest(_places(inputs, size))
    return greatest, (inputs, greatest)


def _backward(size: Pair, saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array]:
    inputs, greatest = saved
    batch, high, wide, channels = greatest.shape

    def place(greatest: jax.Array, inputs: jax.Array) -> jax.Array:
        """The number of the first place that holds the greatest value, int8."""
        places = _places(inputs, size)
        found = jnp.full(greatest.shape, len(places) - 1, jnp.int8)
        for number in range(len(places) - 2, -1, -1):
            found = jnp.where(places[number] == greatest, jnp.int8(number), found)
        return found

    def spread(gradient: jax.Array, found: jax.Array) -> jax.Array:
        number = np.arange(size[0] * size[1], dtype=np.int8).reshape(1, 1, size[0], 1, size[1], 1)
        own = found[:, :, None, :, None] == number
        whole = jnp.where(own, gradient[:, :, None, :, None], 0).reshape(
            batch, high * size[0], wide * size[1], channels
        )
        return jnp.pad(whole, [(0, have - got) for have, got in zip(inputs.shape, whole.shape, strict=True)])

    return (apart(spread, gradient, apart(place, greatest, inputs)),)


max_pool.defvjp(_forward, _backward)
