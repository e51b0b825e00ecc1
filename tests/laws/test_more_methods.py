"""The law of lanes for the methods beyond the lecture: each lane equals what one would write in Keras alone."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import scipy.stats
from keras import layers

import ridgeway as rw
from ridgeway.engine.state import repeat_seed
from ridgeway.hyperparameters import StepContext, hyperparameter
from ridgeway.hyperparameters.mixup import mixup_draw
from ridgeway.hyperparameters.noise import NOISE_SEED
from ridgeway.hyperparameters.stochastic_depth import DEPTH_SEED, residual_blocks

from . import against_fit
from .against_fit import assert_equal, assert_weights, compiled, fit_alone, lane_of, seeded
from .models import BATCH, EPOCHS, LABELS, OPTIMIZERS, ROWS, SERIES, TABLE, logits_loss, mlp, normalized_mlp, subclassed

SEED = 5
TRAINING = 56  # rows that are not held out
LANE_SEED = repeat_seed(SEED, 0)

# One way to run the lanes: trying out which is fastest would take most of the time here.
train_lanes = partial(against_fit.train_lanes, executor="vmap")


def test_noise_is_a_gaussian_noise_layer_behind_the_scaling():
    def build(noise=0.0):
        added = [layers.GaussianNoise(noise, seed=(LANE_SEED + NOISE_SEED) % 2**32)] if noise else []
        scaled = layers.Rescaling(2.0, offset=-1.0)
        return keras.Sequential([keras.Input((8,)), scaled, *added, layers.Dense(16, "relu"), layers.Dense(3)])

    path = train_lanes(
        compiled(build, OPTIMIZERS["adam"]()), TABLE, LABELS, rw.Grid(noise=[0, 0.1, 0.5, 1.0]), seed=SEED
    )
    for stddev in (0.0, 0.5):
        alone = compiled(partial(build, stddev), OPTIMIZERS["adam"]())
        assert_equal(path, {"noise": stddev}, alone, fit_alone(alone, TABLE, LABELS))


@pytest.mark.parametrize("order", [("noise", "input_dropout"), ("input_dropout", "noise")])
def test_noise_and_input_dropout_act_one_after_the_other(order):
    def build(*before):
        return keras.Sequential([keras.Input((8,)), *before, layers.Dense(16, "relu"), layers.Dense(3)])

    values = {"noise": [0.1, 0.5], "input_dropout": [0.0, 0.3]}
    family = rw.Grid(**{name: values[name] for name in order})
    path = train_lanes(compiled(build, OPTIMIZERS["sgd"]()), TABLE, LABELS, family, seed=SEED)
    noise = layers.GaussianNoise(0.5, seed=(LANE_SEED + NOISE_SEED) % 2**32)
    alone = compiled(lambda: build(noise, layers.Dropout(0.3, seed=LANE_SEED)), OPTIMIZERS["sgd"]())
    assert_equal(path, {"noise": 0.5, "input_dropout": 0.3}, alone, fit_alone(alone, TABLE, LABELS))


def sharpness_aware(model, radius):
    """Foret et al.'s algorithm 1, two passes a step, in Keras's stateless API; the mean loss of each epoch."""
    loss_of = logits_loss()

    def loss(trainable, non_trainable, x, y):
        outputs, non_trainable = model.stateless_call(trainable, non_trainable, x, training=True)
        return loss_of(y, outputs), non_trainable

    gradient = jax.value_and_grad(loss, has_aux=True)

    @jax.jit
    def step(trainable, non_trainable, optimizer, x, y):
        (value, after), g = gradient(trainable, non_trainable, x, y)
        norm = jnp.sqrt(sum(jnp.vdot(part, part) for part in g))
        worst = [w + radius * part / norm for w, part in zip(trainable, g, strict=True)]
        _, g = gradient(worst, non_trainable, x, y)
        trainable, optimizer = model.optimizer.stateless_apply(optimizer, g, trainable)
        return value, trainable, after, optimizer

    groups = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    state = [[variable.value for variable in group] for group in groups]
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for start in range(0, TRAINING, BATCH):
            rows = slice(start, min(start + BATCH, TRAINING))
            value, *state = step(*state, TABLE[rows], LABELS[rows])
            total += float(value) * len(LABELS[rows])
        losses.append(total / TRAINING)
    for variables, values in zip(groups, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return losses


def test_sam_takes_the_gradient_of_the_worst_point_nearby():
    path = train_lanes(
        compiled(normalized_mlp, OPTIMIZERS["momentum"]()), TABLE, LABELS, rw.Grid(sam=[0, 0.05, 0.2, 1])
    )
    plain = compiled(normalized_mlp, OPTIMIZERS["momentum"]())
    assert_equal(path, {"sam": 0}, plain, fit_alone(plain, TABLE, LABELS))
    alone = compiled(normalized_mlp, OPTIMIZERS["momentum"]())
    alone.optimizer.build(alone.trainable_variables)
    losses = sharpness_aware(alone, 0.2)
    history = path.history()
    history = history[history["lane"] == assert_weights(path, {"sam": 0.2}, alone)]
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5)


class OwnStep(keras.Sequential):
    def train_step(self, state, data):
        return super().train_step(state, data)


@pytest.mark.parametrize("name", ["sam", "mixup"])
def test_a_train_step_of_the_users_own_is_refused(name):
    model = compiled(lambda: OwnStep([keras.Input((8,)), layers.Dense(3)]), "sgd")
    with pytest.raises(rw.InputError, match=f"{name} can't be varied here: OwnStep has a train_step of its own"):
        train_lanes(model, TABLE, LABELS, rw.Grid(**{name: [0, 0.1]}))


@pytest.mark.parametrize("executor", ["vmap", "steps"])
def test_ema_is_kerass_with_averages_swapped_in(executor, tmp_path):
    best = keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True)
    path = train_lanes(
        compiled(normalized_mlp, OPTIMIZERS["adam"]()),
        TABLE,
        LABELS,
        rw.Grid(ema=[0, 0.5, 0.9, 0.99]),
        executor=executor,
        callbacks=[best],
    )
    for momentum in (0.9,) if executor == "steps" else (0.0, 0.9):
        swapping = OPTIMIZERS["adam"](use_ema=True, ema_momentum=momentum)
        alone = compiled(normalized_mlp, swapping if momentum else OPTIMIZERS["adam"]())
        file = tmp_path / f"{momentum}.weights.h5"
        saving = keras.callbacks.ModelCheckpoint(file, save_best_only=True, save_weights_only=True)
        swap = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if momentum else []
        history = fit_alone(alone, TABLE, LABELS, callbacks=[*swap, saving])
        assert_equal(path, {"ema": momentum}, alone, history)
        alone.load_weights(file)
        assert_weights(path, {"ema": momentum}, alone, epoch="best")


def test_ema_leaves_the_users_optimizer_as_compiled_and_goes_into_the_export(tmp_path):
    model = compiled(normalized_mlp, OPTIMIZERS["adam"]())
    path = train_lanes(model, TABLE, LABELS, rw.Grid(ema=[0, 0.9]), epochs=1)
    assert not model.optimizer.use_ema
    model.fit(TABLE, LABELS, verbose=0)
    path.model(lane_of(path, {"ema": 0.9})).save(tmp_path / "lane.keras")
    loaded = keras.models.load_model(tmp_path / "lane.keras")
    assert loaded.optimizer.use_ema and loaded.optimizer.ema_momentum == 0.9
    loaded.fit(TABLE, LABELS, verbose=0)


def fit_on_batches(model, batch_of, *held_out):
    """Keras's fit on batches that are made outside, from the rows of each and the context of its step."""
    starts = range(0, TRAINING, BATCH)

    def batches():
        for step in range(EPOCHS * len(starts)):
            start = starts[step % len(starts)]
            rows = np.arange(start, min(start + BATCH, TRAINING))
            yield batch_of(rows, StepContext(jnp.uint32(LANE_SEED), jnp.int32(step)))

    return model.fit(
        batches(),
        epochs=EPOCHS,
        steps_per_epoch=len(starts),
        shuffle=False,
        validation_data=held_out,
        validation_batch_size=BATCH,
        verbose=0,
    )


