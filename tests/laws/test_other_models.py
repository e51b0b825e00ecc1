"""The law of lanes on layers, metrics and losses beyond those of the main table."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw

from .against_fit import assert_equal, fit_alone, seeded, train_lanes
from .models import LABELS, ROWS, SERIES, TABLE, logits_loss

TOKENS = np.random.default_rng(5).integers(0, 10, (ROWS, 5))
BYTES = np.random.default_rng(6).integers(0, 256, (ROWS, 12, 12, 2)).astype("uint8")
ONE_HOT = keras.utils.to_categorical(LABELS)


def sequential(*middle, inputs=(8,), dtype=None):
    return lambda: keras.Sequential([keras.Input(inputs, dtype=dtype), *[make() for make in middle], layers.Dense(3)])


def attention():
    inputs = keras.Input((5, 4))
    attended = layers.MultiHeadAttention(1, 4, dropout=0.1, seed=3)(inputs, inputs)
    hidden = layers.LayerNormalization()(inputs + attended)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(hidden)))


def shared_and_nested():
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(4), layers.Dropout(0.1, seed=1)], name="inner")
    first, second = keras.Input((8,)), keras.Input((8,))
    return keras.Model([first, second], layers.Dense(3)(layers.Add()([inner(first), inner(second)])))


class OwnNoise(keras.Layer):
    """A layer with a generator of its own."""

    def __init__(self, **more):
        super().__init__(**more)
        self.generator = keras.random.SeedGenerator(5)

    def call(self, x, training=False):
        return x + keras.random.normal(keras.ops.shape(x), stddev=0.1, seed=self.generator) if training else x


class Energy(keras.Layer):
    """A layer that adds a loss of its own."""

    def __init__(self, strength=0.1, **more):
        super().__init__(**more)
        self.strength = strength

    def call(self, x):
        self.add_loss(self.strength * keras.ops.mean(keras.ops.square(x)))
        return x


MODELS = {
    "attention": (attention, SERIES),
    "shared_and_nested": (shared_and_nested, [TABLE, TABLE[::-1]]),
    "augmented_bytes": (
        sequential(
            lambda: layers.Rescaling(1 / 255),
            lambda: layers.RandomFlip(seed=1),
            lambda: layers.RandomTranslation(0.1, 0.1, seed=2),
            layers.Flatten,
            inputs=(12, 12, 2),
        ),
        BYTES,
    ),
    "tokens": (
        sequential(
            lambda: layers.Embedding(10, 4),
            lambda: layers.SeparableConv1D(4, 2),
            lambda: layers.Bidirectional(layers.SimpleRNN(3)),
            inputs=(5,),
            dtype="int32",
        ),
        TOKENS,
    ),
    "own_noise_and_loss": (
        sequential(
            lambda: layers.Dense(8, activation="tanh"),
            OwnNoise,
            Energy,
            lambda: layers.GroupNormalization(2),
            lambda: layers.SpectralNormalization(layers.Dense(8)),
            lambda: layers.ActivityRegularization(l2=0.01),
        ),
        TABLE,
    ),
}


def made(build, optimizer=None, loss=None, metrics=("accuracy",)):
    model = seeded(build)
    model.compile(optimizer or keras.optimizers.SGD(0.05, momentum=0.9), loss or logits_loss(), metrics=list(metrics))
    return model


def penalize(model, strength):
    for variable in model.trainable_variables:
        if "kernel" in variable.name and len(variable.shape) > 1:
            variable.regularizer = keras.regularizers.L2(strength)


L2 = rw.Grid(l2=[0.0, 1e-3, 1e-2, 0.1])


@pytest.mark.parametrize("name", MODELS)
def test_l2_on_models_of_many_kinds(name):
    build, x = MODELS[name]
    path = train_lanes(made(build), x, LABELS, L2)
    alone = made(build)
    penalize(alone, 1e-2)
    assert_equal(path, {"l2": 1e-2}, alone, fit_alone(alone, x, LABELS))


@pytest.mark.parametrize("executor", ["map", "steps"])
def test_they_do_under_every_executor(executor):
    build, x = MODELS["own_noise_and_loss"]
    path = train_lanes(made(build), x, LABELS, L2, executor=executor, slots=4)
    alone = made(build)
    penalize(alone, 1e-2)
    assert_equal(path, {"l2": 1e-2}, alone, fit_alone(alone, x, LABELS))


def test_metrics_with_states_and_weights():
    build = sequential(lambda: layers.Dense(8, activation="relu"), lambda: layers.Dense(3, activation="softmax"))
    weights = np.random.default_rng(3).uniform(0.1, 2.0, ROWS).astype("float32")

    def compiled():
        model = seeded(build)
        metrics = [keras.metrics.AUC(name="auc"), keras.metrics.TopKCategoricalAccuracy(2), "precision", "mae"]
        model.compile(
            keras.optimizers.SGD(0.1),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=metrics,
            weighted_metrics=["accuracy"],
        )
        return model

    path = train_lanes(compiled(), TABLE, ONE_HOT, L2, sample_weight=weights)
    alone = compiled()
    penalize(alone, 1e-2)
    assert_equal(path, {"l2": 1e-2}, alone, fit_alone(alone, TABLE, ONE_HOT, sample_weight=weights))


@pytest.mark.parametrize("executor", ["vmap", "steps"])
def test_a_metric_with_a_value_for_each_class(executor):
    def compiled():
        build = sequential(lambda: layers.Dense(8, activation="relu"))
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        return made(build, loss=loss, metrics=[keras.metrics.F1Score(threshold=0.5)])

    path = train_lanes(compiled(), TABLE, ONE_HOT, L2, executor=executor, slots=4)
    alone = compiled()
    penalize(alone, 0.1)
    history = fit_alone(alone, TABLE, ONE_HOT).history
    found = path.history().query("lane == 3")
    for name in ("f1_score", "val_f1_score"):
        for place in range(3):
            expected = [values[place] for values in history[name]]
            np.testing.assert_allclose(found[f"{name}_{place}"], expected, rtol=1e-5, atol=1e-6)
    evaluated = path.evaluate(TABLE[:40], ONE_HOT[:40])
    expected = path.model(3).evaluate(TABLE[:40], ONE_HOT[:40], batch_size=16, verbose=0, return_dict=True)
    found = evaluated.query("lane == 3")[[f"f1_score_{place}" for place in range(3)]].to_numpy()[0]
    np.testing.assert_allclose(found, expected["f1_score"], rtol=1e-5)


def test_outputs_in_a_list():
    def build():
        inputs = keras.Input((8,))
        return keras.Model(inputs, [layers.Dense(3, name="kind")(inputs), layers.Dense(1, name="size")(inputs)])

    def compiled(smoothing=0.0):
        model = seeded(build)
        losses = [keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing), "mse"]
        model.compile("sgd", losses, loss_weights=[1.0, 0.5], metrics=[["accuracy"], ["mae"]])
        return model

    labels = [ONE_HOT, TABLE[:, :1]]
    path = train_lanes(compiled(), TABLE, labels, rw.Grid(label_smoothing=[0.0, 0.1, 0.2, 0.3]))
    alone = compiled(0.2)
    assert_equal(path, {"label_smoothing": 0.2}, alone, fit_alone(alone, TABLE, labels))


def test_the_dropout_inside_a_recurrent_layer():
    """`GRU.dropout` only passes on what its cell holds."""

    def build(rate=0.0, recurrent=0.1):
        recur = layers.GRU(4, dropout=rate, recurrent_dropout=recurrent, seed=3, name="recur")
        return keras.Sequential([keras.Input((5, 4)), recur, layers.Dense(3)])

    family = rw.Grid({"recur.dropout": [0.0, 0.2, 0.4], "recur.recurrent_dropout": [0.0, 0.3]})
    path = train_lanes(made(build), SERIES, LABELS, family)
    alone = made(lambda: build(0.2, 0.3))
    configuration = {"recur.dropout": 0.2, "recur.recurrent_dropout": 0.3}
    assert_equal(path, configuration, alone, fit_alone(alone, SERIES, LABELS))
    assert path.model(0).get_layer("recur").recurrent_dropout == 0.0


def test_losses_that_layers_add():
    build = sequential(lambda: layers.Dense(8), lambda: Energy(name="energy"))
    path = train_lanes(made(build), TABLE, LABELS, rw.Grid({"energy.strength": [0.0, 0.1, 0.3, 1.0]}))
    alone = made(build)
    alone.get_layer("energy").strength = 0.3
    assert_equal(path, {"energy.strength": 0.3}, alone, fit_alone(alone, TABLE, LABELS))


def test_scaled_losses_of_float16():
    policy = keras.DTypePolicy("mixed_float16")
    build = sequential(
        lambda: layers.Dense(8, activation="relu", dtype=policy),
        lambda: layers.Dense(8, dtype=policy),
        lambda: layers.Activation("linear", dtype="float32"),
    )

    def compiled(rate=0.01, decay=None, momentum=0.5):
        inner = keras.optimizers.SGD(rate, momentum=momentum, weight_decay=decay)
        return made(build, keras.optimizers.LossScaleOptimizer(inner))

    family = rw.Grid(learning_rate=[0.01, 0.05], weight_decay=[0.0, 0.1], momentum=[0.5, 0.9])
    path = train_lanes(compiled(), TABLE, LABELS, family)
    alone = compiled(0.05, 0.1, 0.9)
    not_kernels = [variable for variable in alone.trainable_variables if variable.name == "bias"]
    alone.optimizer.inner_optimizer.exclude_from_weight_decay(var_list=not_kernels)
    configuration = {"learning_rate": 0.05, "weight_decay": 0.1, "momentum": 0.9}
    # float16 has 11 bits: sums in another order differ in the fourth digit.
    assert_equal(path, configuration, alone, fit_alone(alone, TABLE, LABELS), relative=2e-3)


def test_a_path_goes_on_from_a_trained_model():
    def trained():
        model = made(sequential(lambda: layers.Dense(8), lambda: layers.Dropout(0.2, seed=3)))
        model.fit(TABLE, LABELS, shuffle=False, epochs=2, verbose=0)
        return model

    path = train_lanes(trained(), TABLE, LABELS, L2)
    alone = trained()
    penalize(alone, 1e-2)
    assert_equal(path, {"l2": 1e-2}, alone, fit_alone(alone, TABLE, LABELS))


def test_penalties_that_the_model_has_already():
    def build(l2=0.03):
        kept = layers.Dense(8, kernel_regularizer=keras.regularizers.L1(0.01), bias_regularizer="l2")
        return keras.Sequential(
            [keras.Input((8,)), kept, layers.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.02, l2))]
        )

    path = train_lanes(made(build), TABLE, LABELS, L2)
    alone = made(lambda: build(1e-2))
    alone.layers[0].kernel.regularizer = keras.regularizers.L1L2(0.01, 1e-2)
    history = fit_alone(alone, TABLE, LABELS)
    assert_equal(path, {"l2": 1e-2}, alone, history)


def test_the_same_seed_gives_the_same_masks_whatever_was_trained_before():
    """A `Dropout(0.0)` has no generator until a path gives it one."""

    def fresh():
        return made(sequential(lambda: layers.Dense(8), lambda: layers.Dropout(0.0)))

    family = rw.Grid(dropout=[0.2, 0.5])
    model = fresh()
    train_lanes(model, TABLE, LABELS, family, seed=0)
    again = train_lanes(model, TABLE, LABELS, family, seed=1)
    first = train_lanes(fresh(), TABLE, LABELS, family, seed=1)
    np.testing.assert_array_equal(again.history()["loss"], first.history()["loss"])


def test_the_data_loss_of_masked_sequences_is_kerass_loss():
    """Keras takes the mean over what is neither padding nor an ignored class."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2)
    labels = np.random.default_rng(7).integers(0, 3, (ROWS, 5))

    def build():
        embedding = layers.Embedding(10, 4, mask_zero=True)
        return keras.Sequential([keras.Input((5,), dtype="int32"), embedding, layers.Dense(3)])

    model = seeded(build)
    model.compile("sgd", loss)
    history = train_lanes(model, TOKENS, labels, rw.Grid(l2=[0.0, 0.1])).history()
    np.testing.assert_allclose(*history.query("lane == 0")[["val_nll", "val_loss"]].to_numpy().T, rtol=1e-6)
    assert (history.query("lane == 1")["val_nll"] < history.query("lane == 1")["val_loss"]).all()
