"""The law of lanes for powers, groups and limits of norms: each lane equals what one would write in Keras alone."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras import layers
from sklearn.linear_model import MultiTaskLasso

import ridgeway as rw
from ridgeway.hyperparameters import hyperparameter
from ridgeway.hyperparameters.hyperparameter import off_and_descending
from ridgeway.hyperparameters.kernels import incoming_axes
from ridgeway.norms import power_sum

from . import against_fit
from .against_fit import assert_equal, assert_weights, compiled, fit_alone, lane_of, seeded
from .models import BATCH, EPOCHS, IMAGES, LABELS, MODELS, OPTIMIZERS, SERIES, TABLE, cnn, lstm, mlp, subclassed

# One way to run the lanes: trying out which is fastest would take most of the time here.
train_lanes = partial(against_fit.train_lanes, executor="vmap")


def kernels_of(model):
    return [variable for variable in model.trainable_variables if "kernel" in variable.name]


# --- powers -------------------------------------------------------------------------------------------------------


def penalty(strength, p):
    """What a Keras user would write; for p < 1 with the parabola near 0 that the documentation gives."""
    ops = keras.ops
    if p < 1:
        return lambda w: (
            strength
            * ops.sum(ops.where(ops.abs(w) > 1e-3, ops.maximum(ops.abs(w), 1e-3) ** p, ops.square(w) * 1e-3 ** (p - 2)))
        )
    return lambda w: strength * ops.sum(ops.power(ops.abs(w), p))


@pytest.mark.parametrize(("name", "optimizer"), [("mlp", "sgd"), ("normalized_mlp", "adam")])
def test_lp_is_a_penalty_in_the_loss(name, optimizer):
    build, x = MODELS[name]
    # Strong enough to be seen; for p < 1 weak enough that weights near 0 don't oscillate and multiply rounding errors.
    family = rw.Grid(lp=[0.0, 1e-3], p=[0.5, 1.0, 3.0])
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, family)
    for strength, p in [(0.0, 0.5), (1e-3, 0.5), (1e-3, 3.0)] if name == "mlp" else [(1e-3, 1.0)]:
        alone = compiled(build, OPTIMIZERS[optimizer]())
        for variable in kernels_of(alone):
            variable.regularizer = penalty(strength, p)
        assert_equal(path, {"lp": strength, "p": p}, alone, fit_alone(alone, x, LABELS))


def test_lp_alone_has_an_exponent_of_its_own_and_leaves_other_penalties():
    def build():
        first = layers.Dense(16, "relu", kernel_regularizer=keras.regularizers.L1(0.01))
        return keras.Sequential([keras.Input((8,)), first, layers.Dense(3)])

    path = train_lanes(compiled(build, "sgd"), TABLE, LABELS, rw.Grid(lp=[0.0, 0.05], l2=[0.0, 0.1]))
    alone = compiled(build, "sgd")
    first, second = kernels_of(alone)
    both = keras.regularizers.L2(0.1)
    first.regularizer = lambda w: penalty(0.05, 1.5)(w) + both(w) + keras.regularizers.L1(0.01)(w)
    second.regularizer = lambda w: penalty(0.05, 1.5)(w) + both(w)
    assert_equal(path, {"lp": 0.05, "l2": 0.1}, alone, fit_alone(alone, TABLE, LABELS))


@pytest.mark.parametrize("p", [1e-3, 0.5, 1.0, 1.5, 2.0, 10.0])
def test_powers_have_finite_slopes_at_zero(p):
    w = np.array([0.0, 1e-3, -0.3, 2.0])
    slopes = np.asarray(jax.jit(jax.grad(power_sum))(jnp.asarray(w, jnp.float32), p))
    assert np.isfinite(slopes).all() and slopes[0] == 0
    np.testing.assert_allclose(slopes[2:], p * np.abs(w[2:]) ** (p - 1) * np.sign(w[2:]), rtol=1e-4)
    np.testing.assert_allclose(power_sum(jnp.asarray(w, jnp.float32), p), np.sum(np.abs(w[1:]) ** p), rtol=1e-5)


def test_an_exponent_without_its_penalty_is_refused():
    with pytest.raises(rw.InputError, match="'p' acts on nothing without 'lp'"):
        rw.Grid(p=[1.0])
    with pytest.raises(rw.InputError, match="p=0 is out of range. Pass numbers above 0 to 10"):
        rw.Grid(p=[0.0], lp=[0.1])


# --- groups -------------------------------------------------------------------------------------------------------


class Proximal(keras.constraints.Constraint):
    """Simon et al.'s proximal step of the sparse group lasso, then another constraint."""

    def __init__(self, optimizer, axis, l1=0.0, group=0.0, then=None):
        self.optimizer, self.axis, self.l1, self.group, self.then = optimizer, axis, l1, group, then

    def __call__(self, w):
        ops, rate = keras.ops, self.optimizer.learning_rate
        w = ops.sign(w) * ops.maximum(ops.abs(w) - rate * self.l1, 0.0)
        others = tuple(axis for axis in range(w.ndim) if axis != self.axis % w.ndim)
        if self.group:
            norms = ops.sqrt(ops.sum(w**2, axis=others, keepdims=True))
            w = ops.where(norms > rate * self.group, w - w * rate * self.group / ops.where(norms > 0, norms, 1.0), 0.0)
        return self.then(w) if self.then else w


