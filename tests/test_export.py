"""A lane's model is an ordinary Keras model: its file needs no ridgeway, and training goes on from it."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(70, 8)).astype("float32")
Y = RANDOM.integers(0, 3, 70)
SERIES = RANDOM.normal(size=(70, 5, 4)).astype("float32")
IMAGES = RANDOM.normal(size=(70, 6, 6, 2)).astype("float32")
CUT = 56


def classifier(*hidden, inputs=(8,), optimizer=None, loss=None):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input(inputs), *hidden, layers.Flatten(), layers.Dense(3, name="out")])
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def train(model, family, x=X, y=Y, **arguments):
    return rw.fit_path(model, x, y, family, **{"validation_split": 0.2, "epochs": 3, "batch_size": 16, **arguments})


@pytest.fixture(scope="module")
def path():
    model = classifier(
        layers.Dense(8, activation="relu", name="hidden"), layers.BatchNormalization(), layers.Dropout(0.0)
    )
    return train(model, rw.Grid(dropout=[0.0, 0.4], l2=[0.0, 0.01], learning_rate=[0.05, 0.1], l1=[0.0, 0.02]))


FRESH = """
import sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] == "ridgeway":
            raise ImportError("ridgeway is not here")
sys.meta_path.insert(0, Absent())
import keras, numpy as np
file, inputs, outputs = sys.argv[1:]
model = keras.models.load_model(file)
np.save(outputs, model.predict(np.load(inputs), verbose=0))
x = np.load(inputs)
before = model.get_weights()
if file.endswith(".h5"):
    # Keras 3.15 builds the optimizer of any .h5 file for no variables: one has to compile again.
    model.compile(type(model.optimizer).from_config(model.optimizer.get_config()), model.loss)
