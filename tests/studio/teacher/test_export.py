"""CSV: read back as it was, and nothing in it that a spreadsheet would run."""

import io

import pandas as pd
import pytest

from ridgeway.studio.teacher.export import csv_lines, defused

NASTY = [
    '=HYPERLINK("http://evil","x")',
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "＝1+1",
    " =1",
    "'=1",
    'a"b',
    "a,b",
    "a\nb",
    "한글",
    "",
]


def test_read_back_by_pandas() -> None:
    made = b"".join(csv_lines(["이름", "점수"], [(one, place / 2) for place, one in enumerate(NASTY)]))
    assert made.startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(io.BytesIO(made), encoding="utf-8-sig", keep_default_na=False)
    assert list(table.columns) == ["이름", "점수"]
    assert table["이름"].tolist() == [defused(one) for one in NASTY]
    assert table["점수"].tolist() == [place / 2 for place in range(len(NASTY))]


@pytest.mark.parametrize("cell", NASTY[:9])
def test_formulas_are_defused(cell: str) -> None:
    assert defused(cell) == "'" + cell


def test_the_rest_stays() -> None:
    for cell in ("a=b", "1-1", 3, -3.5, True, "x@y.z"):
        assert defused(cell) is cell
    assert b"-3.5" in b"".join(csv_lines(["a"], [(-3.5,)]))
    assert b"".join(csv_lines(["a", "b"], [(None, 1)])).endswith(b",1\r\n")