def test_mixup_is_training_on_mixed_one_hot_batches():
    labels = np.eye(3, dtype="float32")[LABELS]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)

    def mixed(rows, context):
        share, order = map(np.asarray, mixup_draw(context, 0.7, len(rows)))
        return tuple(share * part[rows] + (1 - share) * part[rows][order] for part in (TABLE, labels))

    path = train_lanes(
        compiled(normalized_mlp, OPTIMIZERS["adam"](), loss), TABLE, labels, rw.Grid(mixup=[0, 0.2, 0.7, 4]), seed=SEED
    )
    plain = compiled(normalized_mlp, OPTIMIZERS["adam"](), loss)
    assert_equal(path, {"mixup": 0}, plain, fit_alone(plain, TABLE, labels))
    alone = compiled(normalized_mlp, OPTIMIZERS["adam"](), loss)
    history = fit_on_batches(alone, mixed, TABLE[TRAINING:], labels[TRAINING:])
    assert_equal(path, {"mixup": 0.7}, alone, history)


def test_mixup_of_two_outputs_any_labels_weighted_rows_and_penalties():
    numbers = TABLE[:, :2].sum(axis=1, keepdims=True)
    weights = np.linspace(0.5, 2, ROWS).astype("float32")

    def build():
        inputs = keras.Input((8,))
        hidden = layers.Dense(16, "relu", kernel_regularizer="l2", activity_regularizer="l2")(inputs)
        return keras.Model(inputs, {"a": layers.Dense(3, name="a")(hidden), "b": layers.Dense(1, name="b")(hidden)})

    def compiled_twice():
        model = seeded(build)
        model.compile("sgd", {"a": logits_loss(), "b": "mae"})
        return model

    def twice(rows, context):
        # Each row once with either label, in a batch of twice the size, whose mean halves the weights.
        share, order = map(np.asarray, mixup_draw(context, 1.0, len(rows)))
        x = share * TABLE[rows] + (1 - share) * TABLE[rows][order]
        both = np.concatenate([rows, rows[order]])
        shares = np.repeat([share, 1 - share], len(rows)).astype("float32")
        return np.concatenate([x, x]), {"a": LABELS[both], "b": numbers[both]}, 2 * shares * weights[both]

    y = {"a": LABELS, "b": numbers}
    path = train_lanes(compiled_twice(), TABLE, y, rw.Grid(mixup=[0, 0.2, 1, 4]), sample_weight=weights, seed=SEED)
    held = slice(TRAINING, ROWS)
    alone = compiled_twice()
    history = fit_on_batches(alone, twice, TABLE[held], {"a": LABELS[held], "b": numbers[held]}, weights[held])
    assert {"a_loss", "b_loss"} <= set(history.history)
    assert_equal(path, {"mixup": 1}, alone, history)


