"""Layers written in other ways equal Keras's and JAX's own."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from jax import lax

from ridgeway.engine.written import WRITTEN, convolution, written
from ridgeway.engine.written.apart import apart
from ridgeway.engine.written.convolution import patches_product, taps
from ridgeway.engine.written.pooling import max_pool
from ridgeway.engine.written.products import product

LAYOUT = ("NHWC", "HWIO", "NHWC")


def reference(inputs, kernel, stride, pads, dilation):
    return lax.conv_general_dilated(
        inputs, kernel, stride, pads, rhs_dilation=dilation, dimension_numbers=LAYOUT, precision="highest"
    )


@pytest.mark.parametrize("way", [taps, patches_product])
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
    # Few channels, and more than go by taps.
    channels = 2 if size[0] == 9 else 5
    inputs = jnp.asarray(random.normal(size=(3, *size, channels)), jnp.float32)
    kernel = jnp.asarray(random.normal(size=(*window, channels, 4)), jnp.float32)
    if isinstance(padding, str):
        spread = tuple((n - 1) * d + 1 for n, d in zip(window, dilation, strict=True))
        padding = tuple(map(tuple, lax.padtype_to_pads(size, spread, stride, padding.upper())))

    def values(function):
        def both(inputs, kernel):
            found, pull = jax.vjp(lambda i, k: function(i, k, stride, padding, dilation), inputs, kernel)
            return found, pull(jnp.cos(jnp.arange(found.size, dtype=jnp.float32)).reshape(found.shape))

        return jax.tree.leaves(jax.jit(both)(inputs, kernel))

    for own, theirs in zip(values(way), values(reference), strict=True):
        assert own.shape == theirs.shape
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("way", [taps, patches_product])
def test_lanes_side_by_side_equal_lanes_alone(way):
    random = np.random.default_rng(0)
    inputs = jnp.asarray(random.normal(size=(4, 3, 7, 6, 2)), jnp.float32)
    kernels = jnp.asarray(random.normal(size=(4, 3, 2, 2, 3)), jnp.float32)

    def loss(image, kernel):
        return jnp.sum(jnp.sin(way(image, kernel, (2, 1), ((1, 1), (0, 1)), (1, 2))))

    gradient = jax.grad(loss, argnums=(0, 1))
    together = jax.jit(jax.vmap(gradient))(inputs, kernels)
    alone_of = jax.jit(gradient)
    for lane in range(4):
        for stacked, alone in zip(together, alone_of(inputs[lane], kernels[lane]), strict=True):
            np.testing.assert_allclose(stacked[lane], alone, rtol=1e-5, atol=1e-5)


def test_what_would_take_too_much_memory_goes_by_convolution(monkeypatch):
    random = np.random.default_rng(0)
    inputs = jnp.asarray(random.normal(size=(3, 9, 8, 2)), jnp.float32)
    kernel = jnp.asarray(random.normal(size=(3, 2, 2, 4)), jnp.float32)
    arguments = ((2, 1), ((1, 1), (0, 1)), (1, 2))

    def gradient(inputs):
        return jax.grad(lambda image: jnp.sum(jnp.sin(taps(image, kernel, *arguments))))(inputs)

    by_product = gradient(inputs)
    monkeypatch.setattr(convolution, "_LARGEST", 0)
    assert "conv_general_dilated" in str(jax.make_jaxpr(gradient)(inputs))
    np.testing.assert_allclose(gradient(inputs), by_product, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(2, 2), (3, 2), (1, 4), (4, 4)])
@pytest.mark.parametrize("shape", [(2, 8, 12, 3), (3, 9, 7, 1)])
@pytest.mark.parametrize("values", ["few", "many"])
def test_max_pooling_equals_jaxs_where_values_are_equal_too(size, shape, values):
    random = np.random.default_rng(0)
    drawn = random.integers(0, 3, shape) if values == "few" else random.normal(size=shape)
    inputs = jnp.asarray(drawn, jnp.float32)

    def theirs(inputs):
        return lax.reduce_window(inputs, -jnp.inf, lax.max, (1, *size, 1), (1, *size, 1), "VALID")

    expected, pull = jax.vjp(theirs, inputs)
    found, own_pull = jax.vjp(lambda given: max_pool(given, size), inputs)
    np.testing.assert_array_equal(found, expected)
    upstream = jnp.asarray(random.normal(size=expected.shape), jnp.float32)
    np.testing.assert_array_equal(own_pull(upstream)[0], pull(upstream)[0])


def layers():
    """Layers with the shapes of their inputs, in which each way has something to do or must leave it."""
    pools = [{}, {"padding": "same"}, {"strides": 1}, {"pool_size": (3, 2), "padding": "same"}, {"pool_size": 5}]
    yield from ((keras.layers.MaxPooling2D(**given), (2, 8, 9, 3)) for given in pools)
    yield keras.layers.MaxPooling2D(data_format="channels_first"), (2, 3, 8, 8)
    yield keras.layers.MaxPooling2D(pool_size=9), (2, 8, 9, 3)
    yield keras.layers.MaxPooling1D(), (2, 8, 3)
    yield keras.layers.Dense(4), (3, 5)
    yield keras.layers.Dense(4), (3, 2, 5)
    yield keras.layers.MultiHeadAttention(2, 3), None
    yield keras.layers.Conv2D(4, 3, strides=2, padding="same"), (2, 8, 9, 3)
    yield keras.layers.Conv2D(4, 3, groups=2), (2, 8, 9, 4)
    yield keras.layers.Conv1D(4, 3), (2, 8, 3)
    for given in (
        {},
        {"return_sequences": True},
        {"return_sequences": True, "go_backwards": True},
        {"go_backwards": True, "use_bias": False},
        {"activation": "relu"},
        {"unroll": True},
        {"return_sequences": True, "return_state": True},
    ):
        yield keras.layers.LSTM(4, **given), (3, 6, 5)
    yield keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True)), (3, 6, 5)


@pytest.mark.parametrize("how", [how for how in WRITTEN if how != "keras"])
@pytest.mark.parametrize("place", range(len(list(layers()))))
def test_layers_give_what_keras_gives_and_the_same_gradients(how, place):
    layer, shape = list(layers())[place]
    random = np.random.default_rng(place)
    inputs = jnp.asarray(random.normal(size=shape or (2, 6, 4)), jnp.float32)
    arguments = (inputs, inputs) if shape is None else (inputs,)
    if how == "patches" and not layer.name.startswith("conv"):
        pytest.skip("only convolutions are written that way")
    layer(*arguments)
    values = [jnp.asarray(random.normal(size=v.shape), jnp.float32) for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]

    def loss(values, arguments):
        found = layer.stateless_call(values, fixed, *arguments)[0]
        return sum(jnp.sum(jnp.sin(part + k)) for k, part in enumerate(jax.tree.leaves(found)))

    gradient = jax.value_and_grad(loss, argnums=(0, 1))
    # Two functions: what was traced is remembered.
    expected = jax.jit(lambda *given: gradient(*given))(values, arguments)
    with written(how):
        found = jax.jit(lambda *given: gradient(*given))(values, arguments)
    for own, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-4)


def test_masked_sequences_are_left_to_keras():
    model = keras.Sequential([keras.Input((6, 2)), keras.layers.Masking(0.0), keras.layers.LSTM(3)])
    given = np.random.default_rng(0).normal(size=(4, 6, 2)).astype(np.float32)
    given[:2, 3:] = 0.0
    expected = model(given)
    with written("cpu"):
        np.testing.assert_allclose(model(given), expected, rtol=1e-5, atol=1e-6)


def test_lstms_side_by_side_equal_lstms_alone():
    from ridgeway.engine.written.recurrent import lstm

    random = np.random.default_rng(0)
    shapes = [(6, 3, 2), (2, 16), (4, 16), (16,), (3, 4), (3, 4)]
    stacks = [jnp.asarray(random.normal(size=(5, *shape)), jnp.float32) for shape in shapes]
    gradient = jax.grad(lambda *given: sum(jnp.sum(jnp.sin(part)) for part in lstm(*given)), argnums=tuple(range(6)))
    together = jax.jit(jax.vmap(gradient))(*stacks)
    alone_of = jax.jit(gradient)
    for lane in range(5):
        for stacked, alone in zip(together, alone_of(*(stack[lane] for stack in stacks)), strict=True):
            np.testing.assert_allclose(stacked[lane], alone, rtol=1e-4, atol=1e-5)


def test_products_of_rows_of_lower_precision_are_left_to_keras():
    rows, weights = jnp.ones((3, 4), jnp.bfloat16), jnp.ones((4, 2), jnp.bfloat16)
    with written("cpu in lockstep"):
        assert keras.ops.matmul(rows, weights).dtype == jnp.bfloat16
    assert jax.grad(lambda w: product(rows.astype(jnp.float32), w).sum())(jnp.ones((4, 2))).shape == (4, 2)


def test_what_is_computed_apart_is_not_a_number_where_its_first_operand_is_none():
    values = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(apart(lambda a, b: (a + b, a > 2), values, 1.0)[0], values + 1)
    found, flags = apart(lambda a, b: (a + b, a > 2), values.at[0, 0].set(jnp.nan), 1.0)
    assert bool(jnp.isnan(found).all()) and not bool(flags.any())
