"""Tables as the benchmark reads and splits them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tabular.data import read, split


def test_parts_are_stratified_disjoint_and_whole():
    y = np.repeat([0, 1, 2], [500, 100, 25])
    train, validation, test = split(y, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation, test])), np.arange(len(y)))
    for part, share in ((train, 0.64), (validation, 0.16), (test, 0.20)):
        np.testing.assert_allclose(np.bincount(y[part]), share * np.array([500, 100, 25]), atol=1)


def test_same_seed_same_split_and_others_differ():
    y = np.repeat([0, 1], 50)
    for one, other in zip(split(y, 1), split(y, 1), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(split(y, 1)[2], split(y, 2)[2])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_rare_class_is_always_trained_on(size):
    y = np.repeat([0, 1], [40, size])
    assert (y[split(y, 0)[0]] == 1).any()


def test_columns_are_numbers_or_categories_of_the_fitting_rows(tmp_path):
    rows = [[f" {n / 3}", "?" if n % 10 == 0 else f"{n}", "red " if n % 2 else " blue", n % 2] for n in range(50)]
    file = tmp_path / "table.csv"
    pd.DataFrame(rows).to_csv(file, header=False, index=False)
    table = read(file, 0)
    assert table.categorical == ["x2"]
    np.testing.assert_array_equal(table.x["x0"], np.arange(50) / 3)
    np.testing.assert_array_equal(table.x["x1"].isna(), np.arange(50) % 10 == 0)
    assert list(table.x["x2"].cat.categories) == ["blue", "red"]
    np.testing.assert_array_equal(table.y, np.arange(50) % 2)
    # A word that only a test row has is missing there.
    rows[table.test[0]][2] = "green"
    pd.DataFrame(rows).to_csv(file, header=False, index=False)
    again = read(file, 0)
    assert list(again.x["x2"].cat.categories) == ["blue", "red"]
    assert np.flatnonzero(again.x["x2"].isna()).tolist() == [table.test[0]]
