"""Each private name of Keras and JAX still means what ridgeway relies on."""

from __future__ import annotations

import threading

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from ridgeway import keras_internals as internals
from ridgeway.hyperparameters.swap import LaneScalar, swapped

X = np.ones((4, 3), np.float32)


def compiled(loss="mse", optimizer=None, rate=0.0):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(rate), keras.layers.Dense(2)]
    )
    model.compile(optimizer or keras.optimizers.SGD(0.1), loss)
    internals.build(model, (X, np.zeros((4, 2), np.float32), None))
    return model


def test_build_makes_all_variables_without_a_step():
    model = compiled()
    assert model.optimizer.built
    assert int(model.optimizer.iterations.numpy()) == 0


def test_a_weak_scalar_does_not_widen_bfloat16():
    strong = jax.jit(lambda v: jnp.ones(2, jnp.bfloat16) * v)(jnp.float32(2))
    weak = jax.jit(lambda v: jnp.ones(2, jnp.bfloat16) * internals.weak(v))(jnp.float32(2))
    assert strong.dtype == jnp.float32
    assert weak.dtype == jnp.bfloat16


def test_whether_a_result_uses_an_input():
    def function(a, b):
        return jax.lax.fori_loop(0, 3, lambda _, total: total + a, jnp.float32(0)) + 0 * jnp.ones(())

    assert internals.uses_input(function, (jnp.float32(1), jnp.float32(2)), 0)
    assert not internals.uses_input(function, (jnp.float32(1), jnp.float32(2)), 1)


def test_a_swapped_decay_is_kerass_own_to_the_last_bit():
    own, ours = compiled(optimizer=keras.optimizers.SGD(0.1, weight_decay=0.3)), compiled()
    for a, b in zip(own.weights, ours.weights, strict=True):
        b.assign(a)
    owner, attribute, replacement = internals.decay_swap(ours.optimizer, ours.trainable_variables, 0.3)
    assert owner is ours.optimizer and hasattr(owner, attribute)
    own.optimizer._apply_weight_decay(own.trainable_variables)
    replacement(ours.trainable_variables)
    for a, b in zip(own.weights, ours.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_swapped_clipping_is_kerass_own_and_none_at_zero():
    own, ours = compiled(optimizer=keras.optimizers.SGD(0.1, global_clipnorm=0.3)), compiled()
    gradients = [jnp.ones(variable.shape) for variable in own.trainable_variables]
    for norm, expected in [(0.3, own.optimizer._clip_gradients(gradients)), (0.0, gradients)]:
        with swapped(internals.clip_swaps(ours.optimizer, LaneScalar(jnp.float32(norm), 0.0, 0.3, "clip_norm"))):
            found = ours.optimizer._clip_gradients(gradients)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_swapped_regularizers_and_constraints_are_what_keras_reads():
    variable = compiled().trainable_variables[0]
    owner, attribute, value = internals.regularizer_swap(variable, keras.regularizers.L2(0.1))
    object.__setattr__(owner, attribute, value)
    assert variable.regularizer is value
    owner, attribute, value = internals.constraint_swap(variable, keras.constraints.NonNeg())
    object.__setattr__(owner, attribute, value)
    assert variable.constraint is value


def test_a_dropout_layer_of_rate_0_gets_a_generator_that_the_model_tracks():
    model = compiled()
    layer = model.layers[1]
    before = len(model.non_trainable_variables)
    assert internals.add_seed_generator(layer, 3)
    assert not internals.add_seed_generator(layer, 3)
    assert len(model.non_trainable_variables) == before + 1
    assert [tuple(variable.numpy()) for variable in internals.seed_variables(model)] == [(3, 0)]


@pytest.mark.parametrize("make", [keras.optimizers.SGD, keras.optimizers.RMSprop])
def test_momentum_slots_are_made_where_keras_made_none(make):
    model = compiled(optimizer=make(0.1))
    before = len(model.optimizer.variables)
    internals.rebuild_with_momentum(model.optimizer, model.trainable_variables)
    assert len(model.optimizer.variables) == before + len(model.trainable_variables)
    internals.rebuild_with_momentum(model.optimizer, model.trainable_variables)
    assert len(model.optimizer.variables) == before + len(model.trainable_variables)


def test_schedules_and_constant_rates_are_told_apart():
    constant = compiled().optimizer
    assert internals.schedule(constant) is None
    assert float(internals.learning_rate_variable(constant).value) == pytest.approx(0.1)
    falling = compiled(optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 5))).optimizer
    assert internals.learning_rate_variable(falling) is None
    assert internals.schedule(falling).initial_learning_rate == 0.1


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("binary_crossentropy", "keyword"),
        (keras.losses.CategoricalCrossentropy(), "keyword"),
        ("sparse_categorical_crossentropy", "sparse"),
        (keras.losses.BinaryFocalCrossentropy(), "keyword"),
        ("mse", None),
        (keras.losses.Huber(), None),
    ],
)
def test_which_losses_can_be_smoothed(loss, kind):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", loss)
    labels = np.zeros(4, int) if kind == "sparse" else np.zeros((4, 2), np.float32)
    internals.build(model, (X, labels, None))
    (found,) = internals.compiled_losses(model)
    assert found.smoothing == kind


