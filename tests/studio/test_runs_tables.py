"""Tables of runs in memory: read again when they change, and no more of them than allowed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ridgeway.studio.runs.tables import Tables


def _write(file: Path, rows: int) -> Path:
    pd.DataFrame({"a": range(rows)}).to_parquet(file)
    return file


def test_a_table_is_read_again_when_it_changes(tmp_path: Path) -> None:
    tables = Tables()
    file = _write(tmp_path / "a.parquet", 3)
    assert tables.of(file) is tables.of(file)
    _write(file, 5)
    assert len(tables.of(file)) == 5
    file.unlink()
    with pytest.raises(FileNotFoundError):
        tables.of(file)


def test_memory_is_limited(tmp_path: Path) -> None:
    tables = Tables(10_000)
    files = [_write(tmp_path / f"{n}.parquet", 500) for n in range(6)]
    for file in files:
        tables.of(file)
    assert 0 < tables.size <= 10_000
    last = tables.of(files[-1])
    assert len(tables.of(_write(tmp_path / "large.parquet", 5000))) == 5000
    assert tables.of(files[-1]) is last
