"""Cells that no spreadsheet takes for a formula, and the CSV of a run."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from ridgeway.studio.csv_export import defused
from ridgeway.studio.runs.lanes import csv as written
from ridgeway.studio.settings import Settings
from run_directories import copied


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("  =1", "'  =1"),
        ("+cmd", "'+cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-x", "'-x"),
        ("＝1", "'＝1"),
        ("a;=1", "a;'=1"),
        ("a; =1;@x", "a;' =1;'@x"),
        ("a\n=1", "a\n'=1"),
        ("\t=1", "'\t'=1"),
        ("-1.5", "-1.5"),
        ("+82", "+82"),
        ("-1e-3", "-1e-3"),
        ("-inf", "'-inf"),
        ("a=b", "a=b"),
        ("x; y", "x; y"),
        ("", ""),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_cells(cell: object, safe: object) -> None:
    assert defused(cell) == safe


def test_a_table_as_csv() -> None:
    table = pd.DataFrame({"=lane": [0, 1], "how": ["=cmd|x", "-1"], "value": [-0.5, 2.0]})
    content = written(table)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [["'=lane", "how", "value"], ["0", "'=cmd|x", "-0.5"], ["1", "-1", "2.0"]]
    assert content.decode("utf-8-sig").splitlines()[1] == '"0","\'=cmd|x","-0.5"'


def test_the_csv_of_a_run(client: TestClient, settings: Settings) -> None:
    folder = copied(settings.workspace / "digits")
    answer = client.get("/runs/csv/digits?what=lanes")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(io.BytesIO(answer.content))
    assert read.columns.tolist() == pd.read_parquet(Path(folder) / "lanes.parquet").columns.tolist()
