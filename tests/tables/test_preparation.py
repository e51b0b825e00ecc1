"""TablePreparation as a scikit-learn transformer of whole tables, and its ways to disk and back."""

import copy
import datetime
import json
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as frames
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from ridgeway.errors import InputError
from ridgeway.tables.preparation import TablePreparation

DAY = datetime.date(2024, 2, 27)
NOON = datetime.datetime(2024, 2, 27, 12, tzinfo=datetime.UTC)
CELLS: dict[str, list[Any]] = {
    "size": [1.5, None, 4.0, 2.0],
    "rooms": [3, 1, 2, 4],
    "new": [True, None, False, True],
    "city": ["Seoul", None, "Busan", "Seoul"],
    "grade": ["a", "b", "a", "b"],
    "sold": [DAY, None, DAY + datetime.timedelta(days=9), DAY + datetime.timedelta(days=400)],
    "seen": [NOON, NOON + datetime.timedelta(hours=100), None, NOON + datetime.timedelta(hours=5)],
    "took": [datetime.timedelta(hours=5), datetime.timedelta(days=2), datetime.timedelta(0), None],
    "country": ["Korea"] * 4,
    "note": [None] * 4,
}
# fmt: off
NAMES = [
    "size", "rooms", "sold_days", "sold_year_sin", "sold_year_cos", "sold_week_sin", "sold_week_cos", "seen_days",
    "seen_year_sin", "seen_year_cos", "seen_week_sin", "seen_week_cos", "seen_day_sin", "seen_day_cos", "took_days",
    "size_missing", "new", "new_missing", "city_Busan", "city_Seoul", "city_missing", "grade_b",
    "sold_missing", "seen_missing", "took_missing",
]
# fmt: on


def pandas_frame() -> pd.DataFrame:
    frame = pd.DataFrame(CELLS).astype({"new": "boolean", "grade": "category", "sold": object})
    return frame.assign(took=pd.to_timedelta(frame["took"]))


def polars_frame() -> pl.DataFrame:
    return pl.DataFrame(CELLS).with_columns(pl.col("grade").cast(pl.Enum(["b", "a", "c"])))


def test_scikit_learns_own_checks() -> None:
    with warnings.catch_warnings():
        # One check wants SCIPY_ARRAY_API set before SciPy is imported, and says that it is skipped.
        warnings.filterwarnings("ignore", "Skipping check check_array_api_input")
        check_estimator(TablePreparation())


def test_numbers_come_first_then_indicators() -> None:
    preparation = TablePreparation().fit(pandas_frame())
    out = preparation.transform(pandas_frame())
    assert out.dtype == np.float32
    assert preparation.get_feature_names_out().tolist() == NAMES
    assert preparation.n_numbers_ == NAMES.index("size_missing")
    assert set(np.unique(out[:, preparation.n_numbers_ :])) == {0, 1}
    assert preparation.n_features_in_ == len(CELLS)
    assert preparation.feature_names_in_.tolist() == list(CELLS)


@pytest.mark.parametrize(
    "make",
    [
        polars_frame,
        lambda: polars_frame().with_columns(pl.col("grade", "city").cast(pl.String).cast(pl.Categorical)),
        lambda: pa.Table.from_pandas(pandas_frame()),
        lambda: pandas_frame().set_index(pd.Index([7, 7, 1, 0])),
        lambda: pa.Table.from_pandas(pandas_frame()).to_pandas(types_mapper=pd.ArrowDtype),
    ],
)
def test_all_kinds_of_frames_are_alike(make: Any) -> None:
    there, here = TablePreparation().fit(make()), TablePreparation().fit(pandas_frame())
    assert there.get_feature_names_out().tolist() == NAMES
    np.testing.assert_array_equal(there.transform(make()), here.transform(pandas_frame()))
    np.testing.assert_array_equal(here.transform(make()), here.transform(pandas_frame()))


