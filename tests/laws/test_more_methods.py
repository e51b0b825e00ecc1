"""The law of lanes for the methods beyond the lecture: each lane equals what one would write in Keras alone."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.engine.state import repeat_seed
from ridgeway.hyperparameters.noise import NOISE_SEED

from .against_fit import assert_equal, assert_weights, compiled, fit_alone, train_lanes
from .models import BATCH, EPOCHS, LABELS, OPTIMIZERS, TABLE, logits_loss, normalized_mlp

SEED = 5
LANE_SEED = repeat_seed(SEED, 0)


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
        for start in range(0, 56, BATCH):
            rows = slice(start, min(start + BATCH, 56))
            value, *state = step(*state, TABLE[rows], LABELS[rows])
            total += float(value) * len(LABELS[rows])
        losses.append(total / 56)
    for variables, values in zip(groups, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return losses


def test_sam_takes_the_gradient_of_the_worst_point_nearby():
    path = train_lanes(compiled(normalized_mlp, OPTIMIZERS["momentum"]()), TABLE, LABELS, rw.Grid(sam=[0, 0.05, 0.2, 1]))
    plain = compiled(normalized_mlp, OPTIMIZERS["momentum"]())
    assert_equal(path, {"sam": 0}, plain, fit_alone(plain, TABLE, LABELS))
    alone = compiled(normalized_mlp, OPTIMIZERS["momentum"]())
    alone.optimizer.build(alone.trainable_variables)
    losses = sharpness_aware(alone, 0.2)
    lane = assert_weights(path, {"sam": 0.2}, alone)
    np.testing.assert_allclose(path.history().query("lane == @lane")["loss"], losses, rtol=1e-5)


class OwnStep(keras.Sequential):
    def train_step(self, state, data):
        return super().train_step(state, data)


@pytest.mark.parametrize("name", ["sam"])
def test_a_train_step_of_the_users_own_is_refused(name):
    model = compiled(lambda: OwnStep([keras.Input((8,)), layers.Dense(3)]), "sgd")
    with pytest.raises(rw.InputError, match=f"{name} can't be varied here: OwnStep has a train_step of its own"):
        train_lanes(model, TABLE, LABELS, rw.Grid(**{name: [0, 0.1]}))
