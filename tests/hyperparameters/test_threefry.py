"""The numbers are those of JAX, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgeway.hyperparameters import threefry

WORDS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.integers(0, 7), max_size=4).map(tuple)


@settings(max_examples=40, deadline=None)
@given(first=WORDS, second=WORDS, shape=SHAPES)
def test_uniform_and_normal_numbers_are_those_of_jax(first, second, shape):
    key = jnp.array([first, second], jnp.uint32)
    np.testing.assert_array_equal(threefry.uniform(key, shape, "float32"), jax.random.uniform(key, shape, "float32"))
    np.testing.assert_array_equal(threefry.normal(key, shape, "float32"), jax.random.normal(key, shape, "float32"))


def test_many_numbers_compiled_and_by_lane():
    keys = jnp.array([[0, 1], [7, 7], [2**31, 5]], jnp.uint32)
    for own, theirs in ((threefry.uniform, jax.random.uniform), (threefry.normal, jax.random.normal)):
        found = jax.jit(jax.vmap(lambda key, own=own: own(key, (300, 70), "float32")))(keys)
        expected = jax.vmap(lambda key, theirs=theirs: theirs(key, (300, 70), "float32"))(keys)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_other_types_are_left_to_jax(dtype):
    key = jnp.array([3, 4], jnp.uint32)
    np.testing.assert_array_equal(threefry.uniform(key, (9,), dtype), jax.random.uniform(key, (9,), dtype))
    np.testing.assert_array_equal(threefry.normal(key, (9,), dtype), jax.random.normal(key, (9,), dtype))


def test_another_generator_of_the_users_is_left_to_jax():
    with jax.default_prng_impl("rbg"):
        assert not threefry._written_out((3,), "float32")
    with jax.threefry_partitionable(False):
        assert not threefry._written_out((3,), "float32")
    assert threefry._written_out((3,), "float32")


def test_what_is_random_is_one_computation_of_its_own():
    text = str(jax.make_jaxpr(lambda key: threefry.uniform(key, (8,), "float32"))(jnp.zeros(2, jnp.uint32)))
    assert "while" not in text and "scan" not in text and "random" not in text
