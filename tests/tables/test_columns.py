"""What each kind of column becomes, against scikit-learn, pandas and closed forms."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from ridgeway.errors import InputError
from ridgeway.tables.preparation import TablePreparation

ROWS = 300
GENERATOR = np.random.default_rng(0)


def prepared(column: Any, **new: Any) -> pd.DataFrame:
    """A column `c` prepared, or `new` cells by what the column taught."""
    preparation = TablePreparation().fit(pd.DataFrame({"c": column}))
    frame = pd.DataFrame(new or {"c": column})
    return pd.DataFrame(preparation.transform(frame), columns=preparation.get_feature_names_out())


def clipped(scaled: np.ndarray) -> np.ndarray:
    return scaled / np.sqrt(1 + (scaled / 3) ** 2)


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "int64", "uint8", "Int64", "Float64", "int64[pyarrow]", object]
)
def test_numbers_are_scaled_as_by_robust_scaler_and_clipped(dtype: Any) -> None:
    column = pd.Series(GENERATOR.integers(0, 200, ROWS)).astype(dtype)
    truth = clipped(RobustScaler().fit_transform(column.to_numpy(float)[:, None]))
    np.testing.assert_allclose(prepared(column), truth, atol=1e-6)


def test_numbers_of_small_units_are_no_constant() -> None:
    column = GENERATOR.normal(size=ROWS)
    np.testing.assert_allclose(prepared(column * 1e-30), prepared(column), atol=1e-6)


def test_numbers_of_which_most_are_equal_are_scaled_by_their_range() -> None:
    # (0, ..., 0, 4): 2 / (4 - 0) · 4 = 2, then 2 / sqrt(1 + 4/9).
    np.testing.assert_allclose(prepared([0.0] * 9 + [4.0])["c"].to_numpy(), [0] * 9 + [2 / np.sqrt(13 / 9)], rtol=1e-6)


def test_decimals_and_mixtures_of_numbers_are_numbers() -> None:
    values = [0.25, 1, 7, 2.5]
    for mixture in ([Decimal(value) for value in values], [Decimal("0.25"), 1, True * 7, 2.5]):
        np.testing.assert_array_equal(prepared(pd.Series(mixture, dtype=object)), prepared(values))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_number_is_the_median_and_indicated(missing: Any) -> None:
    out = prepared(pd.Series([1.0, 2.0, missing, 9.0], dtype="Float64"))
    assert list(out) == ["c", "c_missing"]
    assert out["c"][2] == out["c"][1] == 0
    assert out["c_missing"].tolist() == [0, 0, 1, 0]


def test_a_number_missing_only_later_is_the_median() -> None:
    assert prepared([1.0, 2.0, 9.0], c=[np.nan, 2.0]).to_numpy().tolist() == [[0], [0]]


def test_a_constant_number_with_missing_cells_keeps_its_indicator() -> None:
    assert list(prepared([5.0, np.nan, 5.0])) == ["c_missing"]


def test_extreme_numbers_stay_within_three() -> None:
    out = prepared([0.0, 5e-324, 1e-323, 1.5e-323], c=[1.7e308, -1.7e308, 0, 5e-324])
    assert out["c"][0] == 3 and out["c"][1] == -3
    assert np.isfinite(prepared([1.7e308, -1.7e308, 0.0, 1e308])).all(axis=None)


@pytest.mark.parametrize("dtype", ["bool", "boolean", "bool[pyarrow]", object])
def test_booleans_are_zero_and_one(dtype: Any) -> None:
    out = prepared(pd.Series([True, False, True]).astype(dtype))
    assert out.to_dict("list") == {"c": [1, 0, 1]}
    if dtype != "bool":
        out = prepared(pd.Series([True, None, False], dtype=dtype))
        assert out.to_dict("list") == {"c": [1, 0, 0], "c_missing": [0, 1, 0]}


def one_hot(column: pd.Series, new: pd.Series) -> np.ndarray:
    encoder = OneHotEncoder(
        max_categories=100, handle_unknown="infrequent_if_exist", drop="if_binary", sparse_output=False
    )
    return encoder.fit(column.to_frame()).transform(new.to_frame())


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("levels", [2, 3, 99, 100, 101, 400])
@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_text_is_coded_as_by_one_hot_encoder(levels: int, dtype: str) -> None:
    column = pd.Series([f"l{place:03}" for place in GENERATOR.integers(0, levels, 5 * ROWS)], name="c")
    new = pd.Series([f"l{place:03}" for place in range(levels)], name="c")
    out = prepared(column.astype(dtype), c=new.astype(dtype))
    np.testing.assert_array_equal(out, one_hot(column, new))
    assert out.shape[1] == {2: 1, 3: 3, 99: 99}.get(levels, 100)


def test_unseen_text_is_infrequent_or_zeros() -> None:
    many = [f"l{place % 150}" for place in range(3000)]
    assert prepared(many, c=["new"]).loc[0].loc[lambda row: row == 1].index.tolist() == ["c_infrequent"]
    assert prepared(many, c=[None])["c_infrequent"].tolist() == [1]
    assert prepared(["a", "b", "c"], c=["d", None]).to_numpy().tolist() == [[0, 0, 0]] * 2


def test_missing_text_is_a_level_of_its_own() -> None:
    out = prepared(["b", None, "a"])
    assert out.to_dict("list") == {"c_a": [0, 0, 1], "c_b": [1, 0, 0], "c_missing": [0, 1, 0]}
    assert prepared(["a", None]).to_dict("list") == {"c_missing": [0, 1]}


def test_ordered_categories_are_coded_as_others() -> None:
    column = pd.Categorical(["low", "high", "mid"], categories=["low", "mid", "high", "top"], ordered=True)
    assert list(prepared(column)) == ["c_high", "c_low", "c_mid"]


def test_numbered_categories_are_the_same_with_missing_cells_among_them() -> None:
    out = prepared(pd.Categorical([3, 1, 2]), c=pd.Categorical([3.0, np.nan]))
    assert out.to_dict("list") == {"c_1": [0, 0], "c_2": [0, 0], "c_3": [1, 0]}


def test_names_of_rows_are_left_out_with_a_warning() -> None:
    frame = pd.DataFrame({"name": [f"person {place}" for place in range(60)], "size": range(60)})
    with pytest.warns(UserWarning, match="Column 'name' is left out: it holds 60 different texts in 60 rows"):
        preparation = TablePreparation().fit(frame)
    assert preparation.get_feature_names_out().tolist() == ["size"]


def test_text_among_numbers_is_named() -> None:
    column = pd.Series([*map(str, range(80)), None, "?"])
    with pytest.raises(InputError, match=r"Column 'c' holds the text '\?' in data row 82.* Mend the 1 cells"):
        TablePreparation().fit(pd.DataFrame({"c": column}))


def moments(zone: str | None) -> pd.Series:
    seconds = pd.to_timedelta(GENERATOR.integers(0, 3 * 366 * 86400, ROWS), "s")
    return pd.Series(pd.Timestamp("1968-12-25 00:00:00", tz=zone) + seconds)


@pytest.mark.parametrize("zone", [None, "Asia/Seoul", "America/New_York", "UTC+09:00"])
def test_dates_are_days_and_circles_as_pandas_has_them(zone: str | None) -> None:
    column = moments(zone)
    out = prepared(column)
    days = (column - column.min()).dt.total_seconds().to_numpy() / 86400
    np.testing.assert_allclose(out["c_days"], clipped(RobustScaler().fit_transform(days[:, None]))[:, 0], atol=1e-5)
    turns = {
        "year": (column.dt.day_of_year - 1) / (365 + column.dt.is_leap_year),
        "week": column.dt.day_of_week / 7,
        "day": (column.dt.hour * 3600 + column.dt.minute * 60 + column.dt.second) / 86400,
    }
    for cycle, turn in turns.items():
        np.testing.assert_allclose(out[f"c_{cycle}_sin"], np.sin(2 * np.pi * turn), atol=1e-6)
        np.testing.assert_allclose(out[f"c_{cycle}_cos"], np.cos(2 * np.pi * turn), atol=1e-6)


def test_dates_in_another_zone_are_the_same_moments() -> None:
    column = moments("Asia/Seoul")
    pd.testing.assert_frame_equal(prepared(column, c=column.dt.tz_convert("UTC")), prepared(column))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "objects", "pyarrow", "period"])
def test_dates_of_all_types_are_alike(unit: str) -> None:
    days = [datetime.date(2020, 2, 27) + datetime.timedelta(days=3 * place) for place in range(20)]
    column = pd.Series(pd.to_datetime(days))
    given: Any = {
        "objects": lambda: pd.Series(days, dtype=object),
        "pyarrow": lambda: pd.Series(days).astype("date32[pyarrow]"),
        "period": lambda: column.dt.to_period("D"),
    }.get(unit, lambda: column.astype(f"datetime64[{unit}]"))()
    out = prepared(given)
    assert list(out) == ["c_days", "c_year_sin", "c_year_cos", "c_week_sin", "c_week_cos"]
    pd.testing.assert_frame_equal(out, prepared(column))


def test_a_missing_date_is_the_median_amid_the_circles() -> None:
    out = prepared(pd.Series(pd.to_datetime(["2024-01-01 00:00", None, "2024-05-04 12:00"])))
    assert out.loc[1].loc[lambda row: row != 0].index.tolist() == ["c_missing"]
    assert prepared(moments("UTC"), c=[None, None]).eq(0).all(axis=None)


def test_a_cycle_that_stands_still_is_left_out() -> None:
    mondays = pd.Series(pd.date_range("2024-01-01 09:00", periods=9, freq="7D"))
    assert list(prepared(mondays)) == ["c_days", "c_year_sin", "c_year_cos"]


def test_durations_are_days() -> None:
    column = pd.Series(pd.to_timedelta([1, 36, 48, None], "h"))
    out = prepared(column)
    assert list(out) == ["c_days", "c_missing"]
    np.testing.assert_array_equal(out["c_days"], prepared([1 / 24, 1.5, 2, None])["c"])
    assert prepared(column, c=[None])["c_missing"].tolist() == [1]


@pytest.mark.parametrize(
    ("fitted", "new", "message"),
    [
        ([1.0, 2.0], [3.0, "much"], r"Column 'c' holds 'much', and held numbers in fit. Pass numbers there."),
        ([1.0, 2.0], [datetime.date(2024, 1, 1)], r"Column 'c' holds datetime.date.*, and held numbers"),
        ([1.0, 2.0], [1.0, np.inf], r"Column 'c' of X contains infinity: inf in data row 2"),
        ([1.0, 2.0], [10**400], r"Column 'c' holds 10+, and held numbers"),
        ([True, False], ["yes"], r"Column 'c' holds 'yes', and held booleans in fit"),
        ([True, False], [2], r"Column 'c' holds 2, and held booleans in fit. Pass True, False, 1 or 0."),
        (pd.to_datetime(["2024-01-01", "2024-01-03"]), ["2024-01-02"], r"holds '2024-01-02', and held dates in fit"),
        (pd.to_timedelta([1, 2], "D"), [1.0], r"Column 'c' holds 1.0, and held durations in fit"),
        (
            pd.date_range("2024-01-01", periods=2, tz="Asia/Seoul"),
            pd.to_datetime(["2024-01-01"]),
            r"The dates of column 'c' have no time zone, and had Asia/Seoul in fit",
        ),
        (
            pd.date_range("2024-01-01", periods=2),
            pd.date_range("2024-01-01", periods=2, tz="UTC"),
            r"The dates of column 'c' have UTC, and had none in fit",
        ),
    ],
)
def test_another_kind_than_in_fit_is_named(fitted: Any, new: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepared(fitted, c=new)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, -np.inf], "Column 'c' of X contains infinity: -inf in data row 2"),
        ([1j, 2.0], "Complex data not supported: column 'c'"),
        (pd.Series([1j, "a"], dtype=object)[:1], "Complex data not supported: column 'c'"),
        ([5.0], "No column of X tells its rows apart: of 1 sample each column is constant"),
        (["a", "a"], "No column of X tells its rows apart: of 2 samples each"),
        ([None, None], "No column of X tells its rows apart"),
        (
            pd.Series(
                [
                    datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
                    for hours in (1, 2)
                ],
                dtype=object,
            ),
            "Column 'c' holds dates that can't be read together",
        ),
    ],
)
def test_what_teaches_nothing_is_refused(column: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepared(column)