def test_mixup_draws_its_shares_from_the_beta_distribution():
    contexts = StepContext(jnp.full(4000, 3, jnp.uint32), jnp.arange(4000))
    shares = jax.vmap(lambda seed, step: mixup_draw(StepContext(seed, step), 0.4, 4)[0])(contexts.seed, contexts.step)
    beta = scipy.stats.beta(0.4, 0.4)
    larger = scipy.stats.kstest(np.asarray(shares), lambda share: beta.cdf(share) - beta.cdf(1 - share))
    assert larger.pvalue > 1e-3
    assert float(mixup_draw(StepContext(jnp.uint32(3), jnp.int32(0)), 0.0, 4)[0]) == 1


def test_mixup_of_whole_numbers_is_refused():
    model = compiled(
        lambda: keras.Sequential([keras.Input((8,)), layers.Embedding(9, 2), layers.Flatten(), layers.Dense(3)]), "sgd"
    )
    with pytest.raises(rw.InputError, match="no input holds floating numbers"):
        train_lanes(model, np.ones((ROWS, 8), "int32"), LABELS, rw.Grid(mixup=[0, 0.1]))


# Built without a rate: Keras then makes a cell without what it makes for rates above 0.
RECURRENT = {
    "simple": lambda **rate: layers.SimpleRNN(4, seed=3, **rate),
    "lstm": lambda **rate: layers.LSTM(4, seed=3, **rate),
    "bidirectional": lambda **rate: layers.Bidirectional(layers.GRU(4, seed=3, **rate)),
    "convolution": lambda **rate: layers.ConvLSTM1D(2, 3, seed=3, **rate),
}


