"""Layers written in other ways equal Keras's and JAX's own."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from jax import lax

import ridgeway as rw
from ridgeway.engine.written import WRITTEN, convolution, written
from ridgeway.engine.written.apart import apart
from ridgeway.engine.written.convolution import patches_product, taps
from ridgeway.engine.written.pooling import max_pool

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


class Doubled(keras.layers.LSTMCell):
    """A cell of one's own."""

    def call(self, inputs, states, training=False):
        output, (_, cell) = super().call(inputs, states, training=training)
        return 2 * output, [2 * output, cell]


class DoubledLSTM(keras.layers.LSTM):
    """With that cell in the place of Keras's."""

    def __init__(self, units):
        super().__init__(units)
        self.cell = Doubled(units)


def layers():
    """Layers with the shapes of their inputs, and the ways in which they are written otherwise."""
    pool, convolution = keras.layers.MaxPooling2D, keras.layers.Conv2D
    cpu, lockstep, both = {"cpu"}, {"cpu in lockstep"}, {"cpu", "patches"}
    yield pool(), (2, 8, 9, 3), cpu
    yield pool(padding="same"), (2, 8, 9, 3), set()
    yield pool(strides=1), (2, 8, 9, 3), set()
    yield pool((4, 3), padding="same"), (2, 8, 9, 3), cpu
    yield pool(5), (2, 8, 9, 3), set()
    yield pool(data_format="channels_first"), (2, 3, 8, 8), set()
    yield pool(9), (2, 8, 9, 3), set()
    yield keras.layers.MaxPooling1D(), (2, 8, 3), set()
    yield keras.layers.Dense(4), (3, 5), lockstep
    yield keras.layers.Dense(4), (3, 2, 5), lockstep
    yield keras.layers.Dense(4), (0, 5), lockstep
    yield keras.layers.Dense(4, dtype="bfloat16"), (3, 5), set()
    yield keras.layers.MultiHeadAttention(2, 3), None, set()
    yield convolution(4, 3, strides=2, padding="same"), (2, 8, 9, 3), both
    yield convolution(4, 3, padding="same"), (2, 8, 9, 5), both
    yield convolution(4, 3, padding="same"), (0, 8, 9, 3), both
    yield convolution(4, 3, groups=2), (2, 8, 9, 4), set()
    yield convolution(4, 3, dtype="bfloat16"), (2, 8, 9, 3), {"patches"}
    yield keras.layers.Conv1D(4, 3), (2, 8, 3), set()
    for given, ways in (
        ({}, cpu | lockstep),
        ({"return_sequences": True}, cpu | lockstep),
        ({"return_sequences": True, "go_backwards": True}, cpu | lockstep),
        ({"go_backwards": True, "use_bias": False}, cpu | lockstep),
        ({"activation": "relu"}, lockstep),
        ({"unroll": True}, lockstep),
        ({"return_sequences": True, "return_state": True}, cpu | lockstep),
    ):
        yield keras.layers.LSTM(4, **given), (3, 6, 5), ways
    yield DoubledLSTM(4), (3, 6, 5), lockstep
    yield keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True)), (3, 6, 5), cpu | lockstep


@pytest.mark.parametrize("place", range(len(list(layers()))))
def test_layers_give_what_keras_gives_and_the_same_gradients(place):
    layer, shape, ways = list(layers())[place]
    random = np.random.default_rng(place)
    half = layer.compute_dtype == "bfloat16"
    inputs = jnp.asarray(random.normal(size=shape or (2, 6, 4)), layer.compute_dtype)
    arguments = (inputs, inputs) if shape is None else (inputs,)
    layer(*arguments)
    values = [jnp.asarray(random.normal(size=v.shape), v.dtype) for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]

    def loss(values, arguments):
        found = layer.stateless_call(values, fixed, *arguments)[0]
        return sum(jnp.sum(jnp.sin(part + k)) for k, part in enumerate(jax.tree.leaves(found)))

    def traced():
        # A function of its own each time: what was traced is remembered.
        return jax.jit(lambda *given: jax.value_and_grad(loss, argnums=(0, 1))(*given)).trace(values, arguments)

    kerass = traced()
    expected = kerass.lower().compile()(values, arguments)
    for how in WRITTEN:
        with written(how):
            own = traced()
        assert (str(own.jaxpr) != str(kerass.jaxpr)) == (how in ways), how
        if how in ways:
            found = own.lower().compile()(values, arguments)
            for one, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                tolerance = 5e-2 if half else 1e-4
                one, theirs = np.asarray(one, np.float32), np.asarray(theirs, np.float32)
                np.testing.assert_allclose(one, theirs, rtol=tolerance, atol=tolerance)


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


