"""Convolutions written in other ways equal JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ridgeway.engine.convolution import convolution, patches_product

LAYOUT = ("NHWC", "HWIO", "NHWC")


def reference(inputs, kernel, stride, pads, dilation):
    return lax.conv_general_dilated(
        inputs, kernel, stride, pads, rhs_dilation=dilation, dimension_numbers=LAYOUT, precision="highest"
    )


@pytest.mark.parametrize("way", [convolution, patches_product])
@pytest.mark.parametrize("size", [(9, 8), (10, 13)])
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 4)])
@pytest.mark.parametrize(
    ("stride", "dilation"), [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 1)), ((3, 2), (1, 2))]
)
@pytest.mark.parametrize("padding", ["valid", "same", ((2, 0), (0, 1))])
def test_values_and_gradients_equal_those_of_jax(way, size, window, stride, dilation, padding):
    if dilation[1] * (window[1] - 1) + 1 > size[1]:
        pytest.skip("the window is larger than the image")
    random = np.random.default_rng([*size, *window, *stride])
    inputs = jnp.asarray(random.normal(size=(3, *size, 2)), jnp.float32)
    kernel = jnp.asarray(random.normal(size=(*window, 2, 4)), jnp.float32)
    if isinstance(padding, str):
        spread = tuple((n - 1) * d + 1 for n, d in zip(window, dilation, strict=True))
        padding = tuple(map(tuple, lax.padtype_to_pads(size, spread, stride, padding.upper())))
    expected, pull = jax.vjp(lambda i, k: reference(i, k, stride, padding, dilation), inputs, kernel)
    found, own_pull = jax.vjp(lambda i, k: way(i, k, stride, padding, dilation), inputs, kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    upstream = jnp.asarray(random.normal(size=expected.shape), jnp.float32)
    for own, theirs in zip(own_pull(upstream), pull(upstream), strict=True):
        assert own.shape == theirs.shape
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("way", [convolution, patches_product])
def test_lanes_side_by_side_equal_lanes_alone(way):
    random = np.random.default_rng(0)
    inputs = jnp.asarray(random.normal(size=(4, 3, 7, 6, 2)), jnp.float32)
    kernels = jnp.asarray(random.normal(size=(4, 3, 2, 2, 3)), jnp.float32)

    def loss(image, kernel):
        return jnp.sum(jnp.sin(way(image, kernel, (2, 1), ((1, 1), (0, 1)), (1, 2))))

    gradient = jax.grad(loss, argnums=(0, 1))
    together = jax.vmap(gradient)(inputs, kernels)
    for lane in range(4):
        for stacked, alone in zip(together, gradient(inputs[lane], kernels[lane]), strict=True):
            np.testing.assert_allclose(stacked[lane], alone, rtol=1e-5, atol=1e-5)