@pytest.mark.parametrize(
    ("name", "rate"), [("simple", 0.3), ("lstm", 0.0), ("lstm", 0.3), ("bidirectional", 0.3), ("convolution", 0.5)]
)
def test_recurrent_dropout_is_that_of_the_cells(name, rate):
    def build(**rate):
        shape = (5, 4, 1) if name == "convolution" else (5, 4)
        return keras.Sequential([keras.Input(shape), RECURRENT[name](**rate), layers.Flatten(), layers.Dense(3)])

    x = SERIES[..., None] if name == "convolution" else SERIES
    family = rw.Grid(recurrent_dropout=[0, 0.1, 0.3, 0.5])
    path = train_lanes(compiled(build, OPTIMIZERS["adam"]()), x, LABELS, family)
    alone = compiled(partial(build, recurrent_dropout=rate), OPTIMIZERS["adam"]())
    assert_equal(path, {"recurrent_dropout": rate}, alone, fit_alone(alone, x, LABELS))


def test_the_rate_of_one_recurrent_layer_by_its_path(tmp_path):
    def build(**rate):
        first = layers.LSTM(4, seed=3, return_sequences=True, name="l3")
        second = layers.LSTM(4, seed=4, name="l4", **rate)
        return keras.Sequential([keras.Input((5, 4)), first, second, layers.Dense(3)])

    path = train_lanes(compiled(build, "adam"), SERIES, LABELS, rw.Grid({"l4.recurrent_dropout": [0.1, 0.3, 0.5]}))
    alone = compiled(partial(build, recurrent_dropout=0.3), "adam")
    assert_equal(path, {"l4.recurrent_dropout": 0.3}, alone, fit_alone(alone, SERIES, LABELS))
    assert path.model(1).layers[1].cell.recurrent_dropout == 0.3


ATTENTION = {
    "multi_head": lambda x, **rate: layers.MultiHeadAttention(2, 3, seed=3, **rate)(x, x),
    "grouped": lambda x, **rate: layers.GroupQueryAttention(3, 4, 2, seed=3, **rate)(x, x),
    "dot": lambda x, **rate: layers.Attention(seed=3, **rate)([x, x]),
    "additive": lambda x, **rate: layers.AdditiveAttention(seed=3, **rate)([x, x]),
}


@pytest.mark.parametrize(("name", "rate"), [("multi_head", 0.4), ("grouped", 0.0), ("dot", 0.4), ("additive", 0.4)])
def test_attention_dropout_is_that_of_the_layers(name, rate):
    def build(**rate):
        inputs = keras.Input((5, 4))
        attended = layers.Dropout(0.2, seed=4)(ATTENTION[name](layers.Dense(4)(inputs), **rate))
        return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(attended)))

    # The layer's own dropout is no part of `dropout`.
    family = rw.Grid(attention_dropout=[0.0, 0.4], dropout=[0.0, 0.2])
    path = train_lanes(compiled(build, OPTIMIZERS["sgd"]()), SERIES, LABELS, family)
    alone = compiled(partial(build, dropout=rate), OPTIMIZERS["sgd"]())
    assert_equal(path, {"attention_dropout": rate, "dropout": 0.2}, alone, fit_alone(alone, SERIES, LABELS))


