"""Random bits, drawn once for all lanes that need the same ones.

Lanes of one repeat at one step have the same seeds, hence the same random numbers: a lane's dropout mask is those
numbers against the lane's own rate. Drawn lane by lane they are half the work of a small net's step. Here a
stack whose lanes agree draws once; lanes that stand at different steps draw their own. The numbers are those that
Keras draws, either way. Where lanes can't but agree, because all of one repeat begin and go on together, the program
holds one way only, which halves what dropout costs to compile.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap

from ridgeway.hyperparameters import threefry
from ridgeway.keras_internals import draw_seed, keras_function

if TYPE_CHECKING:
    from ridgeway.hyperparameters.hyperparameter import StepContext


# Whether all lanes of the stack that is being traced are at one step of one repeat.
_in_step: contextvars.ContextVar[bool] = contextvars.ContextVar("in_step", default=False)


@contextlib.contextmanager
def shared_draws(in_step: bool = False) -> Iterator[None]:
    """Lets Keras's dropout draw through `bernoulli` while a step is traced.

    Args:
        in_step: promises that all lanes of the stack have one key at each draw.
    """
    token = _in_step.set(in_step)
    try:
        with keras_function("dropout", _keras_dropout):
            yield
    finally:
        _in_step.reset(token)


def _keras_dropout(
    _: Callable[..., jax.Array],
    inputs: Any,
    rate: Any,
    noise_shape: tuple[int | None, ...] | None = None,
    seed: Any = None,
) -> jax.Array:
    """What `keras.random.dropout` does on JAX, with the uniform numbers of its Bernoulli draw from here."""
    if rate == 1.0:
        return jnp.zeros_like(inputs)
    if rate == 0.0:
        return inputs
    key = draw_seed(seed)
    shape = tuple(
        size if wanted is None else wanted
        for size, wanted in zip(inputs.shape, noise_shape or inputs.shape, strict=True)
    )
    keep = 1.0 - rate
    mask = jnp.broadcast_to(bernoulli(key, keep, shape), inputs.shape)
    return lax.select(mask, inputs / keep, jnp.zeros_like(inputs))


def bernoulli(key: jax.Array, p: Any, shape: tuple[int, ...]) -> jax.Array:
    """As `jax.random.bernoulli(key, p, shape)`, drawn once for lanes with one key.

    Args:
        key: uint32 `(2,)`.
        p: scalar, the probability of True.
        shape: of the result.
    """
    dtype = jnp.dtype(jnp.result_type(float) if isinstance(p, float) else jnp.asarray(p).dtype)
    if _in_step.get():
        return _drawn_once(threefry.uniform, shape, dtype.name, True)(key) < p
    return _masked(shape, dtype.name)(key, lax.stop_gradient(jnp.asarray(p, dtype)))


def _while_they_agree(agree: jax.Array, draw: Callable[[], jax.Array]) -> jax.Array:
    """What all lanes draw alike; where they don't agree, nothing that could pass for a draw.

    In a branch: elsewhere XLA would compute the numbers anew for each lane, within what uses them.
    """
    drawn = jax.eval_shape(draw)
    never = -1 if drawn.dtype == "int32" else jnp.nan
    return lax.cond(agree, draw, lambda: jnp.full(drawn.shape, never, drawn.dtype))


@cache
def _masked(shape: tuple[int, ...], dtype: str) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Of a key and a probability, whether each number is below it: a quarter of the numbers' bytes for each lane."""

    def plain(key: jax.Array, p: jax.Array) -> jax.Array:
        return threefry.uniform(key, shape, dtype) < p

    draw = custom_vmap(plain)

    @draw.def_vmap
    def stacked(size: int, batched: list[bool], keys: jax.Array, p: jax.Array) -> tuple[jax.Array, bool]:
        keys = keys if batched[0] else jnp.broadcast_to(keys, (size, *keys.shape))
        p = p if batched[1] else jnp.broadcast_to(p, (size,))
        agree = jnp.all(keys == keys[:1])
        numbers = _while_they_agree(agree, lambda: threefry.uniform(keys[0], shape, dtype))
        each = p.reshape(size, *[1] * len(shape))
        return lax.cond(agree, lambda: numbers < each, lambda: jax.vmap(plain)(keys, p)), True

    return draw


def normal(key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """As `jax.random.normal(key, shape, dtype)`, drawn once for lanes with one key.

    Args:
        key: uint32 `(2,)`.
        shape: of the result.
        dtype: of the result, floating.
    """
    return _drawn_once(threefry.normal, shape, jnp.dtype(dtype).name, _in_step.get())(key)


def permutation(key: jax.Array, size: int) -> jax.Array:
    """As `jax.random.permutation(key, size)`, int32 `(size,)`, drawn once for lanes with one key.

    Args:
        key: uint32 `(2,)`.
        size: how many numbers to put in order.
    """
    return _drawn_once(_permuted, (size,), "int32", _in_step.get())(key)


def _permuted(key: jax.Array, shape: tuple[int, ...], dtype: str) -> jax.Array:
    return jax.random.permutation(key, shape[0]).astype(dtype)


def place_key(context: StepContext, place: int) -> jax.Array:
    """The key of a place in the model at a lane's step: that of Keras's generator of seed `context.seed + place`.

    Args:
        context: of the step.
        place: told apart from other places, below 2**32.

    Returns:
        uint32 `(2,)`, as the generator has it at its `context.step`-th draw.
    """
    return jnp.stack([context.seed + jnp.uint32(place), context.step.astype(jnp.uint32)])


@cache
def _drawn_once(
    random: Callable[[jax.Array, tuple[int, ...], str], jax.Array], shape: tuple[int, ...], dtype: str, in_step: bool
) -> Callable[[jax.Array], jax.Array]:
    def plain(key: jax.Array) -> jax.Array:
        return random(key, shape, dtype)

    draw = custom_vmap(plain)

    @draw.def_vmap
    def stacked(size: int, batched: list[bool], keys: jax.Array) -> tuple[jax.Array, bool]:
        def once(keys: jax.Array) -> jax.Array:
            return jnp.broadcast_to(plain(keys[0]), (size, *shape))

        agree = jnp.all(keys == keys[:1])
        if in_step:
            return _while_they_agree(agree, lambda: plain(keys[0])), False
        return lax.cond(agree, once, jax.vmap(plain), keys), True

    return draw
