"""The network that data without a model gets."""

import keras
import numpy as np
import pytest

from ridgeway.networks import default_network

random = np.random.default_rng(0)
TABLE = random.normal(loc=1000, scale=[1, 50, 3], size=(40, 3)).astype(np.float32)
CLASSES = random.integers(0, 3, 40)
IMAGES = random.integers(0, 256, (40, 6, 5)).astype(np.uint8)


def test_a_table_is_scaled_inside() -> None:
    model = default_network(TABLE, CLASSES, "classification", 3)
    scaled = np.asarray(model.layers[0](TABLE))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-3)
    assert model.predict(TABLE, verbose=0).shape == (40, 3)


def test_a_constant_column() -> None:
    x = TABLE.copy()
    x[:, 1] = 7
    assert np.isfinite(default_network(x, CLASSES, "classification", 3).predict(x, verbose=0)).all()


def test_logits_with_the_loss_that_takes_them() -> None:
    model = default_network(TABLE, CLASSES, "classification", 3)
    assert isinstance(model.loss, keras.losses.SparseCategoricalCrossentropy)
    loss, _ = model.evaluate(TABLE, CLASSES, verbose=0)
    logits = model.predict(TABLE, verbose=0)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(shares[np.arange(40), CLASSES]).mean(), rel=1e-4)


@pytest.mark.parametrize("y", [random.normal(5000, 300, 40).astype(np.float32), np.full(40, 3.0, np.float32)])
def test_values_in_their_own_units(y: np.ndarray) -> None:
    model = default_network(TABLE, y, "regression", 0)
    found = model.predict(TABLE, verbose=0)
    assert found.shape == (40, 1)
    assert abs(found.mean() - y.mean()) < 5 * (y.std() or 1)


@pytest.mark.parametrize(
    ("x", "largest"),
    [(IMAGES, 1.0), (IMAGES.astype(np.float32), 1.0), (IMAGES / 255, 1.0), (IMAGES[..., None], 1.0)],
    ids=["uint8", "float to 255", "float to 1", "channel"],
)
def test_images_from_0_to_1(x: np.ndarray, largest: float) -> None:
    model = default_network(x, CLASSES, "classification", 3)
    assert np.asarray(model.layers[0](x)).max() == pytest.approx(largest, abs=0.02)
    assert model.predict(x, verbose=0).shape == (40, 3)


def test_the_seed_decides_the_starting_weights() -> None:
    first, same, other = (default_network(IMAGES, CLASSES, "classification", 3, seed) for seed in (1, 1, 2))
    for mine, again in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, again)
    assert not np.array_equal(first.trainable_variables[0], other.trainable_variables[0])


def test_dropout_has_somewhere_to_act() -> None:
    for x in (TABLE, IMAGES):
        layers = default_network(x, CLASSES, "classification", 3).layers
        assert any(isinstance(layer, keras.layers.Dropout) for layer in layers)
