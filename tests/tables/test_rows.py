"""Weights, copies, order and folds of rows."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from sklearn.utils.class_weight import compute_class_weight

from ridgeway.errors import InputError
from ridgeway.tables.rows import canonical_order, checked_groups, drawn_folds, folds_among, given_folds, weighted_rows
from ridgeway.tables.weights import checked_weights, class_weights

random = np.random.default_rng(0)


def test_whole_weights_are_copies() -> None:
    rows = weighted_rows(4, np.array([0.0, 2.0, 1.0, 3.0]))
    assert rows.given.tolist() == [1, 1, 2, 3, 3, 3] and rows.weights is None


@pytest.mark.parametrize("weights", [np.array([0.0, 0.5, 1.5]), np.array([0.0, 1000.0, 3000.0])])
def test_other_weights_weigh_with_mean_1(weights: np.ndarray) -> None:
    rows = weighted_rows(3, weights)
    assert rows.given.tolist() == [1, 2] and rows.weights is not None
    np.testing.assert_allclose(rows.weights, [0.5, 1.5])


@pytest.mark.parametrize("factor", [1e308, 1e-308])
def test_weights_near_the_ends_of_float64(factor: float) -> None:
    weights = checked_weights(factor * np.array([0.5, 1.5, 1.0]), 3)
    assert weights is not None
    found = weighted_rows(3, weights).weights
    np.testing.assert_allclose(found, [0.5, 1.5, 1.0])


def test_weights_that_leave_nothing() -> None:
    with pytest.raises(InputError, match="All weights of rows are zero"):
        weighted_rows(3, np.zeros(3))


def test_the_order_does_not_depend_on_how_rows_were_passed() -> None:
    x = random.integers(0, 2, (40, 3)).astype(np.float32)
    y, weights = random.integers(0, 2, 40), random.random(40)
    mixed = random.permutation(40)
    first = canonical_order(x, y, weights)
    again = mixed[canonical_order(x[mixed], y[mixed], weights[mixed])]
    for array in (x, y, weights):
        np.testing.assert_array_equal(array[first], array[again])


def test_folds_are_stratified_and_hold_copies_together() -> None:
    labels = np.repeat([0, 1], [20, 10])
    given = np.repeat(np.arange(30), 2)
    folds = folds_among(drawn_folds(5, given, labels[given], True, 0), given)
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(60))
    for train, held in folds:
        assert not set(given[train]) & set(given[held])
        assert np.bincount(labels[given[held]]).tolist() == [8, 4]


@pytest.mark.parametrize(
    ("labels", "cv", "folds"),
    [([0, 0, 0, 0, 1], 3, 3), ([0, 1, 2, 3], 3, 3), ([0, 1], 3, 2), ([0, 0, 1, 1], 0.5, 1), ([0, 0, 0, 1], 0.25, 1)],
)
def test_folds_of_few_rows(labels: list[int], cv: float, folds: int) -> None:
    found = drawn_folds(cv, np.arange(len(labels)), np.array(labels), True, 0)
    assert len(found) == folds
    for train, held in found:
        assert len(train) and len(held) and not set(train) & set(held)


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        (1, "cv=1 is no number of folds"),
        (0, "cv=0 is no number of folds"),
        (1.5, "cv=1.5 is no share to hold out"),
        ("three", "cv='three' can't be used"),
        ([([0, 1], [9])], "can't be used"),
        ([([0, 1], [-1])], "can't be used .a fold names the row -1, and there are 5 rows, from 0"),
    ],
)
def test_folds_that_cannot_be(cv: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        if given_folds(cv, 5, np.zeros(5)) is None:
            drawn_folds(cv, np.arange(5), np.zeros(5), True, 0)


@pytest.mark.parametrize("cv", [3, 0.3, GroupKFold(3)])
@pytest.mark.parametrize("classes", [True, False])
def test_folds_hold_out_whole_groups(cv: object, classes: bool) -> None:
    labels, names = random.integers(0, 2, 40), np.repeat(list("abcdefgh"), 5)
    groups = checked_groups(names, 40)
    folds = given_folds(cv, 40, labels, groups) or drawn_folds(cv, np.arange(40), labels, classes, 0, groups)
    assert len(folds) == (1 if cv == 0.3 else 3)
    for train, held in folds:
        assert len(held) and not set(names[train]) & set(names[held])


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([1, 2], "groups has shape .2,. and X has 3 rows"),
        ([1, None, 2], "groups has no value in row 1"),
        ([1, 1, 1], "All rows are of one group"),
    ],
)
def test_groups_that_cannot_be(groups: list[object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        drawn_folds(2, np.arange(3), np.zeros(3), False, 0, checked_groups(groups, 3))


@pytest.mark.parametrize("splitter", [KFold(3), TimeSeriesSplit(2)])
def test_a_splitter_splits_the_rows_as_they_were_given(splitter: KFold | TimeSeriesSplit) -> None:
    folds = given_folds(splitter, 9, np.zeros(9))
    assert folds is not None
    # Row 4 is left out, row 5 counts twice, and all stand in another order.
    given = np.array([8, 0, 5, 1, 5, 7, 2, 3, 6])
    for mine, theirs in zip(folds_among(folds, given), splitter.split(np.zeros(9)), strict=True):
        for own, rows in zip(mine, theirs, strict=True):
            assert sorted(given[own].tolist()) == sorted(row for row in [0, 1, 2, 3, 5, 5, 6, 7, 8] if row in rows)


def test_weights_that_empty_a_fold() -> None:
    with pytest.raises(InputError, match="Fold 1 of cv has 2 rows of a weight above zero to train on and 0 held out"):
        folds_among([(np.array([0]), np.array([1])), (np.array([0, 1]), np.array([2]))], np.array([0, 1]))


def test_balanced_weights_as_scikit_learn_has_them() -> None:
    codes = random.integers(0, 3, 50)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=codes)
    np.testing.assert_allclose(class_weights("balanced", ["a", "b", "c"], codes, None), expected)
    # Weighted rows count as so many.
    weights = random.integers(1, 4, 50)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=codes.repeat(weights))
    np.testing.assert_allclose(class_weights("balanced", ["a", "b", "c"], codes, weights), expected)


def test_class_weights_by_label() -> None:
    codes = np.array([0, 1, 1])
    assert class_weights({"b": 2}, ["a", "b"], codes, None).tolist() == [1, 2]
    # A fold may lack a class that has a weight.
    assert class_weights({"a": 1, "b": 2, "c": 3}, ["a", "b"], codes, None).tolist() == [1, 2]
    for given, said in [
        ("even", "class_weight='even' is unknown"),
        ({"A": 2}, "names the label 'A', which y does not have, and leaves 'a' out"),
        ({"a": -1}, "gives 'a' the weight -1"),
        ({"a": "heavy"}, "gives 'a' the weight 'heavy'. Pass a finite number from 0"),
        ({"a": float("inf")}, "gives 'a' the weight inf"),
    ]:
        with pytest.raises(InputError, match=said):
            class_weights(given, ["a", "b"], codes, None)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, 2], "sample_weight has the shape"),
        ([[1], [1], [1]], "sample_weight has the shape"),
        ([1, -2, 1], "sample_weight is -2 in row 1"),
        ([1, np.nan, 1], "NaN"),
    ],
)
def test_weights_that_cannot_be(weights: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked_weights(weights, 3)