@pytest.mark.parametrize(("name", "optimizer"), [("mlp", "sgd"), ("cnn", "adam")])
def test_group_lasso_is_a_proximal_step_on_the_first_kernel(name, optimizer):
    build, x = MODELS[name]
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, rw.Grid(group_lasso=[0, 0.5, 2, 5]))
    for strength in (0.0, 2.0) if name == "mlp" else (2.0,):
        alone = compiled(build, OPTIMIZERS[optimizer]())
        kernels_of(alone)[0].constraint = Proximal(alone.optimizer, -2, group=strength)
        assert_equal(path, {"group_lasso": strength}, alone, fit_alone(alone, x, LABELS))


@pytest.mark.parametrize("order", [("l1", "group_lasso"), ("group_lasso", "l1")])
def test_sparse_group_lasso_thresholds_first_whatever_the_order_and_before_the_users_constraint(order):
    def build():
        first = layers.Dense(16, "relu", kernel_constraint="unit_norm")
        return keras.Sequential([keras.Input((8,)), first, layers.Dense(3)])

    values = {"l1": [0.0, 1.0], "group_lasso": [0.0, 2.0]}
    family = rw.Grid(**{name: values[name] for name in order})
    path = train_lanes(compiled(build, OPTIMIZERS["sgd"]()), TABLE, LABELS, family)
    alone = compiled(build, OPTIMIZERS["sgd"]())
    first, second = kernels_of(alone)
    first.constraint = Proximal(alone.optimizer, 0, l1=1.0, group=2.0, then=keras.constraints.UnitNorm())
    second.constraint = Proximal(alone.optimizer, 0, l1=1.0)
    assert_equal(path, {"l1": 1.0, "group_lasso": 2.0}, alone, fit_alone(alone, TABLE, LABELS))


def test_group_lasso_is_scikit_learns():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 6)).astype("float32")
    truth = rng.normal(size=(6, 2)) * np.array([[1], [1], [0], [0], [0.2], [0]])
    y = (x @ truth + 0.3 * rng.normal(size=(40, 2))).astype("float32")

    model = seeded(lambda: keras.Sequential([keras.Input((6,)), layers.Dense(2, use_bias=False)]))
    model.compile(keras.optimizers.SGD(0.3), "mse")
    strengths = [0.0, 0.05, 0.2, 0.6]
    held_out = {"validation_split": 0, "validation_data": (x, y)}
    # Keras's loss is the mean over both outputs, scikit-learn's half of the sum over them: the same at α = λ.
    path = train_lanes(model, x, y, rw.Grid(group_lasso=strengths), batch_size=40, epochs=300, **held_out)
    for strength in strengths[1:]:
        expected = (
            MultiTaskLasso(alpha=strength, fit_intercept=False, tol=1e-10).fit(x.astype(float), y.astype(float)).coef_.T
        )
        found = next(iter(path.lane_weights(lane_of(path, {"group_lasso": strength}), "last").values()))
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert (np.any(found, axis=1) == np.any(expected, axis=1)).all()
        assert not np.any(expected, axis=1).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["l1", "group_lasso"])
