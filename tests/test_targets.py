"""Class numbers, one-hot targets and plain lists train the same lanes."""

from typing import Any

import keras
import numpy as np
import pytest

import ridgeway as rw
from ridgeway.data import lists_as_arrays, map_arrays

random = np.random.default_rng(0)
X = random.normal(size=(48, 3)).astype(np.float32)
Y = (np.arange(48) % 3 + (X[:, 0] > 1)) % 3
NAMES = np.array(["politics", "society", "economy"])


def build(loss: keras.losses.Loss) -> keras.Model:
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    return model


def train(loss: keras.losses.Loss, y: Any, x: Any = X) -> rw.Path:
    family = rw.Grid(weight_decay=[0.0, 0.1])
    options = {"epochs": 3, "batch_size": 8, "validation_split": 0.25, "verbose": 0, "executor": "vmap", "slots": 2}
    return rw.fit_path(build(loss), x, y, family, **options)


def test_one_hot_targets_train_the_lanes_of_class_numbers() -> None:
    hot, categories = rw.one_hot(NAMES[Y], list(NAMES))
    assert categories == list(NAMES)
    one_hot = train(keras.losses.CategoricalCrossentropy(from_logits=True), hot)
    sparse = train(keras.losses.SparseCategoricalCrossentropy(from_logits=True), Y)
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(one_hot.history()[columns], sparse.history()[columns], rtol=1e-5)
    assert one_hot.history()["loss"].nunique() == 6, "each lane and epoch has a loss of its own"
    for lane in (0, 1):
        for found, expected in zip(
            one_hot.lane_weights(lane).values(), sparse.lane_weights(lane).values(), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_dummy_targets_are_refused() -> None:
    with pytest.raises(rw.InputError, match=r"shape \(36, 2\).*one column for each of the model's 3 classes"):
        train(keras.losses.CategoricalCrossentropy(from_logits=True), rw.dummy(NAMES[Y])[0])


def test_plain_lists_train_the_lanes_of_arrays() -> None:
    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    from_lists, from_arrays = train(sparse, Y.tolist(), X.tolist()), train(sparse, Y)
    columns = ["loss", "val_loss"]
    np.testing.assert_array_equal(from_lists.history()[columns], from_arrays.history()[columns])
    scores = from_lists.evaluate(X.tolist(), Y.tolist())
    np.testing.assert_array_equal(scores, from_arrays.evaluate(X, Y))


ROWS = [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("structure", "places", "shapes"),
    [
        (ROWS, 1, (2, 2)),
        ([1, 2, 3], 1, (3,)),
        (tuple(ROWS), 1, (2, 2)),
        ([np.float32(1), np.float32(2)], 1, (2,)),
        (ROWS, 2, [(2,), (2,)]),
        ([ROWS, [5, 6]], 2, [(2, 2), (2,)]),
        ([np.ones((2, 3)), [5, 6]], 2, [(2, 3), (2,)]),
        ({"a": ROWS, "b": [5, 6]}, 2, {"a": (2, 2), "b": (2,)}),
        ([np.ones((2, 3))], 1, [(2, 3)]),
        (np.ones((2, 3)), 2, (2, 3)),
    ],
)
def test_lists_are_rows_unless_the_model_has_several_places(structure: Any, places: int, shapes: Any) -> None:
    found = lists_as_arrays("x", structure, places)
    assert map_arrays(np.shape, found) == shapes


def test_lists_that_are_not_as_many_as_the_places() -> None:
    with pytest.raises(rw.InputError, match="x is a list of 3 lists, and the model takes 2"):
        lists_as_arrays("x", [[1, 2]] * 3, 2)


def test_a_model_of_two_inputs_takes_two_lists() -> None:
    first, second = keras.Input((2,)), keras.Input((1,))
    model = keras.Model([first, second], keras.layers.Dense(1)(keras.layers.Concatenate()([first, second])))
    model.compile("sgd", "mse")
    x = [X[:, :2].tolist(), X[:, 2:].tolist()]
    path = rw.fit_path(model, x, X[:, 0].tolist(), rw.Grid(weight_decay=[0.0]), validation_split=0.25, verbose=0)
    assert path.record["data"]["x"] == "2 float32, 1 float32"