def test_sparse_inputs_are_left_to_keras():
    inputs = keras.Input((1,), dtype="int32")
    codes = keras.layers.CategoryEncoding(num_tokens=6, output_mode="one_hot", sparse=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(codes))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).integers(0, 6, (32, 1))
    path = rw.fit_path(model, x, (x > 2).astype("float32"), rw.Grid(l2=[0.0, 0.1]), validation_split=0.25, epochs=2)
    assert np.isfinite(path.history()["loss"]).all()


class Smooth(keras.Model):
    """Penalizes the slope along the inputs, by a derivative that JAX takes forward."""

    def __init__(self):
        super().__init__()
        self.parts = [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)]

    def call(self, x):
        return self.parts[1](self.parts[0](x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **_):
        slope = jax.jvp(self, (x,), (jnp.ones_like(x),))[1]
        return keras.ops.mean((y_pred - y) ** 2) + keras.ops.mean(slope**2)


@pytest.mark.filterwarnings("ignore:.*compared by")
def test_losses_of_derivatives_train_as_with_keras():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    keras.utils.set_random_seed(0)
    model = Smooth()
    model(x[:1])
    model.compile("sgd")
    given = {"batch_size": 16, "epochs": 2, "validation_split": 0.25, "verbose": 0, "shuffle": False}
    by = {
        name: rw.fit_path(model, x, x[:, :1], rw.Grid(weight_decay=[0.0, 0.1]), executor=name, **given)
        for name in ("auto", "steps")
    }
    np.testing.assert_allclose(by["auto"].history()["loss"], by["steps"].history()["loss"], rtol=1e-5)


@pytest.mark.parametrize("how", ["cpu", "cpu in lockstep"])
def test_forward_over_reverse_derivatives(how):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.MaxPooling2D(), keras.layers.Reshape((9, 2))]
    )
    model.add(keras.layers.LSTM(3))
    model.add(keras.layers.Dense(1))
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 1)), jnp.float32)
    weights, fixed = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]

    def product():
        def loss(weights):
            return jnp.sum(model.stateless_call(weights, fixed, x)[0] ** 2)

        return jax.jvp(jax.grad(loss), (weights,), ([jnp.ones_like(w) for w in weights],))[1]

    expected = product()
    with written(how):
        for own, theirs in zip(product(), expected, strict=True):
            np.testing.assert_allclose(own, theirs, rtol=1e-3, atol=1e-4)


def test_one_value_that_is_no_number_sends_no_gradient_elsewhere():
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 1)), jnp.float32).at[0, 0, 0, 0].set(jnp.nan)

    def gradient(pool):
        return jax.grad(
            lambda x: jnp.sum(jnp.where(jnp.isnan(p := pool(x)), 0, p * jnp.arange(1.0, 5).reshape(2, 2, 1)))
        )

    theirs = gradient(lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"))(inputs)
    np.testing.assert_array_equal(gradient(lambda x: max_pool(x, (2, 2)))(inputs), theirs)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_what_is_computed_apart_is_the_same_whatever_its_operands(dtype):
    values = jnp.arange(6.0, dtype=dtype).reshape(2, 3)
    for given in (values, values.at[0, 0].set(jnp.nan), values.at[0, 0].set(-jnp.inf), values[:0]):
        found, flags = apart(lambda a, b: (a + b, a > 2), given, jnp.asarray(1, dtype))
        np.testing.assert_array_equal(*(np.asarray(one, np.float32) for one in (found, given + 1)))
        np.testing.assert_array_equal(flags, given > 2)
    assert "cond[" in str(jax.make_jaxpr(lambda a: apart(jnp.sin, a))(values))
