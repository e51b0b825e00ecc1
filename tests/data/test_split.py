"""`split_tail` cuts where Keras cuts, and tells of a tail that differs."""

import warnings

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

from ridgeway.data import Dataset, split_tail
from ridgeway.errors import InputError


@hypothesis.given(
    rows=strategies.integers(1, 5000),
    fraction=strategies.floats(0, 1, exclude_min=True, exclude_max=True, allow_subnormal=False),
)
def test_rows_are_those_that_keras_takes(rows: int, fraction: float) -> None:
    x = np.arange(rows)
    dataset = Dataset(x, np.zeros(rows))
    try:
        (ours_of_keras,), (tail_of_keras,) = train_validation_split((x,), fraction)
    except ValueError:
        with pytest.raises(InputError, match="leaves one side empty"):
            split_tail(dataset, fraction)
        return
    if len(tail_of_keras) == 0:
        with pytest.raises(InputError, match="leaves one side empty"):
            split_tail(dataset, fraction)
        return
    train, tail = split_tail(dataset, fraction)
    np.testing.assert_array_equal(train.x, ours_of_keras)
    np.testing.assert_array_equal(tail.x, tail_of_keras)
    assert len(train.y) == len(train.x)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, float("nan")])
def test_a_share_out_of_range(fraction: float) -> None:
    with pytest.raises(InputError, match=f"validation_split={fraction:g} is out of range"):
        split_tail(Dataset(np.ones(10), np.ones(10)), fraction)


def test_every_part_is_cut() -> None:
    x = {"a": np.arange(10), "b": [np.arange(10) * 2]}
    train, tail = split_tail(Dataset(x, np.zeros(10), np.arange(10.0)), 0.3)
    assert train.rows == 7 and tail.rows == 3
    np.testing.assert_array_equal(tail.x["b"][0], [14, 16, 18])
    np.testing.assert_array_equal(tail.sample_weight, [7, 8, 9])


random = np.random.default_rng(0)
CLASSES = random.integers(0, 10, 1000)
VALUES = random.normal(size=1000)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.sort(CLASSES), "class . is .*% of them against 0%.*classes are missing"),
        (np.eye(10)[np.sort(CLASSES)], "class . is"),
        (np.sort(CLASSES)[:, None], "class . is"),
        (np.sort(VALUES), "their mean is"),
    ],
)
def test_a_sorted_tail_is_told_of(y: np.ndarray, said: str) -> None:
    with pytest.warns(UserWarning, match=f"takes the last 200 rows .*{said}"):
        split_tail(Dataset(np.ones(1000), y), 0.2)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "y", [np.sort(CLASSES), np.eye(10)[np.sort(CLASSES)], np.sort(VALUES), np.zeros(1000), np.arange(1000)]
)
def test_a_shuffled_tail_is_not(y: np.ndarray, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split_tail(Dataset(np.ones(1000), np.random.default_rng(seed).permutation(y)), 0.2)


def test_labels_of_several_outputs_are_looked_at_one_by_one() -> None:
    mixed = np.random.default_rng(0).permutation(CLASSES)
    with pytest.warns(UserWarning, match=r"in y\[1\] their mean is"):
        split_tail(Dataset(np.ones(1000), [mixed, np.sort(VALUES)]), 0.2)
    with pytest.warns(UserWarning, match=r"in y\['kind'\] class"):
        split_tail(Dataset(np.ones(1000), {"kind": np.sort(CLASSES)}), 0.2)
    split_tail(Dataset(np.ones(1000), [mixed, np.random.default_rng(1).permutation(VALUES)]), 0.2)


def test_each_column_of_a_regression_is_looked_at() -> None:
    y = np.random.default_rng(2).normal(size=(1000, 2))
    split_tail(Dataset(np.ones(1000), y), 0.2)
    y[:, 1].sort()
    with pytest.warns(UserWarning, match="the mean of column 1 is"):
        split_tail(Dataset(np.ones(1000), y), 0.2)