def test_a_strong_penalty_empties_the_first_layer_and_a_weak_one_does_not(name, optimizer):
    path = train_lanes(compiled(mlp, OPTIMIZERS[optimizer]()), TABLE, LABELS, rw.Grid({name: [0.0, 1e-3, 1e-2, 500.0]}))
    for strength in (1e-3, 1e-2, 500.0):
        hidden = next(iter(path.lane_weights(lane_of(path, {name: strength}), "last").values()))
        assert hidden.shape == (8, 16)
        assert not hidden.any() if strength == 500 else np.any(hidden, axis=1).all()


def two_branches():
    inputs = keras.Input((8,))
    scaled = layers.Dropout(0.1)(layers.BatchNormalization()(inputs))
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="inner"), layers.Dense(4)])
    joined = layers.Concatenate()([layers.Dense(5, name="direct")(inputs), inner(scaled)])
    return keras.Model(inputs, layers.Dense(3)(joined))


def over_time():
    inputs = keras.Input((5, 4))
    return keras.Model(inputs, layers.Bidirectional(layers.GRU(3))(inputs))


def joined():
    inputs = [keras.Input((4,), name="a"), keras.Input((2,), name="b")]
    return keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(inputs)))


def alone(layer, shape):
    return keras.Sequential([keras.Input(shape), layer])


@pytest.mark.parametrize(
    ("build", "shapes"),
    [
        (two_branches, [(8, 5), (8, 4)]),
        (over_time, [(4, 9), (4, 9)]),
        (joined, [(6, 3)]),
        (lstm, [(4, 24)]),
        (lambda: alone(layers.Conv2DTranspose(5, 3), (6, 6, 2)), [(3, 3, 5, 2)]),
        (lambda: alone(layers.DepthwiseConv2D(3), (6, 6, 2)), [(3, 3, 2, 1)]),
        (lambda: alone(layers.TimeDistributed(layers.Dense(3)), (5, 4)), [(4, 3)]),
    ],
)
def test_groups_are_found_where_features_enter(build, shapes):
    features = {4: 4, 6: 6, 8: 8}
    binding = hyperparameter("group_lasso").bind(compiled(build, "sgd"), "kernels")
    found = [(tuple(variable.shape), axis) for variable, axis in binding._kernels]
    assert sorted(shape for shape, _ in found) == sorted(shapes)
    assert all(shape[axis] == features.get(shape[0], 2) for shape, axis in found)


@pytest.mark.parametrize(
    "build", [subclassed, lambda: alone(layers.Conv2D(4, 3, groups=2), (6, 6, 2)), lambda: alone(layers.ReLU(), (4,))]
)
def test_groups_that_no_kernel_has_are_refused(build):
    with pytest.raises(rw.InputError, match="group_lasso acts on nothing in this model"):
        hyperparameter("group_lasso").bind(compiled(build, "sgd"), "kernels")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_between_accumulated_updates_the_weights_stand_still(optimizer):
    steps, l1, group = 3, 0.3, 0.5
    # 20 batches in all: the last update is not at the end, so that a threshold after it would be seen.
    model = compiled(mlp, OPTIMIZERS[optimizer](gradient_accumulation_steps=steps))
    path = train_lanes(model, TABLE, LABELS, rw.Grid(l1=[0.0, l1], group_lasso=[0.0, group]))
    alone = compiled(mlp, OPTIMIZERS[optimizer](gradient_accumulation_steps=steps))
    first, second = kernels_of(alone)
    rate, rows = float(alone.optimizer.learning_rate), int(len(TABLE) * 0.8)
    done = 0
    for _ in range(EPOCHS):
        for start in range(0, rows, BATCH):
            chosen = slice(start, min(start + BATCH, rows))
            alone.train_on_batch(TABLE[chosen], LABELS[chosen])
            done += 1
            if done % steps == 0:
                for kernel in (first, second):
                    w = kernel.numpy()
                    kernel.assign(np.sign(w) * np.maximum(np.abs(w) - rate * l1, 0))
                w = first.numpy()
                norms = np.linalg.norm(w, axis=1, keepdims=True)
                first.assign(w * np.maximum(1 - rate * group / np.maximum(norms, 1e-30), 0))
    assert done % steps != 0
    assert_weights(path, {"l1": l1, "group_lasso": group}, alone)