def test_arrays_and_lists_with_text() -> None:
    rows = [[1.5, "Seoul"], [2.0, "Busan"], [4.0, "Seoul"], [9.0, "Jeju"]]
    truth = TablePreparation().fit_transform(pd.DataFrame(rows))
    for given_rows in (rows, np.array(rows), np.array(rows, dtype=object)):
        preparation = TablePreparation().fit(given_rows)
        np.testing.assert_array_equal(preparation.transform(given_rows), truth)
        assert preparation.get_feature_names_out().tolist() == ["x0", "x1_Busan", "x1_Jeju", "x1_Seoul"]
        assert preparation.get_feature_names_out(["size", "city"]).tolist()[0] == "size"
    with pytest.raises(InputError, match="Column 'x0' holds 'Seoul', and held numbers in fit"):
        preparation.transform(np.array(rows)[:, ::-1])


def test_missing_numbers_that_an_array_made_text() -> None:
    preparation = TablePreparation().fit(np.array([[1.5, "a"], [np.nan, "b"], [2.0, "c"]]))
    assert preparation.get_feature_names_out().tolist() == ["x0", "x0_missing", "x1_a", "x1_b", "x1_c"]


def test_arrays_of_dates() -> None:
    dates = np.array(["2024-01-01", "2024-03-01", "NaT"], dtype="datetime64[D]")
    out = TablePreparation().fit_transform(dates[:, None])
    np.testing.assert_array_equal(out, TablePreparation().fit_transform(pd.DataFrame({"c": dates})))


def test_sparse_columns_of_a_frame() -> None:
    values = np.array([0.0, 0, 3, 0, 1])
    out = TablePreparation().fit_transform(pd.DataFrame({"c": pd.arrays.SparseArray(values)}))
    np.testing.assert_array_equal(out, TablePreparation().fit_transform(values[:, None]))


def test_pipelines_and_set_output() -> None:
    pipeline = make_pipeline(TablePreparation(), StandardScaler()).set_output(transform="pandas")
    out = pipeline.fit_transform(pandas_frame().set_index(pd.Index(list("abcd"))))
    assert list(out) == NAMES and out.index.tolist() == list("abcd")
    out = TablePreparation().set_output(transform="polars").fit_transform(polars_frame())
    assert isinstance(out, pl.DataFrame) and out.columns == NAMES


def test_names_that_would_be_alike_get_a_number() -> None:
    frame = pd.DataFrame({"a": ["missing", None, "b"], "a_b": [1, 2, 3]})
    names = TablePreparation().fit(frame).get_feature_names_out().tolist()
    assert names == ["a_b", "a_b_2", "a_missing", "a_missing_2"]


