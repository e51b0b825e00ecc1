"""CSV and Parquet, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ridgeway.data.tables import check_cells, read_table, split_target
from ridgeway.errors import InputError

FRAME = pd.DataFrame({"area": [1.0, 2.0], "rooms": [3, 4], "price": [10.0, 20.0]})


def test_csv_and_parquet(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), FRAME)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), FRAME)


def test_tabs(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.tsv"), FRAME)


def test_korean(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("면적,지역\n1.5,서울\n", encoding="utf-8")
    assert list(read_table(tmp_path / "a.csv").columns) == ["면적", "지역"]
    (tmp_path / "a.csv").write_text("면적,지역\n1.5,서울\n", encoding="cp949")
    with pytest.raises(InputError, match="a.csv' is no UTF-8 text.*Save it as UTF-8"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n3,4\n5,6,7\n8,9\n", "can't be parsed as CSV at line 4"),
        ("", "is empty"),
        ("a,b\n", "holds no rows"),
    ],
)
def test_csv_that_cannot_be_read(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=f"a.csv' {said}"):
        read_table(tmp_path / "a.csv")


def test_an_open_quote(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2\n"3,4\n5,6\n')
    with pytest.raises(InputError, match="can't be parsed as CSV"):
        read_table(tmp_path / "a.csv")


def test_parquet_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="a.parquet' can't be read"):
        read_table(tmp_path / "a.parquet")


def test_the_target_is_taken_out() -> None:
    features, labels = split_target(FRAME, "price", Path("a.csv"))
    assert list(features.columns) == ["area", "rooms"] and labels.tolist() == [10.0, 20.0]


def test_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"Unknown target column 'prize' in 'a.csv'. The nearest names are price"):
        split_target(FRAME, "prize", Path("a.csv"))
    with pytest.raises(InputError, match=r"area, rooms, price\."):
        split_target(FRAME, "zzz", Path("a.csv"))


def test_nothing_but_a_target() -> None:
    with pytest.raises(InputError, match="no column beside the target 'price'"):
        split_target(FRAME[["price"]], "price", Path("a.csv"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_cells_name_column_and_count(value: float) -> None:
    check_cells(FRAME, Path("a.csv"))
    frame = pd.DataFrame({"area": [1.0] * 5, "rooms": [1.0, value, 3.0, value, value]})
    with pytest.raises(InputError, match="Column 'rooms' of 'a.csv' has 3 cells .* the first in data row 2"):
        check_cells(frame, Path("a.csv"))


def test_missing_text() -> None:
    with pytest.raises(InputError, match="Column 'city' of 'a.csv' has 1 cells"):
        check_cells(pd.DataFrame({"city": ["Seoul", None]}), Path("a.csv"))


def test_missing_whole_numbers() -> None:
    frame = pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64"), "f": pd.array([1.5, 2, 3], dtype="Float64")})
    with pytest.raises(InputError, match="Column 'n' of 'a.csv' has 1 cells"):
        check_cells(frame, Path("a.csv"))
    check_cells(frame[["f"]], Path("a.csv"))