# --- limits -------------------------------------------------------------------------------------------------------


def axes_of(variable):
    """The inputs of each unit; written down here for the layers of `MODELS`."""
    if "depthwise" in variable.path:
        return [0, 1]
    return [0, 1, 2] if len(variable.shape) == 4 else 0


@pytest.mark.parametrize(("name", "optimizer"), [("mlp", "sgd"), ("cnn", "sgd")])
def test_max_norm_is_kerass_constraint(name, optimizer):
    build, x = MODELS[name]
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, rw.Grid(max_norm=[0, 0.4, 0.8, 3]))
    for limit in (0.0, 0.8) if name == "mlp" else (0.4,):
        alone = compiled(build, OPTIMIZERS[optimizer]())
        for variable in kernels_of(alone) if limit else []:
            variable.constraint = keras.constraints.MaxNorm(limit, axes_of(variable))
        assert_equal(path, {"max_norm": limit}, alone, fit_alone(alone, x, LABELS))


def with_constraints(limit=None, l1=0.0, optimizer=None):
    def limited(axis=0):
        return keras.constraints.MaxNorm(limit, axis) if limit else None

    first = Proximal(optimizer, 0, l1=l1, then=limited(1)) if l1 else limited(1)
    second = "non_neg" if not l1 else Proximal(optimizer, 0, l1=l1, then=lambda w: limited()(keras.ops.maximum(w, 0)))
    hidden = layers.Dense(16, "relu", kernel_constraint=first)
    return keras.Sequential([keras.Input((8,)), hidden, layers.Dense(3, kernel_constraint=second)])


def test_max_norm_takes_the_place_of_the_models_own_and_comes_after_others():
    family = rw.Grid(max_norm=[0.0, 0.5], l1=[0.0, 0.3])
    path = train_lanes(compiled(partial(with_constraints, 2.0), OPTIMIZERS["sgd"]()), TABLE, LABELS, family)
    optimizer = OPTIMIZERS["sgd"]()
    alone = compiled(partial(with_constraints, 0.5, 0.3, optimizer), optimizer)
    assert_equal(path, {"max_norm": 0.5, "l1": 0.3}, alone, fit_alone(alone, TABLE, LABELS))
    free = compiled(with_constraints, OPTIMIZERS["sgd"]())
    assert_equal(path, {"max_norm": 0.0, "l1": 0.0}, free, fit_alone(free, TABLE, LABELS))


def test_a_units_inputs_lie_on_the_axes_that_its_layer_sums_over():
    inputs = keras.Input((6, 6, 2))
    convolved = layers.Conv2DTranspose(5, 3, name="t")(layers.SeparableConv2D(4, 3, name="s")(inputs))
    rows = layers.Reshape((36, 5), name="r")(layers.CenterCrop(6, 6)(convolved))
    model = keras.Model(inputs, layers.MultiHeadAttention(2, 3, name="a")(rows, rows))
    found = {v.path: incoming_axes(model, v) for v in kernels_of(model)}
    assert found["t/kernel"] == [0, 1, 3]
    assert found["s/depthwise_kernel"] == [0, 1] and found["s/pointwise_kernel"] == [0, 1, 2]
    assert found["a/query/kernel"] == [0] and found["a/attention_output/kernel"] == [0, 1]


@pytest.mark.parametrize(("name", "optimizer"), [("mlp", "sgd"), ("normalized_mlp", "adam")])
def test_clip_norm_is_the_optimizers(name, optimizer):
    build, x = MODELS[name]
    path = train_lanes(compiled(build, OPTIMIZERS[optimizer]()), x, LABELS, rw.Grid(clip_norm=[0, 0.05, 0.2, 10]))
    for limit in (None, 0.2) if name == "mlp" else (0.05,):
        alone = compiled(build, OPTIMIZERS[optimizer](global_clipnorm=limit))
        assert_equal(path, {"clip_norm": limit or 0.0}, alone, fit_alone(alone, x, LABELS))