model.fit(x, np.zeros(len(x), int), epochs=1, verbose=0)
assert any((a != b).any() for a, b in zip(before, model.get_weights()))
assert "ridgeway" not in sys.modules
"""


@pytest.mark.filterwarnings("ignore:.*HDF5.*")
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_the_file_needs_no_ridgeway(path, ending, tmp_path):
    lane = int(path.table().query("dropout == 0.4 and l2 == 0.01 and l1 > 0")["lane"].iloc[0])
    model = path.model(lane)
    model.save(tmp_path / f"lane.{ending}")
    np.save(tmp_path / "x.npy", X)
    arguments = [str(tmp_path / name) for name in (f"lane.{ending}", "x.npy", "found.npy")]
    done = subprocess.run([sys.executable, "-c", FRESH, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), model.predict(X, verbose=0))


def test_every_lanes_numbers_are_written_into_its_model(path):
    for _, row in path.table().iterrows():
        model = path.model(int(row["lane"]))
        assert model.get_layer("hidden").kernel_regularizer is None or row["l2"] > 0
        if row["l2"]:
            assert model.get_layer("hidden").kernel_regularizer.l2 == row["l2"]
        assert next(layer for layer in model.layers if isinstance(layer, layers.Dropout)).rate == row["dropout"]
        assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(row["learning_rate"])


def test_a_model_scores_as_its_row_says(path):
    for _, row in path.table().iterrows():
        scores = path.model(int(row["lane"])).evaluate(X[CUT:], Y[CUT:], verbose=0, return_dict=True)
        assert scores["loss"] == pytest.approx(row["val_loss"], rel=1e-5)
        assert scores["accuracy"] == pytest.approx(row["val_accuracy"], abs=1e-6)


def test_two_models_of_one_path_share_nothing(path):
    first, second = path.model(0), path.model(0)
    first.get_layer("hidden").kernel.assign(np.zeros((8, 8)))
    assert second.get_layer("hidden").kernel.numpy().any()
    assert first.optimizer is not second.optimizer


WHERE = {
    "lstm": (lambda: layers.LSTM(4, name="own"), SERIES, ["kernel_regularizer", "recurrent_regularizer"]),
    "bidirectional": (lambda: layers.Bidirectional(layers.GRU(3)), SERIES, []),
    "depthwise": (lambda: layers.DepthwiseConv2D(2, name="own"), IMAGES, ["depthwise_regularizer"]),
    "separable": (
        lambda: layers.SeparableConv2D(3, 2, name="own"),
        IMAGES,
        ["depthwise_regularizer", "pointwise_regularizer"],
    ),
    "own_l1": (lambda: layers.Dense(3, kernel_regularizer=keras.regularizers.L1(0.01), name="own"), X, []),
    "own_l2": (lambda: layers.Dense(3, kernel_regularizer="l2", name="own"), X, ["kernel_regularizer"]),
    "own_l1_l2": (lambda: layers.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02)), X, []),
}


@pytest.mark.parametrize("name", WHERE)
def test_l2_is_in_the_file_whatever_the_layer(name, tmp_path):
    layer, x, settings = WHERE[name]
    path = train(classifier(layer(), inputs=x.shape[1:]), rw.Grid(l2=[0.0, 0.05]), x)
    path.model(1).save(tmp_path / "lane.keras")
    restored = keras.models.load_model(tmp_path / "lane.keras")
    assert restored.evaluate(x[CUT:], Y[CUT:], verbose=0)[0] == pytest.approx(path.lane(1)["val_loss"], rel=1e-5)
    for setting in settings:
        assert float(getattr(restored.get_layer("own"), setting).l2) == pytest.approx(0.05)


def test_decay_goes_on_as_it_was_on_kernels_only():
    """Three epochs of a lane, then two of its model, are five epochs of `fit`."""

    def make(decay=None):
        keras.utils.set_random_seed(2)
        model = classifier(
            layers.Dense(4, bias_initializer="ones"), optimizer=keras.optimizers.SGD(0.1, weight_decay=decay)
        )
        if decay:
            model.optimizer.exclude_from_weight_decay(var_names=["bias"])
        return model

    path = train(make(), rw.Grid(weight_decay=[0.0, 0.5]), shuffle=False)
    going_on = path.model(1, "last")
    alone = make(0.5)
    for model, epochs in ((going_on, 2), (alone, 5)):
        model.fit(X[:CUT], Y[:CUT], epochs=epochs, batch_size=16, shuffle=False, verbose=0)
    for found, expected in zip(going_on.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_smoothing_is_written_into_losses_that_have_it():
    one_hot = keras.utils.to_categorical(Y)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    path = train(classifier(layers.Dense(4), loss=loss), rw.Grid(label_smoothing=[0.0, 0.2]), y=one_hot)
    exported = path.model(1)
    assert exported.loss.get_config()["label_smoothing"] == 0.2
    assert exported.evaluate(X[CUT:], one_hot[CUT:], verbose=0)[0] == pytest.approx(path.lane(1)["val_loss"], rel=1e-5)
    assert loss.get_config()["label_smoothing"] == 0.0


def test_schedules_momenta_and_attributes_by_path_are_written():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.8)
    model = classifier(layers.LeakyReLU(name="leaky"), optimizer=keras.optimizers.SGD(schedule))
    name = "optimizer.learning_rate.initial_learning_rate"
    family = rw.Grid({name: [0.05, 0.1], "leaky.negative_slope": [0.1, 0.2]}, momentum=[0.0, 0.9])
    exported = train(model, family).model(7)
    assert exported.optimizer.get_config()["learning_rate"]["config"]["initial_learning_rate"] == 0.1
    assert exported.optimizer.momentum == 0.9
    assert len(exported.optimizer.momentums) == len(exported.trainable_variables)
    assert exported.get_layer("leaky").negative_slope == pytest.approx(0.2)


class Parts(keras.Model):
    """A class without `get_config`, made of what no configuration holds: Keras can neither save nor copy it."""

    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def call(self, x, training=None):
        for part in self.parts:
            x = part(x)
        return x


def parts():
    keras.utils.set_random_seed(4)
    model = Parts([layers.Dense(4), layers.Dropout(0.1, seed=1), layers.Dense(3)])
    model(X[:1])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_a_model_that_keras_can_not_save_loses_nothing_and_is_left_as_it_was(tmp_path):
    model = parts()
    before = model.get_weights()
    weights = tmp_path / "best.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(str(weights), save_best_only=True, save_weights_only=True)
    with pytest.warns(UserWarning, match="'best.keras' is not written: Keras can't save a Parts"):
        path = train(model, rw.Grid(dropout=[0.2, 0.4], l2=[0.0, 0.1]), out=tmp_path / "run", callbacks=[checkpoint])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.parts[1].rate == 0.1
    read = rw.load_path(tmp_path / "run", model=parts())
    assert read.table().equals(path.table())
    other = parts()
    other.load_weights(weights)
    for found, expected in zip(other.get_weights(), read.best_model().get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(rw.InputError, match="has no model"):
        rw.load_path(tmp_path / "run").best_model()
    # The same again: the second path starts where the first did.
    again = train(model, rw.Grid(dropout=[0.2, 0.4], l2=[0.0, 0.1]))
    assert again.history().equals(path.history())


def test_the_users_model_is_as_before_after_models_were_taken():
    model = classifier(layers.Dense(4, name="hidden"), layers.Dropout(0.1, seed=1, name="drop"))
    before = model.get_weights()
    path = train(model, rw.Grid(dropout=[0.2, 0.4], l2=[0.0, 0.1], learning_rate=[0.05, 0.2], weight_decay=[0.1, 0.2]))
    path.best_model()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.get_layer("drop").rate == 0.1
    assert model.get_layer("hidden").kernel_regularizer is None
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(0.1)
    assert model.optimizer.weight_decay is None
    assert int(model.optimizer.iterations.numpy()) == 0
