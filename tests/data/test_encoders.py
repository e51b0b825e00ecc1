"""Text columns and labels as numbers, and back."""

import json

import numpy as np
import pandas as pd
import pytest

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
