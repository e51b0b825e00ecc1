"""The state that each repeat starts from."""

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.engine.state import initial_states, read_state, repeat_seed
from ridgeway.keras_internals import build as build_variables

SEED = 3


def built(*made, inputs=(6,), optimizer=None):
    model = keras.Sequential([keras.Input(inputs), *made, layers.Flatten(), layers.Dense(2)])
    model.compile(optimizer or keras.optimizers.SGD(0.1), "mse")
    batch = (np.zeros((1, *inputs), "float32"), np.zeros((1, 2), "float32"), None)
    build_variables(model, batch)
    return model


def named(model, values):
    return {variable.path: value for variable, value in zip(model.trainable_variables, values, strict=True)}


def dense():
    return built(layers.Dense(6, name="a"), layers.Dense(6, name="b"), layers.Dropout(0.5, seed=8))


def test_the_first_repeat_is_the_model_as_it_is():
    model = dense()
    first = initial_states(model, 2, SEED)[0]
    for variable, value in zip(model.trainable_variables, first.trainable, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_reading_a_state_gives_copies_of_all_variables():
    model = dense()
    state = read_state(model)
    state.trainable[0][:] = 7.0
    assert not (model.trainable_variables[0].numpy() == 7.0).any()
    assert len(state.optimizer) == len(model.optimizer.variables)
    assert len(state.metrics) == len(model.metrics_variables)


def test_further_repeats_draw_kernels_and_keep_constants():
    model = dense()
    first, second, third = (named(model, state.trainable) for state in initial_states(model, 3, SEED))
    for path, value in first.items():
        if path.endswith("bias"):
            np.testing.assert_array_equal(second[path], value)
        else:
            # Glorot's: of the same spread, and no two alike.
            assert abs(second[path]).max() <= np.sqrt(6 / sum(value.shape))
            assert len({x.tobytes() for x in (value, second[path], third[path])}) == 3
    kernels = [value for path, value in second.items() if path.endswith("kernel") and value.shape == (6, 6)]
    assert len(kernels) == 2
    assert not np.array_equal(*kernels), "equal shapes have draws of their own"


def test_the_same_seed_draws_the_same_whatever_the_process_built_before():
    one = initial_states(dense(), 2, SEED)[1]
    other = initial_states(dense(), 2, SEED)[1]
    for value, again in zip(one.trainable, other.trainable, strict=True):
        np.testing.assert_array_equal(value, again)
    different = initial_states(dense(), 2, SEED + 1)[1]
    assert not np.array_equal(one.trainable[0], different.trainable[0])


def test_random_generators_get_a_seed_of_the_repeat():
    states = initial_states(dense(), 3, SEED)
    seeds = [state.non_trainable[0] for state in states]
    assert seeds[0].tolist() == [8, 0]
    assert seeds[1].tolist() == [(repeat_seed(SEED, 1) + 8) % 2**32, 0]
    assert len({tuple(seed) for seed in seeds}) == 3


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.LSTM(3),
        lambda: layers.GRU(3),
        lambda: layers.SimpleRNN(3),
        lambda: layers.Bidirectional(layers.LSTM(3)),
        lambda: layers.Conv1D(3, 2),
        lambda: layers.DepthwiseConv1D(2),
        lambda: layers.SeparableConv1D(3, 2),
        lambda: layers.TimeDistributed(layers.Dense(3)),
        lambda: layers.EinsumDense("abc,cd->abd", (5, 3), bias_axes="d"),
        lambda: layers.PReLU(),
        lambda: layers.BatchNormalization(),
        lambda: layers.GroupNormalization(2),
        lambda: layers.SpectralNormalization(layers.Dense(3)),
        lambda: layers.Conv1DTranspose(3, 2),
    ],
)
def test_layers_of_keras_are_drawn_anew(layer):
    model = built(layer(), inputs=(5, 4))
    first, second = initial_states(model, 2, SEED)
    for variable, own, drawn in zip(model.trainable_variables, first.trainable, second.trainable, strict=True):
        assert own.shape == drawn.shape
        assert own.dtype == drawn.dtype
        assert np.array_equal(own, drawn) == (variable.name in ("bias", "gamma", "beta", "alpha")), variable.path


def test_an_lstms_forget_gates_start_at_one_in_every_repeat():
    model = built(layers.LSTM(3), inputs=(5, 4))
    bias = next(i for i, v in enumerate(model.trainable_variables) if v.path.endswith("lstm_cell/bias"))
    for state in initial_states(model, 2, SEED):
        assert state.trainable[bias].tolist() == [0] * 3 + [1] * 3 + [0] * 6


def test_attention_and_embeddings_are_drawn_anew():
    tokens = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(7, 4)(tokens)
    attended = layers.MultiHeadAttention(2, 3)(embedded, embedded)
    model = keras.Model(tokens, layers.Dense(2)(layers.Flatten()(attended)))
    model.compile("sgd", "mse")
    build_variables(model, (np.zeros((1, 5), "int32"), np.zeros((1, 2), "float32"), None))
    first, second = initial_states(model, 2, SEED)
    for variable, own, drawn in zip(model.trainable_variables, first.trainable, second.trainable, strict=True):
        assert np.array_equal(own, drawn) == (variable.name == "bias"), variable.path


def test_the_inner_layers_own_initializer_counts():
    class Block(keras.Layer):
        def __init__(self):
            super().__init__()
            self.kernel_initializer = keras.initializers.RandomUniform(5.0, 6.0)
            self.inner = layers.Dense(4, kernel_initializer=keras.initializers.RandomUniform(-2.0, -1.0))

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            return self.inner(x)

    second = initial_states(built(Block()), 2, SEED)[1]
    assert (second.trainable[0] < 0).all()


def test_weights_of_a_trained_model_and_frozen_ones_stay():
    model = dense()
    model.layers[0].trainable = False
    frozen, drawn = initial_states(model, 2, SEED)
    assert all(any(value is own for own in frozen.non_trainable) for value in drawn.non_trainable if value.ndim == 2)
    model = dense()
    model.fit(np.ones((4, 6)), np.ones((4, 2)), verbose=0)
    first, second = initial_states(model, 2, SEED)
    for own, other in zip(first.trainable, second.trainable, strict=True):
        np.testing.assert_array_equal(own, other)


def test_a_weight_without_an_initializer_is_named():
    class Scale(keras.Layer):
        def build(self, shape):
            self.factors = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="factors")

        def call(self, x):
            return x * self.factors

    model = built(Scale(name="scale"))
    with pytest.raises(rw.InputError, match=r"can't draw '.*scale/factors' anew.*'factors_initializer'.*repeats=1"):
        initial_states(model, 2, SEED)
    assert len(initial_states(model, 1, SEED)) == 1


def test_an_initializer_of_ones_own_is_called():
    def near_three(shape, dtype=None):
        return 3.0 + keras.random.uniform(shape, 0.0, 0.1, dtype=dtype, seed=1)

    model = built(layers.Dense(4, kernel_initializer=near_three))
    second = initial_states(model, 2, SEED)[1]
    assert (abs(second.trainable[0] - 3.05) < 0.06).all()
