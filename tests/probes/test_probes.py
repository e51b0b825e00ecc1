"""Probes against what NumPy, scipy and a dense Hessian say of the same weights."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from keras import layers
from scipy import stats

import ridgeway as rw
from ridgeway.engine.step import EpochProgram
from ridgeway.keras_internals import build as build_on_a_row
from ridgeway.probes.measures import largest_eigenvalue, ranked, saturation, shift
from ridgeway.probes.program import GAP_ROWS, ROWS, ProbeProgram, checked_probes

random = np.random.default_rng(0)
X = random.normal(size=(3000, 5)).astype("float32")
Y = (X[:, 0] + 0.5 * random.normal(size=3000) > 0).astype("int32")
ALL = ["covariate_shift", "saturation", "gradients", "sharpness", "generalization_gap"]


def build(seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="tanh", name="first"),
            layers.Dropout(0.3, seed=1),
            layers.Dense(6, activation="relu", name="second"),
            layers.Dense(2, name="out"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def path():
    return rw.fit_path(
        build(),
        X,
        Y,
        rw.Grid(dropout=[0.0, 0.3], l2=[0.0, 1e-3]),
        epochs=6,
        validation_split=0.2,
        probes=ALL,
        verbose=0,
    )


def test_each_lane_epoch_and_layer_has_its_numbers(path):
    found = path.probes()
    assert list(found.columns) == ["lane", "epoch", "layer", "probe", "value"]
    assert set(found["probe"]) == {
        "shift_mean", "shift_spread", "shift_wasserstein", "saturation", "dead", "gradient_norm", "gradient_ratio",
        "sharpness", "train_loss", "generalization_gap",
    }  # fmt: skip
    assert set(found["lane"]) == {0, 1, 2, 3}
    assert set(found.query("probe == 'gradient_norm'")["layer"]) == {"first", "second", "out"}
    assert set(found.query("probe == 'saturation'")["layer"]) == {"first", "second"}
    assert found["value"].notna().all()
    # What the first layer takes is the data, which does not move.
    assert (found.query("layer == 'first' and probe == 'shift_wasserstein'")["value"] == 0).all()
    assert (found.query("layer == 'second' and probe == 'shift_wasserstein'")["value"] > 0).all()


def last(path, lane):
    found = path.probes().query(f"lane == {lane}")
    return found[found["epoch"] == found["epoch"].max()].set_index(["probe", "layer"])["value"]


def test_they_are_those_of_the_lanes_own_weights():
    path = rw.fit_path(
        build(), X, Y, rw.Grid(dropout=[0.0, 0.3]), epochs=1, validation_split=0.2, probes=ALL, verbose=0
    )
    model, measured = path.model(1, epoch="last"), last(path, 1)
    x, y = X[:ROWS], Y[:ROWS]
    hidden = np.tanh(x @ np.array(model.layers[0].kernel) + np.array(model.layers[0].bias))
    slope = 1 - hidden**2
    assert measured["saturation", "first"] == pytest.approx((slope < 0.05).mean(), abs=1e-6)
    before = hidden @ np.array(model.layers[2].kernel) + np.array(model.layers[2].bias)
    assert measured["dead", "second"] == pytest.approx((before <= 0).all(axis=0).mean(), abs=1e-6)

    weights = [v.value for v in model.trainable_variables]

    def loss(trainable, x=x, y=y):
        outputs = model.stateless_call(trainable, [v.value for v in model.non_trainable_variables], x)[0]
        return jnp.mean(keras.losses.sparse_categorical_crossentropy(y, outputs, from_logits=True))

    gradients = jax.grad(loss)(weights)
    for layer, place in (("first", 0), ("second", 2), ("out", 4)):
        norm = np.linalg.norm(gradients[place])
        assert measured["gradient_norm", layer] == pytest.approx(norm, rel=1e-4)
        assert measured["gradient_ratio", layer] == pytest.approx(norm / np.linalg.norm(weights[place]), rel=1e-4)
    train = float(loss(weights, X[:GAP_ROWS], Y[:GAP_ROWS]))
    assert measured["train_loss", ""] == pytest.approx(train, rel=1e-4)
    held_out = path.history().query("lane == 1")["val_nll"].iloc[-1]
    assert measured["generalization_gap", ""] == pytest.approx(held_out - train, rel=1e-3, abs=1e-5)


def test_shift_is_scipys_distance_in_standard_deviations():
    old, new = random.normal(size=(64, 3)), random.normal(1.0, 2.0, size=(64, 3))
    found = {name: float(value) for name, value in shift(ranked(jnp.array(old)), ranked(jnp.array(new))).items()}
    spread = old.std(axis=0)
    distances = [stats.wasserstein_distance(old[:, k], new[:, k]) for k in range(3)]
    assert found["shift_wasserstein"] == pytest.approx(np.mean(distances / spread), rel=1e-4)
    assert found["shift_mean"] == pytest.approx(np.mean(np.abs(new.mean(0) - old.mean(0)) / spread), rel=1e-4)
    assert found["shift_spread"] == pytest.approx(np.mean(np.abs(new.std(0) - spread) / spread), rel=1e-4)


def test_a_feature_that_did_not_vary_does_not_count():
    old = np.column_stack([np.zeros(10), np.arange(10.0)])
    found = shift(ranked(jnp.array(old)), ranked(jnp.array(old + 1)))
    assert float(found["shift_mean"]) == pytest.approx(1 / np.arange(10.0).std(), rel=1e-5)


def test_saturation_counts_flat_units():
    slopes = jnp.array([[1.0, 0.01, 0.0], [0.2, 0.9, 0.0]])
    found = saturation(slopes)
    assert float(found["saturation"]) == pytest.approx(3 / 6)
    assert float(found["dead"]) == pytest.approx(1 / 3)


def test_power_iteration_finds_the_largest_eigenvalue_of_a_known_hessian():
    basis = np.linalg.qr(random.normal(size=(6, 6)))[0]
    hessian = jnp.array(basis @ np.diag([5.0, 2, 1, 0.5, 0.1, -3]) @ basis.T, jnp.float32)
    value, _ = largest_eigenvalue(lambda w: hessian @ w, jnp.ones(6), jnp.ones(6), 60)
    assert float(value) == pytest.approx(5.0, rel=1e-3)


def test_sharpness_goes_on_from_epoch_to_epoch_to_the_hessians_eigenvalue():
    """Weights that stand still: the few products of each epoch add up."""
    model = build()
    model.optimizer.learning_rate = 1e-30
    path = rw.fit_path(
        model, X, Y, rw.Grid(dropout=[0.0]), epochs=40, validation_split=0.2, probes=["sharpness"], verbose=0
    )
    weights = [v.value for v in model.trainable_variables]
    flat, unflatten = ravel_pytree(weights)

    def loss(flat):
        outputs = model.stateless_call(unflatten(flat), [v.value for v in model.non_trainable_variables], X[:ROWS])[0]
        return jnp.mean(keras.losses.sparse_categorical_crossentropy(Y[:ROWS], outputs, from_logits=True))

    eigenvalues = np.linalg.eigvalsh(jax.hessian(loss)(flat))
    found = path.probes()["value"].iloc[-1]
    assert found == pytest.approx(eigenvalues[np.abs(eigenvalues).argmax()], rel=0.02)


def test_probing_changes_nothing_that_is_trained(path):
    without = rw.fit_path(
        build(), X, Y, rw.Grid(dropout=[0.0, 0.3], l2=[0.0, 1e-3]), epochs=6, validation_split=0.2, verbose=0
    )
    assert without.probes().empty
    np.testing.assert_array_equal(without.history()["val_loss"], path.history()["val_loss"])


@pytest.mark.parametrize("executor", ["map", "steps"])
def test_every_executor_measures_the_same(path, executor):
    other = rw.fit_path(
        build(), X, Y, rw.Grid(dropout=[0.0, 0.3], l2=[0.0, 1e-3]), epochs=3, validation_split=0.2, probes=ALL,
        executor=executor, slots=2, verbose=0,
    )  # fmt: skip
    keys = ["lane", "epoch", "layer", "probe"]
    both = path.probes().merge(other.probes(), on=keys)
    assert len(both) == len(other.probes()) > 0
    np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=2e-3, atol=2e-4)


def test_they_are_kept_in_the_directory(path, tmp_path):
    path.save(tmp_path / "run")
    again = rw.load_path(tmp_path / "run")
    assert again.probes().equals(path.probes())


def test_small_data_is_looked_at_less_often():
    few, many = (np.zeros((rows, 5), "float32") for rows in (100, 1_000_000))
    model = build()
    build_on_a_row(model, (few[:1], np.zeros(1, "int32"), None))

    def looks(rows, probes, epochs):
        program = EpochProgram(model, (), 32, 32, (len(rows),), (0,))
        return ProbeProgram.of(program, probes, (rows, np.zeros(len(rows), "int32"), None), epochs).every

    assert looks(few, ("sharpness",), 1000) > 10
    assert looks(few, ("sharpness",), 10) == 2
    assert looks(many, ALL, 1000) == 1


def recurrent(kind):
    layers = {
        "lstm": keras.layers.LSTM(4, name="time"),
        "gru": keras.layers.GRU(4, name="time"),
        "simple": keras.layers.SimpleRNN(4, name="time"),
        "bidirectional": keras.layers.Bidirectional(keras.layers.LSTM(3), name="time"),
        "distributed": keras.layers.TimeDistributed(keras.layers.Dense(2, activation="relu"), name="time"),
        "stacked": keras.layers.RNN([keras.layers.GRUCell(3), keras.layers.LSTMCell(2)], name="time"),
    }
    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            keras.Input((5, 3)), layers[kind], keras.layers.Flatten(),
            keras.layers.Dense(4, activation="tanh", name="hidden"), keras.layers.Dense(2, name="out"),
        ]
    )  # fmt: skip
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("kind", ["lstm", "gru", "simple", "bidirectional", "distributed", "stacked"])
def test_layers_that_loop_over_time_are_measured_from_outside(kind):
    x = random.normal(size=(80, 5, 3)).astype("float32")
    y = (x[:, 0, 0] > 0).astype("int32")
    model = recurrent(kind)
    before = [dict(vars(layer)) for layer in model._flatten_layers()]
    path = rw.fit_path(model, x, y, rw.Grid(l2=[0.0, 0.1]), validation_split=0.25, epochs=2, probes=ALL, verbose=0)
    found = path.probes()
    assert set(found["layer"]) >= {"hidden", "out"} and np.isfinite(found["value"]).all()
    assert len(set(found.loc[found["probe"] == "gradient_norm", "layer"])) >= 3
    assert len(set(found.loc[found["probe"] == "shift_mean", "layer"])) >= 3
    for layer, held in zip(model._flatten_layers(), before, strict=True):
        assert vars(layer).get("call") is held.get("call") and vars(layer).keys() >= {"activation"} & held.keys()


def test_the_gradient_of_a_recurrent_layer_is_that_of_its_first_kernel():
    x = random.normal(size=(64, 5, 3)).astype("float32")
    y = (x[:, 0, 0] > 0).astype("int32")
    path = rw.fit_path(
        recurrent("lstm"), x, y, rw.Grid(l2=[0.0]), validation_data=(x, y), probes=["gradients"], verbose=0
    )
    model = path.model(0, "last")
    kernel = model.layers[0].cell.kernel
    held = [variable.value for variable in model.trainable_variables]
    place = [variable is kernel for variable in model.trainable_variables].index(True)

    def loss(trainable):
        outputs = model.stateless_call(trainable, [v.value for v in model.non_trainable_variables], x)[0]
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, outputs)

    expected = float(np.linalg.norm(jax.grad(loss)(held)[place]))
    found = path.probes().query("probe == 'gradient_norm' and layer == 'time'")["value"].item()
    assert found == pytest.approx(expected, rel=1e-4)


class WithoutTraining(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="relu", name="hidden")
        self.drop = keras.layers.Dropout(0.5, name="drop")
        self.out = keras.layers.Dense(2, name="out")

    def call(self, x):
        return self.out(self.drop(self.hidden(x)))


def test_models_whose_call_takes_no_training_argument():
    x = random.normal(size=(80, 5)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    model = WithoutTraining()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    path = rw.fit_path(model, x, y, rw.Grid(dropout=[0.0, 0.5]), validation_split=0.25, probes=ALL, verbose=0)
    assert set(path.probes()["layer"]) == {"", "hidden", "out"}
    drawn = np.asarray(path.predict_samples(x[:4], 5, lane=1))
    assert drawn.shape == (5, 4, 2) and drawn.std(axis=0).min() > 0


def test_a_probe_that_finds_nothing_says_so():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = random.normal(size=(80, 5)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    arguments = {"validation_split": 0.25, "verbose": 0}
    with pytest.raises(rw.InputError, match="saturation: nothing to measure in this model, for it lacks an activation"):
        rw.fit_path(model, x, y, rw.Grid(l2=[0.0, 0.1]), probes=["saturation"], **arguments)
    with pytest.warns(UserWarning, match="Probes are left out. saturation"):
        path = rw.fit_path(model, x, y, rw.Grid(l2=[0.0, 0.1]), probes=["saturation", "sharpness"], **arguments)
    assert set(path.probes()["probe"]) == {"sharpness"}


def test_names_are_checked():
    assert checked_probes(["sharpness", "saturation"]) == ("saturation", "sharpness")
    with pytest.raises(rw.InputError, match="Unknown probe 'sharpnes'. The nearest is 'sharpness'"):
        checked_probes(["sharpnes"])


def test_they_see_the_input_as_a_lane_scales_it():
    """A lane that scales raw pixels measures what an unscaled one measures on scaled pixels."""
    pixels = random.integers(0, 256, size=(600, 5)).astype("float32")
    pixels[0], pixels[1] = 0, 255
    labels = (pixels[:, 0] > 128).astype("int32")
    arguments = {"epochs": 2, "validation_split": 0.25, "probes": ALL, "shuffle": False, "verbose": 0}
    scaling = rw.Grid(input_scaling=["none", "unit"])
    lane = rw.fit_path(build(), pixels, labels, scaling, **arguments).probes().query("lane == 1")
    alone = rw.fit_path(build(), pixels / 255, labels, rw.Grid(l2=0.0), **arguments).probes()
    both = lane.merge(alone, on=["epoch", "layer", "probe"])
    assert len(both) == len(alone) > 0
    np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=2e-3, atol=1e-4)