def residual_network(rate=0.0):
    """Three residual blocks: a plain one, one with a projected shortcut and the branch first, one inside a model."""

    def skipped(branch, number):
        if not rate:
            return branch
        seed = (LANE_SEED + DEPTH_SEED + number - 1) % 2**32
        return layers.Dropout(rate * number / 3, noise_shape=(None, 1, 1), seed=seed)(branch)

    def branch(x, units):
        hidden = layers.BatchNormalization()(layers.Dense(6, "relu")(x))
        return layers.Dense(units)(hidden)

    x = inputs = keras.Input((5, 4))
    x = layers.Add(name="first")([x, skipped(branch(x, 4), 1)])
    x = layers.Add(name="second")([skipped(branch(x, 3), 2), layers.Dense(3)(x)])
    within = keras.Input((5, 3))
    block = keras.Model(within, layers.Add(name="third")([within, skipped(branch(within, 3), 3)]))
    x = block(x)
    # No residual block: two ways of one length.
    x = layers.Add(name="parallel")([layers.Dense(3)(x), layers.Dense(3)(x)])
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def test_stochastic_depth_is_dropout_of_whole_branches():
    assert [(add.name, branch) for add, branch in residual_blocks(residual_network())] == [
        ("first", 1),
        ("second", 0),
        ("third", 1),
    ]
    family = rw.Grid(stochastic_depth=[0, 0.2, 0.5, 0.9])
    path = train_lanes(compiled(residual_network, OPTIMIZERS["sgd"]()), SERIES, LABELS, family, seed=SEED)
    for rate in (0.0, 0.5):
        alone = compiled(partial(residual_network, rate), OPTIMIZERS["sgd"]())
        assert_equal(path, {"stochastic_depth": rate}, alone, fit_alone(alone, SERIES, LABELS))


def shared_add():
    x = inputs = keras.Input((4,))
    add = layers.Add()
    for _ in range(2):
        x = add([x, layers.Dense(4)(x)])
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("name", "build", "said"),
    [
        ("stochastic_depth", mlp, "has no residual block"),
        ("stochastic_depth", subclassed, "has no residual block"),
        ("stochastic_depth", shared_add, "can't tell the blocks apart"),
        ("recurrent_dropout", mlp, "has no recurrent layer"),
        ("attention_dropout", mlp, "has no attention layer"),
    ],
)
def test_what_acts_on_nothing_is_refused(name, build, said):
    with pytest.raises(rw.InputError, match=f"{name} .*{said}"):
        hyperparameter(name).bind(build(), "kernels")


def test_rates_inside_layers_go_into_the_export(tmp_path):
    def build():
        inputs = keras.Input((5, 4))
        attended = layers.MultiHeadAttention(2, 3)(inputs, inputs)
        return keras.Model(inputs, layers.Dense(3)(layers.LSTM(4)(attended)))

    model = compiled(build, "sgd")
    for name, value in {"recurrent_dropout": 0.25, "attention_dropout": 0.5}.items():
        hyperparameter(name).bind(model, "kernels").write(value)
    model.save(tmp_path / "lane.keras")
    loaded = keras.models.load_model(tmp_path / "lane.keras")
    attention, recurrent = loaded.layers[1:3]
    assert attention.dropout == 0.5 and recurrent.recurrent_dropout == 0.25
    loaded.fit(SERIES, LABELS, verbose=0)


def test_methods_at_0_leave_each_other_and_plain_training_alone():
    names = ("mixup", "sam", "ema", "noise")
    family = rw.Grid(**dict.fromkeys(names, [0.0, 0.4]))
    path = train_lanes(compiled(normalized_mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, family, seed=SEED)
    plain = compiled(normalized_mlp, OPTIMIZERS["sgd"]())
    assert_equal(path, dict.fromkeys(names, 0.0), plain, fit_alone(plain, TABLE, LABELS))
    # Each of them changes training, whatever else does.
    assert path.table()["val_loss"].nunique() == 2 ** len(names)
