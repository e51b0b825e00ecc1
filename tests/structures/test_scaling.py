"""Input scaling against its definitions."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw
from ridgeway.structures.scaling import scaling_statistics

random = np.random.default_rng(0)
X = (random.normal(size=(200, 3)) * [1.0, 10.0, 100.0] + [0.0, 5.0, -50.0]).astype("float32")


def scaled(x, scaling):
    mean, variance = scaling_statistics(x, scaling)
    return (x - mean) / np.sqrt(variance)


def test_each_scaling_is_its_definition():
    standard = scaled(X, "standardize")
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(standard.std(0), 1, rtol=1e-4)
    unit = scaled(X, "minmax")
    np.testing.assert_allclose([unit.min(0), unit.max(0)], [[0] * 3, [1] * 3], atol=1e-5)
    robust = scaled(X, "robust")
    np.testing.assert_allclose(np.median(robust, axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.subtract(*np.percentile(robust, [75, 25], axis=0)), 1, rtol=1e-3)
    one = scaled(X, "unit")
    assert (one.min(), one.max()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, rel=1e-5))
    both = scaled(X, "symmetric")
    assert (both.min(), both.max()) == (pytest.approx(-1, rel=1e-5), pytest.approx(1, rel=1e-5))
    np.testing.assert_array_equal(scaled(X, "none"), X)


def test_pixels_go_from_0_or_minus_1_to_1():
    """By what pixels can be, whether or not one is quite white."""
    pixels = random.integers(3, 200, size=(50, 4, 4, 1)).astype("uint8")
    np.testing.assert_allclose(scaled(pixels, "unit"), pixels / 255.0, rtol=1e-5)
    np.testing.assert_allclose(scaled(pixels, "symmetric"), pixels / 127.5 - 1, atol=1e-5)


def test_images_are_scaled_by_channel():
    images = (random.normal(size=(40, 5, 5, 2)) * [1.0, 9.0] + [0.0, 4.0]).astype("float32")
    mean, variance = scaling_statistics(images, "standardize")
    np.testing.assert_allclose(mean, images.mean((0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(variance, images.var((0, 1, 2)), rtol=1e-4)


@pytest.mark.parametrize("scaling", ["unit", "symmetric", "standardize", "minmax", "robust"])
def test_a_constant_feature_is_shifted_only(scaling):
    assert np.isfinite(scaled(np.full((10, 2), 7.0, "float32"), scaling)).all()


def regressor(inputs):
    model = keras.Model(inputs, layers.Dense(1)(layers.Concatenate()(keras.tree.flatten(inputs))))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_each_of_several_inputs_is_scaled_by_its_own_rows(kind):
    keras.utils.set_random_seed(0)
    second = (X[:, :2] * 3 + 1).astype("float32")
    if kind == "dict":
        inputs = {"b": keras.Input((3,), name="b"), "a": keras.Input((2,), name="a")}
        x = {"a": second, "b": X}
    else:
        inputs, x = [keras.Input((3,), name="b"), keras.Input((2,), name="a")], [X, second]
    path = rw.fit_path(
        regressor(inputs), x, X[:, :1], rw.Grid(input_scaling="standardize"), epochs=1, validation_split=0.25, verbose=0
    )
    weights = path.lane_weights(0)
    means = {name.split("_scaling")[0]: value for name, value in weights.items() if name.endswith("_scaling/mean")}
    np.testing.assert_allclose(means["b"], X[:150].mean(0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(means["a"], second[:150].mean(0), rtol=1e-3, atol=1e-3)


def test_whole_numbers_for_an_embedding_are_left_alone():
    model = keras.Sequential(
        [keras.Input((4,), dtype="int32"), layers.Embedding(9, 3), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = random.integers(0, 9, size=(20, 4)).astype("int32")
    with pytest.raises(rw.InputError, match="input_scaling acts on nothing in this model"):
        rw.fit_path(model, x, x[:, :1] * 1.0, rw.Grid(input_scaling=["unit"]), validation_split=0.25, verbose=0)


def test_a_feature_too_small_for_keras_to_scale_is_told_of():
    x = X.copy()
    x[:, 1] *= 1e-10
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="can't bring feature 1 of .* to scale"):
        rw.fit_path(model, x, X[:, 0], rw.Grid(input_scaling=["standardize"]), validation_data=(x, X[:, 0]), verbose=0)
