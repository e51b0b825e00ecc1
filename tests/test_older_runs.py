"""Runs that older versions wrote are read as they were: `tests/data/make_run.py` made one for each schema."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import ridgeway as rw
from ridgeway.schema import SCHEMA

RUNS = sorted((Path(__file__).parent / "data").glob("run-schema-*/"))


def test_there_is_a_run_of_each_schema() -> None:
    assert [run.name for run in RUNS] == [f"run-schema-{number}" for number in range(1, SCHEMA + 1)]
    for run in RUNS:
        assert sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) < 100_000


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_an_older_run_is_read(run: Path, tmp_path: Path) -> None:
    expected = json.loads(run.with_suffix(".json").read_text())
    path = rw.load_path(run)
    assert path.table()["val_nll"].tolist() == expected["val_nll"]
    assert len(path.history()) == expected["epochs"]
    assert len(path.probes()) == expected["probes"]
    assert len(path.calibration())
    assert (path.best.lane, path.best.configuration) == (expected["best"], expected["configuration"])
    assert path.record["extra"]["note"] == "정칙화"
    found = path.best_model().predict(np.array(expected["x"], "float32"), verbose=0)
    np.testing.assert_allclose(found, expected["predictions"], rtol=1e-5)
    assert path.lane_weights(3, "last").keys() == path.lane_weights(0).keys()
    for lang in ("en", "ko"):
        path.report(tmp_path / f"{lang}.html", lang=lang)
    path.save(tmp_path / "copy")
    assert rw.load_path(tmp_path / "copy").table().equals(path.table())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_a_run_of_before_there_were_checksums_is_read(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "checksums.json").unlink()
    with pytest.raises(rw.InputError, match="'checksums.json' of '.*run' is missing"):
        rw.load_path(folder)
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert record.pop("checksums") == "checksums.json"
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
    assert len(rw.load_path(folder).table()) == 4
