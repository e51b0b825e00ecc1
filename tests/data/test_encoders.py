"""Text columns and labels as numbers, and back."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder

from ridgeway.data.encoders import TableEncoding, encode_classes
from ridgeway.errors import InputError

FRAME = pd.DataFrame({"size": [1, 2, 3], "city": ["Seoul", "Busan", "Seoul"], "new": [True, False, True]})


def test_text_becomes_a_column_a_level() -> None:
    encoding = TableEncoding.fit(FRAME)
    assert encoding.levels["city"] == ("Busan", "Seoul")
    x = encoding.transform(FRAME)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[:, :3], [[1, 0, 1], [2, 1, 0], [3, 0, 1]])


def test_a_description_reads_back_through_json() -> None:
    encoding = TableEncoding.fit(FRAME)
    again = TableEncoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert again == encoding
    shuffled = FRAME[["new", "city", "size"]].assign(more="x")
    np.testing.assert_array_equal(again.transform(shuffled), encoding.transform(FRAME))


def test_a_description_from_before_dummy_coding() -> None:
    old = {"columns": ["size", "city"], "levels": {"city": ["Busan", "Seoul"]}}
    encoding = TableEncoding.from_json(old)
    assert (encoding.coding, encoding.unknown) == ("one_hot", "error")
    np.testing.assert_array_equal(encoding.transform(FRAME), [[1, 0, 1], [2, 1, 0], [3, 0, 1]])


def ordered() -> pd.DataFrame:
    sizes = pd.Categorical(["big", "small", "big", "tiny"], ["tiny", "small", "huge", "big"])
    return pd.DataFrame({"size": sizes, "n": [4, 7, 7, 9], "city": ["c", "a", "b", "a"], "new": [True, False] * 2})


@pytest.mark.parametrize("unknown", ["error", "ignore"])
@pytest.mark.parametrize("coding", ["one_hot", "dummy"])
def test_coding_as_scikit_learn_and_pandas(coding: str, unknown: str) -> None:
    frame = ordered()
    drop = "first" if coding == "dummy" else None
    given = [["tiny", "small", "huge", "big"], ["a", "b", "c"]]
    truth = make_column_transformer(
        (OneHotEncoder(categories=given[:1], drop=drop, sparse_output=False), ["size"]),
        ("passthrough", ["n"]),
        (OneHotEncoder(categories=given[1:], drop=drop, sparse_output=False), ["city"]),
        ("passthrough", ["new"]),
    ).fit_transform(frame)
    encoding = TableEncoding.fit(frame, coding, unknown)  # type: ignore[arg-type]
    assert encoding.levels == {"size": tuple(given[0]), "city": tuple(given[1])}
    x = encoding.transform(frame)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, truth.astype(float))
    dummies = pd.get_dummies(frame[["size", "city"]], drop_first=coding == "dummy").to_numpy()
    wide = len(given[0]) - (coding == "dummy")
    np.testing.assert_array_equal(np.delete(x, [wide, x.shape[1] - 1], axis=1), dummies)
    again = TableEncoding.from_json(json.loads(json.dumps(encoding.to_json())))
    assert again == encoding
    # In new data the levels are text, and the order stays.
    np.testing.assert_array_equal(again.transform(frame.astype({"size": str})), x)


def test_numbers_are_coded_only_as_a_categorical() -> None:
    frame = pd.DataFrame({"n": [10, 2, 10]})
    assert TableEncoding.fit(frame).levels == {}
    encoding = TableEncoding.fit(frame.astype("category"))
    assert encoding.levels == {"n": ("2", "10")}, "in the order of numbers, not of text"
    np.testing.assert_array_equal(encoding.transform(frame), [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize("kind", [bool, "boolean", object])
def test_booleans_are_0_and_1(kind: object) -> None:
    frame = pd.DataFrame({"new": pd.Series([True, False, True], dtype=kind)})
    encoding = TableEncoding.fit(frame, "dummy")
    assert encoding.levels == {}
    np.testing.assert_array_equal(encoding.transform(frame), [[1], [0], [1]])


@pytest.mark.parametrize(("coding", "row"), [("one_hot", [0, 0, 0]), ("dummy", [0, 0])])
def test_an_unseen_level_gives_zeros_where_ignored(coding: str, row: list[int]) -> None:
    frame = pd.DataFrame({"city": ["c", "a", "b"]})
    encoding = TableEncoding.fit(frame, coding, "ignore")  # type: ignore[arg-type]
    new = pd.DataFrame({"city": ["b", "x", "y", "x"]})
    x = encoding.transform(new)
    assert x[1].tolist() == x[2].tolist() == row and x[0].sum() == 1
    assert encoding.count_unseen(new) == {"city": 3} and encoding.count_unseen(frame) == {}
    assert TableEncoding.fit(ordered(), unknown="ignore").count_unseen(ordered().assign(size="x")) == {"size": 4}


@pytest.mark.parametrize(
    ("frame", "words", "said"),
    [
        (FRAME, ("onehot", "error"), "coding='onehot' is no choice. There are 'one_hot' and 'dummy'"),
        (FRAME, ("dummy", "skip"), "unknown='skip' is no choice. There are 'error' and 'ignore'"),
        (FRAME.assign(city=["a", None, "b"]), (), "Column 'city' has 1 missing cells, the first in data row 2"),
        (FRAME.assign(new=[True, None, False]), (), "Column 'new' has 1 missing cells"),
        (FRAME.assign(new=pd.Categorical([1, "1", 1], [1, "1"])), (), "Two categories of column 'new' read alike"),
        (FRAME[["city"]].assign(city="Seoul"), ("dummy",), "No column varies"),
    ],
)
def test_what_cannot_be_coded(frame: pd.DataFrame, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        TableEncoding.fit(frame, *words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.drop(columns="size"), "no column 'size', which the model was trained on"),
        (FRAME.assign(city="Daegu"), "Column 'city' holds 'Daegu'.*Known are Busan, Seoul"),
        (FRAME.assign(size=["a", "b", "c"]), "Column 'size' holds text such as 'a'"),
    ],
)
def test_what_was_not_trained_on(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match=said):
        TableEncoding.fit(FRAME).transform(frame)


def test_numbers_with_text_in_between() -> None:
    column = [*map(str, range(100)), "n/a?"]
    with pytest.raises(InputError, match="Column 'n' holds the text 'n/a\\?' in data row 101.*the 1 cells"):
        TableEncoding.fit(pd.DataFrame({"n": column}))
    dependents = TableEncoding.fit(pd.DataFrame({"n": ["0", "1", "2", "3+"] * 30}))
    assert dependents.levels["n"] == ("0", "1", "2", "3+"), "a few levels are groups, even if most look like numbers"
    codes = [f"{place:05}" for place in range(60)] * 3
    assert len(TableEncoding.fit(pd.DataFrame({"n": codes})).levels["n"]) == 60, "digits throughout are codes"


def test_a_text_a_row() -> None:
    frame = pd.DataFrame({"when": pd.date_range("2020-01-01", periods=90), "n": range(90)})
    with pytest.raises(InputError, match="Column 'when' holds 90 different texts in 90 rows"):
        TableEncoding.fit(frame)


def test_columns_named_by_numbers() -> None:
    frame = pd.DataFrame({0: [1.0, 2.0], 1: ["a", "b"]})
    encoding = TableEncoding.fit(frame)
    np.testing.assert_array_equal(encoding.transform(frame), [[1, 1, 0], [2, 0, 1]])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [(["dog", "cat", "dog"], ["cat", "dog"]), ([7, 3, 7], [3, 7]), ([True, False, True], [False, True])],
)
def test_classes(labels: list[object], classes: list[object]) -> None:
    codes, found = encode_classes(np.array(labels))
    assert found == classes and codes.tolist() == [1, 0, 1] and codes.dtype == np.int32
    json.dumps(found)


def test_classes_in_a_given_order() -> None:
    codes, found = encode_classes(np.array(["lo", "hi", "lo"], dtype=object), ["lo", "mid", "hi"])
    assert found == ["lo", "hi"] and codes.tolist() == [0, 1, 0] and codes.dtype == np.int32
