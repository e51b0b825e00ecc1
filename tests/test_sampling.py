"""Monte-Carlo dropout."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import ridgeway as rw

random = np.random.default_rng(0)
X = random.normal(size=(60, 4)).astype("float32")
Y = (X @ np.ones(4)).astype("float32")


def linear_path(rates):
    """Dropout in front of one linear layer without bias: mean and variance of a prediction are known."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dropout(0.0, seed=1), layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return rw.fit_path(model, X, Y, rw.Grid(dropout=rates), epochs=2, validation_split=0.2, verbose=0)


def test_mean_and_variance_are_those_of_the_formula():
    path = linear_path([0.0, 0.4])
    weights = path.lane_weights(1)
    w = next(iter(weights.values())).ravel()
    samples = path.predict_samples(X, 4000, lane=1)
    assert samples.shape == (4000, 60, 1)
    # Each feature is kept with probability 0.6 and then divided by it (Srivastava et al. 2014, inverted).
    mean = X @ w
    variance = (X**2) @ (w**2) * 0.4 / 0.6
    np.testing.assert_allclose(samples[..., 0].mean(0), mean, atol=5 * np.sqrt(variance.max() / 4000))
    np.testing.assert_allclose(samples[..., 0].var(0), variance, rtol=0.25)


def test_samples_differ_and_repeat_with_their_seed():
    path = linear_path([0.0, 0.4])
    first = path.predict_samples(X, 3, lane=1)
    assert np.ptp(first, axis=0).max() > 0
    np.testing.assert_array_equal(path.predict_samples(X, 3, lane=1), first)
    assert not np.array_equal(path.predict_samples(X, 3, lane=1, seed=1), first)


def test_other_layers_predict():
    """Batch normalization goes by its moving averages, so that a row's prediction depends on no other row."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8), layers.BatchNormalization(), layers.Dropout(1e-6, seed=1), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    path = rw.fit_path(model, X, Y, rw.Grid(l2=[0.0]), epochs=2, validation_split=0.2, verbose=0)
    samples = path.predict_samples(X, 2)
    np.testing.assert_allclose(samples[0], path.best_model().predict(X, verbose=0), rtol=1e-4, atol=1e-5)


def test_errors():
    path = linear_path([0.0, 0.4])
    with pytest.raises(rw.InputError, match="This model drops nothing"):
        path.predict_samples(X, 3, lane=0)
    with pytest.raises(rw.InputError, match="n=0 is no whole number"):
        path.predict_samples(X, 0, lane=1)
    with pytest.raises(rw.InputError, match="There is no lane 9"):
        path.predict_samples(X, 3, lane=9)
