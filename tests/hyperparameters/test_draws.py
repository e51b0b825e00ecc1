"""Dropout's masks are those that JAX draws, however lanes are stacked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ridgeway.hyperparameters.draws import bernoulli

SHAPE = (3, 4)


def keys(differ: bool, lanes: int = 5):
    return jnp.stack([jax.random.key_data(jax.random.key(lane if differ else 7)) for lane in range(lanes)])


def jaxs(key, p):
    return jax.random.bernoulli(key, p, SHAPE)


def ours(key, p):
    return bernoulli(key, p, SHAPE)


@pytest.mark.parametrize("differ", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_lanes_mask_is_the_lone_lanes(differ: bool, dtype: str):
    stack, rates = keys(differ), jnp.linspace(0.1, 0.9, 5).astype(dtype)
    found = jax.jit(jax.vmap(ours))(stack, rates)
    np.testing.assert_array_equal(found, jax.vmap(jaxs)(stack, rates))
    assert len(np.unique(np.asarray(found), axis=0)) > 1
    # One rate for all lanes, and one key for all.
    np.testing.assert_array_equal(
        jax.vmap(lambda key: ours(key, 0.5))(stack), jax.vmap(lambda key: jaxs(key, 0.5))(stack)
    )
    one = stack[0]
    np.testing.assert_array_equal(jax.vmap(lambda p: ours(one, p))(rates), jax.vmap(lambda p: jaxs(one, p))(rates))
    both = jax.vmap(jax.vmap(ours, (0, None)), (None, 0))
    np.testing.assert_array_equal(both(stack, rates), jax.vmap(jax.vmap(jaxs, (0, None)), (None, 0))(stack, rates))


def test_derivatives_pass_a_mask_by():
    def kept(p, key, x):
        return jnp.where(ours(key, p), x, 0.0).sum()

    stack, rates, x = keys(True), jnp.linspace(0.1, 0.9, 5), jnp.ones(SHAPE)
    gradient = jax.vmap(jax.grad(kept, (0, 2)), (0, 0, None))(rates, stack, x)
    np.testing.assert_array_equal(gradient[0], np.zeros(5))
    np.testing.assert_array_equal(gradient[1], jax.vmap(jaxs)(stack, rates).astype(jnp.float32))
    out, tangent = jax.vmap(lambda p, key: jax.jvp(lambda p: kept(p, key, x), (p,), (1.0,)))(rates, stack)
    np.testing.assert_array_equal(out, jax.vmap(jaxs)(stack, rates).sum((1, 2)))
    np.testing.assert_array_equal(tangent, np.zeros(5))