def test_columns_in_another_order_are_named() -> None:
    preparation = TablePreparation().fit(pandas_frame())
    for frame in (pandas_frame(), polars_frame()):
        with pytest.raises(ValueError, match="Feature names must be in the same order"):
            preparation.transform(frame[[*reversed(CELLS)]])
        with pytest.raises(ValueError, match="yet now missing:\n- rooms"):
            preparation.transform(frame[[name for name in CELLS if name != "rooms"]])
    with pytest.raises(ValueError, match="X has 2 features, but TablePreparation is expecting 3 features"):
        TablePreparation().fit(np.eye(3)).transform(np.eye(2))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (pd.DataFrame({"a": []}), r"0 sample\(s\) \(shape=\(0, 1\)\) while a minimum of 1 is required"),
        (pd.DataFrame(index=[1, 2]), r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1 is required"),
        (pl.Series([1, 2]), "Expected a 2-dimensional container but got"),
        (np.array([[np.inf], [1]]), "Input X contains infinity"),
        (np.array([[1j], [1]]), "Complex data not supported"),
    ],
)
def test_what_is_no_table_is_refused_as_by_scikit_learn(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TablePreparation().fit(x)


def test_sparse_matrices_are_refused_as_by_scikit_learn() -> None:
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
        TablePreparation().fit(scipy.sparse.csr_array(np.eye(3)))


def through_json(preparation: TablePreparation) -> TablePreparation:
    return TablePreparation.from_json(json.loads(json.dumps(preparation.to_json(), allow_nan=False)))


def through_skops(preparation: TablePreparation) -> TablePreparation:
    data = skops.io.dumps(preparation)
    assert skops.io.get_untrusted_types(data=data) == ["ridgeway.tables.preparation.TablePreparation"]
    return skops.io.loads(data, trusted=["ridgeway.tables.preparation.TablePreparation"])


@pytest.mark.parametrize(
    "through", [through_json, through_skops, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_it_comes_back_as_it_was(through: Any) -> None:
    preparation = TablePreparation().fit(pandas_frame())
    again = through(preparation)
    np.testing.assert_array_equal(again.transform(polars_frame()), preparation.transform(pandas_frame()))
    assert again.to_json() == preparation.to_json()
    assert again.get_feature_names_out().tolist() == NAMES
    assert again.n_numbers_ == preparation.n_numbers_
    assert not hasattr(through(TablePreparation().fit(np.eye(3))), "feature_names_in_")


def described(**changes: Any) -> dict[str, Any]:
    number = {"kind": "number", "scaling": {"center": 0.0, "scale": 1.0}, "missing": False}
    return {"names": ["a"], "columns": [{**number, **changes}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the whole: Input should be an object"),
        ({"columns": []}, "names: Field required"),
        ({"names": None, "columns": []}, "columns: Tuple should have at least 1 item"),
        ({**described(), "names": ["a", "b"]}, "there are 2 names of 1 columns"),
        ({**described(), "more": 1}, "more: Unexpected keyword argument"),
        (described(kind="python"), r"columns.0: Input tag 'python' .* does not match any of the expected tags"),
        (described(missing="yes"), "columns.0.number.missing: Input should be a valid boolean"),
        (described(scaling={"center": 0.0, "scale": 0.0}), "scaling.scale: Input should be greater than 0"),
        (described(scaling={"center": float("nan"), "scale": 1.0}), "center: Input should be a finite number"),
        (
            described(kind="date", zone="Mars/Base", cycles=["year"]),
            "columns.0.date.zone: Value error, there is no time zone 'Mars/Base' on this machine",
        ),
        ({"names": {1}, "columns": []}, "set is not JSON serializable"),
    ],
)
def test_a_strangers_description_is_refused(text: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        TablePreparation.from_json(text)
    assert "Pass one that TablePreparation.to_json wrote." in str(caught.value)


def column(name: str, cells: st.SearchStrategy[Any], dtype: Any = object) -> frames.column:
    return frames.column(name, elements=cells, dtype=dtype)


TABLES = frames.data_frames(
    [
        column("float", st.floats(allow_infinity=False), float),
        column("integer", st.integers(-(2**63), 2**63 - 1), "int64"),
        column("boolean", st.none() | st.booleans()),
        column("text", st.none() | st.text(max_size=2)),
        column("date", st.none() | st.dates()),
        column("duration", st.none() | st.timedeltas()),
        column("number", st.none() | st.decimals(-10, 10, allow_nan=False)),
    ],
    index=frames.range_indexes(min_size=2, max_size=12),
)


@settings(deadline=None, max_examples=40)
@given(TABLES, TABLES, st.randoms(use_true_random=False))
def test_laws(table: pd.DataFrame, other: pd.DataFrame, order: Any) -> None:
    # One column that varies, so that fit goes through.
    table, other = (one.assign(row=range(len(one))) for one in (table, other))
    preparation = TablePreparation().fit(table)
    out = preparation.transform(table)
    assert out.shape == (len(table), len(set(preparation.get_feature_names_out())))
    np.testing.assert_array_equal(through_json(preparation).transform(table), out)
    rows = order.sample(range(len(table)), len(table))
    np.testing.assert_array_equal(preparation.transform(table.iloc[rows]), out[rows])
    new = preparation.transform(other)
    assert np.isfinite(new).all() and np.isfinite(out).all() and np.abs(new).max() <= 3
    assert np.isin(new[:, preparation.n_numbers_ :], (0, 1)).all()