def test_smoothed_sparse_loss_ignores_a_class_as_keras_does():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    logits = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    labels = np.array([0, 1, -1, 2, -1, 0])
    expected = loss(labels, logits)
    owner, attribute, function = internals.CompiledLoss(loss).smoothing_swap(0.0)
    setattr(owner, attribute, function)
    np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-6)


def test_row_losses_average_to_the_loss_that_keras_reports():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_regularizer="l2")])
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2))
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    y = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2, 0, 1]]
    internals.build(model, (x, y, None))
    rows = internals.row_losses(model, y, model(x), None)
    assert rows.shape == (8,)
    hard = keras.losses.CategoricalCrossentropy(from_logits=True)(y, model(x))
    np.testing.assert_allclose(np.mean(rows), hard, rtol=1e-6)


@pytest.mark.parametrize(
    ("monitor", "expected"), [("val_loss", "min"), ("val_accuracy", "max"), ("accuracy", "max"), ("loss", "min")]
)
def test_directions_are_kerass_own(monitor, expected):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    internals.build(model, (X, np.zeros((4, 2), np.float32), None))
    callback = keras.callbacks.EarlyStopping(monitor=monitor, min_delta=0.1)
    assert internals.monitor_direction(callback, model) == expected
    assert callback.min_delta == 0.1


def test_kerass_functions_are_reached_by_the_hooks():
    called = []

    for name, layer, shape in (
        ("dropout", keras.layers.Dropout(0.5), (2, 3)),
        ("conv", keras.layers.Conv2D(1, 2), (1, 4, 4, 1)),
        ("max_pool", keras.layers.MaxPooling2D(), (1, 4, 4, 1)),
        ("matmul", keras.layers.Dense(2), (1, 4)),
        ("lstm", keras.layers.LSTM(2), (1, 4, 3)),
        ("inner_loop", keras.layers.LSTM(2), (1, 4, 3)),
    ):

        def function(original, *arguments, name=name, **keywords):
            called.append(name)
            return original(*arguments, **keywords)

        with internals.keras_function(name, function):
            layer(jnp.ones(shape), training=True)
        count = called.count(name)
        assert count
        layer(jnp.ones(shape), training=True)
        assert called.count(name) == count


def test_hooks_hold_in_their_own_thread_only():
    seen = []

    def matmul(original, *arguments):
        seen.append(threading.current_thread())
        return original(*arguments)

    def other():
        keras.ops.matmul(jnp.ones((2, 3)), jnp.ones((3, 2)))
        with internals.keras_function("matmul", matmul):
            keras.ops.matmul(jnp.ones((2, 3)), jnp.ones((3, 2)))

    with internals.keras_function("matmul", matmul):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        keras.ops.matmul(jnp.ones((2, 3)), jnp.ones((3, 2)))
    keras.ops.matmul(jnp.ones((2, 3)), jnp.ones((3, 2)))
    assert seen == [thread, threading.current_thread()]


