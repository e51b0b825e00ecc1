"""The law of lanes for penalties and limits beyond l1 and l2."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.regularizers import Lp

from .against_fit import assert_equal, compiled, fit_alone, train_lanes
from .models import IMAGES, LABELS, MODELS, OPTIMIZERS, TABLE, cnn, mlp, normalized_mlp


def kernels(model):
    return [v for v in model.trainable_variables if "kernel" in v.name]


def first_kernel(path, lane):
    return next(iter(path.lane_weights(lane, "last").values()))


class Proximal(keras.constraints.Constraint):
    """What one would write by hand: soft threshold, then group shrinkage of rows."""

    def __init__(self, optimizer, l1=0.0, group=0.0):
        self.optimizer, self.l1, self.group = optimizer, l1, group

    def __call__(self, w):
        ops = keras.ops
        rate = self.optimizer.learning_rate
        w = ops.sign(w) * ops.maximum(ops.abs(w) - rate * self.l1, 0.0)
        if self.group:
            axes = tuple(a for a in range(len(w.shape)) if a != len(w.shape) - 2)
            norms = ops.sqrt(ops.sum(w * w, axis=axes, keepdims=True))
            w = w * ops.maximum(1 - rate * self.group / ops.maximum(norms, 1e-30), 0.0)
        return w


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("p", [1.0, 1.5, 3.0])
def test_lp(optimizer, p):
    family = rw.Grid(lp=[0.0, 1e-3, 1e-2], p=[1.0, 1.5, 3.0])
    path = train_lanes(compiled(normalized_mlp, OPTIMIZERS[optimizer]()), TABLE, LABELS, family)
    alone = compiled(normalized_mlp, OPTIMIZERS[optimizer]())
    for variable in kernels(alone):
        variable.regularizer = Lp(p, 1e-2)
    assert_equal(path, {"lp": 1e-2, "p": p}, alone, fit_alone(alone, TABLE, LABELS))


def test_lp_of_2_is_l2_and_without_p_it_is_1_and_a_half():
    both = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(lp=[0.0, 1e-2], p=2.0))
    l2 = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(l2=[0.0, 1e-2]))
    np.testing.assert_allclose(both.history()["val_loss"], l2.history()["val_loss"], rtol=1e-5)
    path = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(lp=[0.0, 1e-2]))
    alone = compiled(mlp, OPTIMIZERS["sgd"]())
    for variable in kernels(alone):
        variable.regularizer = Lp(1.5, 1e-2)
    assert_equal(path, {"lp": 1e-2}, alone, fit_alone(alone, TABLE, LABELS))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("build", "x"), [(normalized_mlp, TABLE), (cnn, IMAGES)])
def test_group_lasso(build, x, optimizer):
    family = rw.Grid(group_lasso=[0.0, 0.1, 0.3, 1.0])
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, family)
    alone = compiled(build, OPTIMIZERS[optimizer]())
    kernels(alone)[0].constraint = Proximal(alone.optimizer, group=0.3)
    assert_equal(path, {"group_lasso": 0.3}, alone, fit_alone(alone, x, LABELS))


@pytest.mark.parametrize("names", [("l1", "group_lasso"), ("group_lasso", "l1")])
def test_l1_thresholds_before_groups_shrink_and_the_users_constraint_comes_last(names):
    def build():
        return keras.Sequential(
            [keras.Input((8,)), layers.Dense(16, kernel_constraint="non_neg", name="hidden"), layers.Dense(3)]
        )

    family = rw.Grid({name: [0.0, 0.2] for name in names})
    path = train_lanes(compiled(build, OPTIMIZERS["sgd"]()), TABLE, LABELS, family)
    alone = compiled(build, OPTIMIZERS["sgd"]())
    own = alone.layers[0].kernel.constraint
    first = Proximal(alone.optimizer, 0.2, 0.2)
    alone.layers[0].kernel.constraint = lambda w: own(first(w))
    alone.layers[1].kernel.constraint = Proximal(alone.optimizer, 0.2)
    assert_equal(path, dict.fromkeys(names, 0.2), alone, fit_alone(alone, TABLE, LABELS))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["l1", "group_lasso"])
def test_a_strong_strength_empties_the_layer_and_a_weak_one_does_not(name, optimizer):
    path = train_lanes(compiled(mlp, OPTIMIZERS[optimizer]()), TABLE, LABELS, rw.Grid({name: [0.0, 1e-4, 1e3]}))
    first = [first_kernel(path, lane) for lane in range(3)]
    assert [float((kernel == 0).mean()) for kernel in first] == [0.0, 0.0, 1.0]


def test_group_lasso_selects_features_whole():
    """Of ten features two carry the label: rows of the others go to 0 as a whole."""
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 10)).astype("float32")
    y = (x[:, 2] - 2 * x[:, 7] > 0).astype("int32")

    def build():
        return keras.Sequential(
            [keras.Input((10,)), layers.Dense(8, activation="relu", name="hidden"), layers.Dense(2)]
        )

    # Whole batches: the noise of small ones would move rows off 0 again.
    model = compiled(build, keras.optimizers.SGD(0.5))
    path = train_lanes(model, x, y, rw.Grid(group_lasso=[0.0, 0.2]), epochs=200, batch_size=320)
    rows = np.abs(first_kernel(path, 1)).sum(axis=1)
    assert set(np.flatnonzero(rows)) == {2, 7}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("build", "x"), [(normalized_mlp, TABLE), (cnn, IMAGES)])
def test_max_norm(build, x, optimizer):
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, rw.Grid(max_norm=[0.0, 0.3, 0.6, 5.0]))
    for limit in (0.0, 0.3):
        alone = compiled(build, OPTIMIZERS[optimizer]())
        for variable in kernels(alone) if limit else []:
            depthwise = build is cnn and tuple(variable.shape) == (2, 2, 4, 1)
            axes = list(range(len(variable.shape) - (2 if depthwise else 1)))
            variable.constraint = keras.constraints.MaxNorm(limit, axes)
        assert_equal(path, {"max_norm": limit}, alone, fit_alone(alone, x, LABELS))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["normalized_mlp", "two_inputs"])
def test_clip_norm(name, optimizer):
    build, x = MODELS[name]
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, rw.Grid(clip_norm=[0.0, 0.05, 0.2, 100.0]))
    for limit in (0.0, 0.05):
        alone = compiled(build, OPTIMIZERS[optimizer](global_clipnorm=limit or None))
        assert_equal(path, {"clip_norm": limit}, alone, fit_alone(alone, x, LABELS))


def test_off_is_weakest_and_small_is_strong():
    path = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(max_norm=[0.0, 0.3, 5.0]), epochs=1)
    assert path.record["hyperparameters"]["max_norm"]["order"] == [0.0, 5.0, 0.3]


def test_what_keras_can_hold_is_in_the_file(tmp_path):
    family = rw.Grid(max_norm=0.3, clip_norm=0.2, lp=0.1, group_lasso=0.1)
    path = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, family, epochs=1)
    path.model(0).save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[0].kernel_constraint.max_value == pytest.approx(0.3)
    assert again.optimizer.global_clipnorm == pytest.approx(0.2)
    assert again.layers[0].kernel_regularizer is None


@pytest.mark.parametrize(
    ("family", "optimizer", "message"),
    [
        ({"p": [1.0, 2.0]}, {}, "'p' acts on nothing without 'lp'"),
        ({"lp": [0.1], "p": [0.0]}, {}, "p=0 is out of range"),
        ({"max_norm": [-1.0]}, {}, "max_norm=-1 is out of range"),
        ({"clip_norm": [1.0]}, {"clipvalue": 0.5}, "clip_norm can't be varied here: SGD has clipvalue=0.5"),
    ],
)
def test_errors(family, optimizer, message):
    with pytest.raises(rw.InputError, match=message):
        train_lanes(compiled(mlp, OPTIMIZERS["sgd"](**optimizer)), TABLE, LABELS, rw.Grid(family))
