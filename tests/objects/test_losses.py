"""Smoothed sparse labels against Keras's own loss on one-hot labels."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ridgeway as rw
from ridgeway.losses import SparseCategoricalCrossentropy, others_from_uniform, smooth_labels, uniform_from_others

random = np.random.default_rng(0)
X = random.normal(size=(80, 6)).astype("float32")
Y = random.integers(0, 4, 80)
LOGITS = random.normal(size=(80, 4)).astype("float32")


def test_the_lectures_example():
    np.testing.assert_allclose(smooth_labels([0], 0.15, 4, "others"), [[0.85, 0.05, 0.05, 0.05]])
    np.testing.assert_allclose(smooth_labels([0], 0.15, 4), [[0.8875, 0.0375, 0.0375, 0.0375]])


@given(st.floats(0, 0.5), st.integers(2, 50))
def test_the_two_conventions_convert(epsilon, classes):
    labels = np.arange(classes)
    uniform = uniform_from_others(epsilon, classes)
    assert uniform == pytest.approx(epsilon * classes / (classes - 1))
    assert others_from_uniform(uniform, classes) == pytest.approx(epsilon, abs=1e-12)
    if uniform < 1:
        others = smooth_labels(labels, epsilon, classes, "others")
        np.testing.assert_allclose(others, smooth_labels(labels, uniform, classes), atol=1e-12)
        np.testing.assert_allclose(others.sum(axis=1), 1.0)
        np.testing.assert_allclose(np.diag(others), 1 - epsilon, atol=1e-12)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("epsilon", [0.0, 0.15])
def test_it_is_keras_categorical_loss_on_one_hot_labels(epsilon, from_logits):
    outputs = LOGITS if from_logits else np.array(keras.ops.softmax(LOGITS))
    one_hot = keras.utils.to_categorical(Y, 4)
    expected = keras.losses.CategoricalCrossentropy(from_logits=from_logits, label_smoothing=epsilon)(one_hot, outputs)
    found = SparseCategoricalCrossentropy(epsilon, from_logits=from_logits)(Y, outputs)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    others = SparseCategoricalCrossentropy(epsilon, "others", from_logits=from_logits)(Y, outputs)
    expected = keras.losses.CategoricalCrossentropy(from_logits=from_logits)(
        smooth_labels(Y, epsilon, 4, "others").astype("float32"), outputs
    )
    np.testing.assert_allclose(others, expected, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", None])
@pytest.mark.parametrize("ignored", [2, -1])
def test_an_ignored_class_counts_as_in_keras(ignored, reduction):
    labels = np.where(np.arange(80) < 9, ignored, Y)
    arguments = {"from_logits": True, "ignore_class": ignored, "reduction": reduction}
    keras_loss = keras.losses.SparseCategoricalCrossentropy(**arguments)
    plain = SparseCategoricalCrossentropy(0.0, **arguments)(labels, LOGITS)
    np.testing.assert_allclose(plain, keras_loss(labels, LOGITS), rtol=1e-6)
    # Smoothed: the loss of the other rows alone, with 0 for the ignored ones where rows stay apart.
    kept = labels != ignored
    one_hot = keras.utils.to_categorical(labels[kept], 4)
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, reduction=reduction)(
        one_hot, LOGITS[kept]
    )
    found = np.array(SparseCategoricalCrossentropy(0.2, **arguments)(labels, LOGITS))
    if reduction is None:
        assert not found[~kept].any()
        found = found[kept]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, 1])
def test_labels_of_sequences_with_the_classes_on_any_axis(axis):
    labels = random.integers(0, 4, (5, 6))
    outputs = random.normal(size=(5, 6, 4)).astype("float32")
    expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)(
        keras.utils.to_categorical(labels, 4), outputs
    )
    loss = SparseCategoricalCrossentropy(0.2, from_logits=True, axis=axis)
    np.testing.assert_allclose(loss(labels, np.moveaxis(outputs, -1, axis)), expected, rtol=1e-6)


def classifier(loss):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(4)])
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def test_it_survives_a_file(tmp_path):
    model = classifier(SparseCategoricalCrossentropy(0.15, "others", from_logits=True))
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.loss.get_config() == model.loss.get_config()
    np.testing.assert_allclose(again.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-5)


FRESH = """
import sys
import keras
loss = keras.models.load_model(sys.argv[1]).loss
assert "ridgeway" not in sys.modules
print(type(loss) is keras.losses.SparseCategoricalCrossentropy)
"""


def test_keras_own_sparse_loss_is_exported_as_it_was_and_loads_without_ridgeway(tmp_path):
    model = classifier(keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    path = rw.fit_path(model, X, Y, rw.Grid(label_smoothing=[0.0, 0.2]), validation_split=0.2, epochs=1, verbose=0)
    path.model(1).save(tmp_path / "m.keras")
    # Outside of the source folder: the file alone must do.
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path / "m.keras")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["True"], done.stderr


@pytest.mark.parametrize("convention", ["uniform", "others"])
def test_lanes_with_it_equal_lone_fits(convention):
    model = classifier(SparseCategoricalCrossentropy(0.3, convention, from_logits=True))
    family = rw.Grid(label_smoothing=[0.0, 0.05, 0.15, 0.2])
    path = rw.fit_path(model, X, Y, family, validation_split=0.2, epochs=3, batch_size=16, shuffle=False, verbose=0)
    alone = classifier(SparseCategoricalCrossentropy(0.15, convention, from_logits=True))
    history = alone.fit(X, Y, validation_split=0.2, epochs=3, batch_size=16, shuffle=False, verbose=0).history
    found = path.history().query("lane == 2")
    np.testing.assert_allclose(found["val_loss"], history["val_loss"], rtol=1e-5)
    hard = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(Y[64:], alone.predict(X[64:], verbose=0))
    np.testing.assert_allclose(found["val_nll"].iloc[-1], hard, rtol=1e-5)
    exported = path.model(2).loss
    assert exported.label_smoothing == pytest.approx(0.15)
    assert exported.convention == convention


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SparseCategoricalCrossentropy(1.0), "label_smoothing=1.0 is out of range"),
        (lambda: SparseCategoricalCrossentropy(0.1, "lecture"), "convention='lecture' is unknown"),
        (lambda: SparseCategoricalCrossentropy("a"), "label_smoothing='a' is out of range"),
        (lambda: uniform_from_others(0.1, 1), "1 classes leave no other class"),
        (lambda: smooth_labels([0, -1], 0.1, 4), "Label -1 is no class. Pass whole numbers from 0 to 3"),
        (lambda: smooth_labels([4], 0.1, 4), "Label 4 is no class"),
        (lambda: smooth_labels([1.7], 0.1, 4), "Label 1.7 is no class"),
    ],
)
def test_errors(make, message):
    with pytest.raises(rw.InputError, match=message):
        make()
