"""The original form of dropout against Keras's inverted one."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

import ridgeway as rw
from ridgeway.layers import ClassicDropout

random = np.random.default_rng(0)
X = random.normal(size=(70, 8)).astype("float32")
Y = random.integers(0, 3, 70)


def test_training_keeps_values_and_prediction_shrinks_them():
    layer = ClassicDropout(0.25, seed=1)
    ones = np.ones((4000, 3), "float32")
    dropped = np.array(layer(ones, training=True))
    assert set(np.unique(dropped)) == {0.0, 1.0}
    np.testing.assert_allclose(layer(ones, training=False), 0.75)
    # Its mean in training is what it predicts: within four standard errors of 12,000 coin flips.
    assert abs(dropped.mean() - 0.75) < 4 * np.sqrt(0.25 * 0.75 / dropped.size)


def test_it_is_the_inverted_form_times_the_share_kept_in_both_modes():
    x = random.normal(size=(50, 8)).astype("float32")
    for training in (True, False):
        classic = np.array(ClassicDropout(0.4, seed=7)(x, training=training))
        inverted = np.array(layers.Dropout(0.4, seed=7)(x, training=training))
        np.testing.assert_allclose(classic, 0.6 * inverted, rtol=1e-6)


def build(rate):
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(16, activation="relu"), ClassicDropout(rate, seed=9), layers.Dense(3)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_lanes_equal_lone_fits_and_the_file_keeps_it(tmp_path):
    arguments = {"validation_split": 0.2, "epochs": 5, "batch_size": 16, "shuffle": False, "verbose": 0}
    path = rw.fit_path(build(0.0), X, Y, rw.Grid(dropout=[0.0, 0.2, 0.5, 0.7]), **arguments)
    for lane, rate in ((0, 0.0), (2, 0.5)):
        history = build(rate).fit(X, Y, **arguments).history
        found = path.history().query(f"lane == {lane}")
        for name, expected in history.items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)
    path.model(2).save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[1].rate == 0.5
    np.testing.assert_allclose(again.predict(X, verbose=0), path.model(2).predict(X, verbose=0), rtol=1e-6)
