"""Norms against NumPy's, and the laws that make them norms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ridgeway import InputError, norm
from ridgeway.norms import power_sum
from ridgeway.regularizers import GroupLasso, Lp

weights = arrays(np.float64, 6, elements=st.floats(-1e3, 1e3, allow_subnormal=False))
powers = st.floats(1.0, 20.0)


@given(weights, powers)
def test_it_is_numpys_vector_norm(w, p):
    np.testing.assert_allclose(norm(w, p), np.linalg.norm(w, p), rtol=1e-9, atol=1e-12)
    assert norm(w, np.inf) == np.abs(w).max()
    assert norm(w, 0) == np.count_nonzero(w)
    np.testing.assert_allclose(
        norm(w.reshape(2, 3), p, axis=1), np.linalg.norm(w.reshape(2, 3), p, axis=1), rtol=1e-9, atol=1e-12
    )


@given(weights, weights, st.floats(-50, 50), powers)
def test_homogeneous_and_triangle(w, v, factor, p):
    np.testing.assert_allclose(norm(factor * w, p), abs(factor) * norm(w, p), rtol=1e-9, atol=1e-9)
    assert norm(w + v, p) <= norm(w, p) + norm(v, p) + 1e-9 * (1 + norm(w, p) + norm(v, p))


@given(weights, st.floats(0.2, 10), st.floats(0.2, 10))
def test_a_larger_p_gives_no_larger_norm(w, p, q):
    low, high = sorted((p, q))
    assert norm(w, high) <= norm(w, low) * (1 + 1e-9)


def test_below_1_the_triangle_inequality_fails():
    one, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert norm(one + other, 0.5) == pytest.approx(4.0)
    assert norm(one + other, 0.5) > norm(one, 0.5) + norm(other, 0.5)


def test_it_takes_what_holds_weights_and_survives_extremes():
    assert norm(keras.Variable([3.0, 4.0])) == pytest.approx(5.0)
    assert norm(jnp.array([[3.0], [4.0]]), 2) == pytest.approx(5.0)
    assert norm([1e200, 1e200], 2) == pytest.approx(np.sqrt(2) * 1e200)
    assert norm(np.zeros(3), 0.5) == 0
    assert norm(np.array([3 + 4j, 0]), 2) == pytest.approx(5.0)
    assert norm(np.array([-128, 0], "int8"), 2) == 128
    assert norm(jnp.array([3.0, 4.0], "bfloat16")) == 5


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, np.inf])
def test_weights_that_blew_up_are_not_hidden(p):
    rows = np.array([[np.inf, 1.0], [-np.inf, np.inf], [np.nan, 1.0], [3.0, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(norm(rows, p, axis=1), [np.inf, np.inf, np.nan, 3.0, 0.0])
    assert norm(rows[0], p) == np.linalg.norm(rows[0], p) == np.inf


def test_a_norm_beyond_the_largest_float_is_infinite():
    # 2^10000; pytest would raise a warning of overflow.
    assert norm([1.0, 1.0], 1e-4) == np.inf


@pytest.mark.parametrize("p", [-1, float("nan"), "2"])
def test_what_is_no_exponent(p):
    with pytest.raises(InputError, match="Pass p from 0 to inf"):
        norm([1.0], p)


W = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def test_lp_is_keras_l1_and_l2_and_the_norms_power():
    for p, keras_one in ((1, keras.regularizers.L1(0.3)), (2, keras.regularizers.L2(0.3))):
        assert float(Lp(p, 0.3)(jnp.array(W))) == float(keras_one(jnp.array(W)))
    for p in (0.5, 1.5, 3.0):
        np.testing.assert_allclose(Lp(p, 0.3)(jnp.array(W)), 0.3 * norm(W, p) ** p, rtol=1e-4)


@pytest.mark.parametrize("p", [0.3, 0.9, 1.0, 1.5, 2.0, 4.0])
def test_gradients_are_finite_at_0_and_the_formulas_elsewhere(p):
    slope = jax.grad(lambda w: power_sum(w, p))
    assert np.isfinite(slope(jnp.zeros(3))).all()
    np.testing.assert_allclose(slope(jnp.array(W)), p * np.abs(W) ** (p - 1) * np.sign(W), rtol=1e-3)
    traced = jax.jit(jax.grad(power_sum))(jnp.array(W), jnp.float32(p))
    np.testing.assert_allclose(traced, slope(jnp.array(W)), rtol=1e-4)


def test_group_lasso_is_the_sum_of_row_norms():
    np.testing.assert_allclose(GroupLasso(0.5)(jnp.array(W)), 0.5 * np.linalg.norm(W, axis=1).sum(), rtol=1e-6)
    np.testing.assert_allclose(GroupLasso(0.5, axis=-1)(jnp.array(W)), 0.5 * np.linalg.norm(W, axis=0).sum(), rtol=1e-6)
    assert np.isfinite(jax.grad(GroupLasso(1.0))(jnp.zeros((3, 2)))).all()


@pytest.mark.parametrize("regularizer", [Lp(1.5, 0.2), GroupLasso(0.2)])
def test_they_survive_a_file(regularizer, tmp_path):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, kernel_regularizer=regularizer)])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[0].kernel_regularizer.get_config() == regularizer.get_config()
    np.testing.assert_allclose(again.losses[0], model.losses[0], rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Lp(0.0),
        lambda: Lp("2"),
        lambda: Lp(2.0, -1.0),
        lambda: GroupLasso(float("nan")),
        lambda: GroupLasso("a"),
    ],
)
def test_values_out_of_range(make):
    with pytest.raises(InputError, match="is out of range"):
        make()
