"""What is refused before training, each with the value in the message."""

import numpy as np
import pytest

from ridgeway.data import Dataset, check_dataset, check_labels
from ridgeway.errors import InputError

X, Y = np.ones((4, 2), np.float32), np.zeros(4, np.int32)


def test_sound_arrays_pass() -> None:
    check_dataset(Dataset(X, Y))
    check_dataset(Dataset({"a": X, "b": [X, X]}, (Y, Y), np.ones(4)))
    check_dataset(Dataset(X.astype(bool), Y))


def with_value(value: float) -> np.ndarray:
    array = X.copy()
    array[2, 1] = value
    return array


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (Dataset(X, Y[:3]), "x has 4 rows and y has 3"),
        (Dataset({"a": X, "b": X[:2]}, Y), r"x\['a'\] has 4 rows and x\['b'\] has 2"),
        (Dataset(X, Y, np.ones(5)), "x has 4 rows and sample_weight has 5"),
        (Dataset(X[:0], Y[:0]), r"x is empty: its shape is \(0, 2\)"),
        (Dataset(X, Y[:0]), r"y is empty: its shape is \(0,\)"),
        (Dataset([], Y), "x or y holds no array"),
        (Dataset(X, None), "y is None. Pass the labels"),
        (Dataset(np.float32(3), Y), "x is .*3.*, a single value"),
        (Dataset(with_value(np.nan), Y), r"x holds 1 values .* the first, NaN, is in row 2, place \(1,\)"),
        (Dataset(with_value(-np.inf), Y), r"x holds 1 values .* the first, infinity, is in row 2"),
        (Dataset(X, np.array([0, np.nan, np.nan, 1])), "y holds 2 values .* the first, NaN, is in row 1"),
        (Dataset(X, np.array([0, 1, np.inf, 1])), "y holds 1 values .* infinity, is in row 2"),
        (Dataset(X, Y, np.array([1, 1, 1, np.nan])), "sample_weight holds 1 values"),
        (Dataset(X, np.array(["cat", "dog", "cat", "dog"])), "y holds .* values such as .*cat.* wants numbers"),
        (Dataset(np.array([["red", "blue"]] * 4, object), Y), "x holds object values such as 'red'"),
    ],
)
def test_unsound_arrays_are_refused(dataset: Dataset, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_dataset(dataset)


@pytest.mark.parametrize("loss", ["SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("label", [-1, 3, 1.5])
def test_sparse_labels_outside_the_classes(loss: str, label: float) -> None:
    check_labels(np.array([0, 1, 2]), 3, loss)
    with pytest.raises(InputError, match=f"the label {label:g} in row 1, outside the model's 3 classes 0 to 2"):
        check_labels(np.array([0, label, 2]), 3, loss)


def test_the_layer_that_would_be_needed_is_named() -> None:
    with pytest.raises(InputError, match="give the last layer 10 units"):
        check_labels(np.arange(10), 9, "SparseCategoricalCrossentropy")


def test_one_hot_labels_of_another_width() -> None:
    check_labels(np.eye(3), 3, "CategoricalCrossentropy")
    with pytest.raises(InputError, match=r"shape \(3, 3\).* each of the model's 4 classes"):
        check_labels(np.eye(3), 4, "CategoricalCrossentropy")
    with pytest.raises(InputError, match="to_categorical"):
        check_labels(np.arange(3), 3, "categorical_crossentropy")


def test_binary_labels() -> None:
    check_labels(np.array([0.0, 0.3, 1.0]), 1, "BinaryCrossentropy")
    with pytest.raises(InputError, match="the label 2 in row 1, and BinaryCrossentropy wants labels from 0 to 1"):
        check_labels(np.array([0, 2, 1]), 1, "BinaryCrossentropy")


def test_other_losses_take_any_number() -> None:
    check_labels(np.array([-3.0, 17.5]), 1, "MeanSquaredError")