def test_no_limit_changes_nothing_to_the_last_bit():
    plain = train_lanes(compiled(mlp, OPTIMIZERS["sgd"]()), TABLE, LABELS, rw.Grid(l2=[0, 0.1, 0.2, 0.3]))
    family = rw.Grid(clip_norm=[0, 0.05], max_norm=[0, 0.4])
    limited = train_lanes(compiled(mlp, OPTIMIZERS["sgd"](global_clipnorm=0.1)), TABLE, LABELS, family)
    free = limited.lane_weights(lane_of(limited, {"clip_norm": 0, "max_norm": 0}), "last")
    expected = plain.lane_weights(lane_of(plain, {"l2": 0}), "last")
    for found, value in zip(free.values(), expected.values(), strict=True):
        np.testing.assert_array_equal(found, value)


def test_all_of_them_together_with_momentum():
    build, x = MODELS["normalized_mlp"]
    family = rw.Grid(lp=[0.0, 1e-3], p=3.0, group_lasso=[0.0, 1.0], max_norm=[0, 0.8], clip_norm=[0, 0.2])
    path = train_lanes(compiled(build, OPTIMIZERS["momentum"]()), x, LABELS, family)
    for lp, group, limit, clip in [(1e-3, 1.0, 0.8, 0.2), (0.0, 1.0, 0.0, 0.2)]:
        alone = compiled(build, OPTIMIZERS["momentum"](global_clipnorm=clip or None))
        kernels = kernels_of(alone)
        for variable in kernels:
            variable.regularizer = penalty(lp, 3.0)
            variable.constraint = keras.constraints.MaxNorm(limit, axes_of(variable)) if limit else None
        if group:
            kernels[0].constraint = Proximal(alone.optimizer, -2, group=group, then=kernels[0].constraint)
        configuration = {"lp": lp, "group_lasso": group, "max_norm": limit, "clip_norm": clip}
        assert_equal(path, configuration, alone, fit_alone(alone, x, LABELS))


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue"])
def test_an_optimizer_that_clips_otherwise_is_refused(name):
    model = compiled(mlp, keras.optimizers.SGD(0.1, **{name: 0.5}))
    with pytest.raises(rw.InputError, match=f"clip_norm can't be varied here: SGD has {name}=0.5"):
        train_lanes(model, TABLE, LABELS, rw.Grid(clip_norm=[0, 1]))


@pytest.mark.parametrize("name", ["max_norm", "clip_norm"])
def test_a_smaller_limit_is_stronger_and_none_is_the_weakest(name):
    assert hyperparameter(name).order([0.0, 0.5, 1.0, 4.0]) == [0.0, 4.0, 1.0, 0.5]
    assert off_and_descending([2.0, 0.0]) == [0.0, 2.0]


@pytest.mark.parametrize("build", [lstm, cnn])
def test_what_keras_can_hold_goes_into_the_export(build, tmp_path):
    x = SERIES if build is lstm else IMAGES
    model = compiled(build, OPTIMIZERS["adam"]())
    family = rw.Grid(max_norm=[0, 0.5], clip_norm=[0, 0.2], group_lasso=[0.0, 0.1], lp=[0.0, 0.1], p=[0.5])
    path = train_lanes(model, x, LABELS, family, epochs=1)
    assert model.optimizer.global_clipnorm is None and not any(v.constraint for v in model.trainable_variables)
    for limit, clip in [(0.5, 0.2), (0.0, 0.0)]:
        lane = lane_of(path, {"max_norm": limit, "clip_norm": clip, "group_lasso": 0.1, "lp": 0.1})
        file = tmp_path / "lane.keras"
        path.model(lane).save(file)
        loaded = keras.models.load_model(file)
        constraints = [variable.constraint for variable in kernels_of(loaded)]
        if limit:
            assert loaded.optimizer.global_clipnorm == clip
            assert [(own.max_value, own.axis) for own in constraints] == [(0.5, axes_of(v)) for v in kernels_of(loaded)]
        else:
            assert loaded.optimizer.global_clipnorm is None and not any(constraints)