def test_shared_draws_are_kerass_own_bits():
    from ridgeway.hyperparameters.draws import bernoulli, normal, permutation, shared_draws

    keys = jnp.array([[1, 2], [1, 2], [1, 2]], jnp.uint32)
    mixed = jnp.array([[1, 2], [3, 4], [5, 6]], jnp.uint32)
    rates = jnp.array([0.1, 0.5, 0.9])
    for given in (keys, mixed):
        found = jax.vmap(lambda key, p: bernoulli(key, p, (4, 5)))(given, rates)
        expected = jax.vmap(lambda key, p: jax.random.bernoulli(key, p, (4, 5)))(given, rates)
        np.testing.assert_array_equal(found, expected)
        found = jax.vmap(lambda key: normal(key, (4, 5), "float32"))(given)
        np.testing.assert_array_equal(found, jax.vmap(lambda key: jax.random.normal(key, (4, 5)))(given))
        found = jax.vmap(lambda key: permutation(key, 7))(given)
        np.testing.assert_array_equal(found, jax.vmap(lambda key: jax.random.permutation(key, 7))(given))
    plain = keras.layers.Dropout(0.4, seed=3)(jnp.ones((8, 8)), training=True)
    with shared_draws():
        shared = keras.layers.Dropout(0.4, seed=3)(jnp.ones((8, 8)), training=True)
    np.testing.assert_array_equal(plain, shared)


def test_averages_are_the_slots_that_keras_makes_for_use_ema():
    own = compiled(optimizer=keras.optimizers.SGD(0.1, use_ema=True))
    ours = compiled()
    internals.rebuild_with_averages(ours.optimizer, ours.trainable_variables)
    internals.rebuild_with_averages(ours.optimizer, ours.trainable_variables)
    assert len(own.optimizer.variables) == len(ours.optimizer.variables)
    averages = internals.averaged_weights(ours.optimizer)
    assert [average.shape for average in averages] == [a.shape for a in internals.averaged_weights(own.optimizer)]
    for variable, average in zip(ours.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(variable, average)


def test_a_changed_loss_is_what_a_compiled_model_computes():
    model = compiled()
    y = np.ones((4, 2), np.float32)
    owner, attribute, losses = internals.flat_losses_swap(model, lambda loss: lambda *given: 3 * loss(*given))
    before = model.compute_loss(X, y, model(X), None)
    object.__setattr__(owner, attribute, losses)
    np.testing.assert_allclose(model.compute_loss(X, y, model(X), None), 3 * before, rtol=1e-6)


def test_gate_masks_are_what_keras_sets_for_a_recurrent_dropout():
    for kind in (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell):
        above = kind(4, recurrent_dropout=0.1)
        swaps = internals.gate_masks(kind(4))
        assert [(name, getattr(above, name)) for _, name, _ in swaps] == [(name, value) for _, name, value in swaps]


def test_a_graph_comes_in_order_without_calls_from_outside():
    inputs = keras.Input((3,))
    shared = keras.layers.Dense(3, name="shared")
    model = keras.Model(inputs, shared(keras.layers.Dense(3, name="between")(shared(inputs))))
    shared(keras.Input((3,)))
    names = [operation.name for operation, _, _ in internals.graph_calls(model)[1:]]
    assert names == ["shared", "between", "shared"]


def test_fresh_names_count_from_the_start_and_leave_keras_own_count():
    keras.layers.Dense(1)
    before = keras.layers.Dense(1).name
    with internals.fresh_names():
        assert [keras.layers.Dense(1).name for _ in range(2)] == ["dense", "dense_1"]
    counts = [int(name.removeprefix("dense_")) for name in (before, keras.layers.Dense(1).name)]
    assert counts[1] == counts[0] + 1
