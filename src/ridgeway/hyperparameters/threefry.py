"""JAX's random numbers, written out so that XLA computes them in one pass.

On a CPU `jax.random` runs the rounds of Threefry-2x32 (Salmon, Moraes, Dror & Shaw 2011, Parallel Random Numbers: As
Easy as 1, 2, 3) in a rolled loop, which writes every round to memory. Written out, it is one elementwise computation
that XLA fuses with what the numbers are for. The numbers are the same, bit for bit
(`tests/hyperparameters/test_threefry.py`).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# Of Threefry-2x32 with 20 rounds: rotations of the even and the odd groups of four, and the parity word of the key.
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_GROUPS = 5
_PARITY = np.uint32(0x1BD11BDA)
# Below 1.0 in float32: a fraction's bits get its exponent, and 1.0 is taken off.
_ONE, _MANTISSA = np.uint32(0x3F800000), np.uint32(9)


def uniform(key: jax.Array, shape: tuple[int, ...], dtype: str, low: float = 0.0) -> jax.Array:
    """As `jax.random.uniform(key, shape, dtype, low, 1.0)`.

    Args:
        key: uint32 `(2,)`.
        shape: of the result.
        dtype: of the result, floating.
        low: least value.
    """
    if not _written_out(shape, dtype):
        return jax.random.uniform(key, shape, dtype, low, 1.0)
    unit = lax.bitcast_convert_type((_bits(key, shape) >> _MANTISSA) | _ONE, jnp.float32) - np.float32(1.0)
    least = np.float32(low)
    return lax.max(least, unit * (np.float32(1.0) - least) + least)


def normal(key: jax.Array, shape: tuple[int, ...], dtype: str) -> jax.Array:
    """As `jax.random.normal(key, shape, dtype)`; arguments as in `uniform`."""
    if not _written_out(shape, dtype):
        return jax.random.normal(key, shape, dtype)
    least = np.nextafter(np.float32(-1.0), np.float32(0.0))
    return np.float32(np.sqrt(2)) * lax.erf_inv(uniform(key, shape, dtype, float(least)))


def _written_out(shape: tuple[int, ...], dtype: str) -> bool:
    """Whether JAX draws by Threefry with a counter a number, of which one word is enough, and these are float32."""
    return (
        jnp.dtype(dtype) == jnp.float32
        and math.prod(shape) < 2**32
        and str(jax.config.values["jax_default_prng_impl"]) == "threefry2x32"
        and bool(jax.config.values["jax_threefry_partitionable"])
    )


def _bits(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Random uint32 of a shape: both words of the cipher of each number's place, joined."""
    place = lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    first, second = _threefry(key[0], key[1], jnp.zeros(shape, jnp.uint32), place)
    return first ^ second


def _threefry(key0: jax.Array, key1: jax.Array, word0: jax.Array, word1: jax.Array) -> tuple[jax.Array, jax.Array]:
    keys = (key0, key1, key0 ^ key1 ^ _PARITY)
    word0, word1 = word0 + key0, word1 + key1
    for group in range(_GROUPS):
        for rotation in _ROTATIONS[group % 2]:
            word0 = word0 + word1
            word1 = ((word1 << np.uint32(rotation)) | (word1 >> np.uint32(32 - rotation))) ^ word0
        word0 = word0 + keys[(group + 1) % 3]
        word1 = word1 + keys[(group + 2) % 3] + np.uint32(group + 1)
    return word0, word1
