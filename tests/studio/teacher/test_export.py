"""CSV: read back as it was, and nothing in it that a spreadsheet would run."""

import csv
import io
import re

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


def test_every_cell_is_in_quotes() -> None:
    made = b"".join(csv_lines(["a", "b", "c"], [("a;=1+1", -3.5, None)])).decode("utf-8-sig")
    assert made == '"a","b","c"\r\n"a;\'=1+1","-3.5",""\r\n'
    assert list(csv.reader(io.StringIO(made)))[1] == ["a;'=1+1", "-3.5", ""]


@pytest.mark.parametrize("cell", [one for one in NASTY[:9] if one != "-1"])
def test_formulas_are_defused(cell: str) -> None:
    safe = defused(cell)
    assert isinstance(safe, str) and safe.startswith("'") and safe.replace("'", "") == cell


@pytest.mark.parametrize("separator", [";", ",", "\t", "\n", "\r\n", "; ", ';"', ",\t "])
@pytest.mark.parametrize("start", "=+-@＝＋－＠")
def test_no_piece_is_a_formula_where_cells_are_parted_otherwise(separator: str, start: str) -> None:
    text = f"a{separator}{start}1+1{separator}b"
    made = b"".join(csv_lines(["x"], [(text,)])).decode("utf-8-sig")
    assert text == next(csv.reader(io.StringIO(made.split("\r\n", 1)[1])))[0].replace("'", "")
    for piece in re.split(r"[;,\t\r\n]", made):
        assert not piece.lstrip(' "').startswith(start), made


def test_numbers_stay_as_they_were_typed() -> None:
    for cell in ("-0.4", "+2", "-1e-3", " -3 ", "-0,5", "-12.5%", "-.5"):
        assert defused(cell) is cell
    for cell in ("-1+1", "-1/8", "--1", "-x", "-1\n", "-٣"):
        assert defused(cell) == "'" + cell


def test_the_rest_stays() -> None:
    for cell in ("a=b", "1-1", "a; b, c", 3, -3.5, True, "x@y.z"):
        assert defused(cell) is cell or defused(cell) == cell
