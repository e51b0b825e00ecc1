"""Runs that older versions wrote are read as they were, and gone on with: `tests/data` has some for each schema.

`make_run.py` made one with one structure, `make_kept.py` one with halving, folds and two structures, and one of Bayes
that was killed in the middle.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import ridgeway as rw
from kept_runs import X, train
from ridgeway import continuation, doctor
from ridgeway.checkpoints.identity import differing, without_versions
from ridgeway.schema import SCHEMA

DATA = Path(__file__).parent / "data"
RUNS = sorted(DATA.glob("run-schema-*/"))


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


def test_a_run_with_halving_folds_and_two_structures_is_read(tmp_path: Path) -> None:
    folder = shutil.copytree(DATA / f"kept-schema-{SCHEMA}-halved", tmp_path / "run")
    expected = json.loads((DATA / f"kept-schema-{SCHEMA}.json").read_text())
    path = rw.load_path(folder)
    table = path.table()
    assert table["val_nll"].tolist() == expected["val_nll"] and table["stopped"].tolist() == expected["stopped"]
    assert path.best.configuration == expected["best"] and path.record["halving"]["factor"] == 2
    assert path.record["folds"]["rows"] == [24, 24] and len(path.record["structures"]) == 2
    found = path.predict(X[:5])
    assert found.shape == (16, 5, 2)
    for lane in table["lane"]:
        own = path.model(int(lane)).predict(X[:5], verbose=0)
        np.testing.assert_allclose(found[int(lane)], own, rtol=1e-5)
    assert {path.model(int(lane)).layers[0].units for lane in table["lane"]} == {3, 4}
    path.report(tmp_path / "report.html")
    assert not any(wrong for _, wrong in doctor.run(folder, "en"))
    # With the same code, a script that says resume=True reads it.
    assert train("halved", folder, resume=True).table().equals(table)


def test_a_killed_run_of_before_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(DATA / f"kept-schema-{SCHEMA}-bayes", tmp_path / "run")
    begun = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    ended = {line["lane"]: line["epochs"] for line in begun if line["event"] == "lane"}
    assert "Resumes: yes, from its last checkpoint" in [line for line, _ in doctor.run(folder, "en")]
    same = json.loads((folder / "run.json").read_text())["same"]
    versions = [name for name in same if name not in without_versions(same)]
    try:
        path = train("bayes", folder, resume=True)
    except rw.InputError as error:
        # Of other versions it is refused, for nothing else.
        assert set(str(error).split("begun with other ")[1].split(". Pass")[0].split(", ")) <= set(versions)

        def but_versions(before: dict[str, str], now: dict[str, str]) -> list[str]:
            return differing(without_versions(before), without_versions(now))

        monkeypatch.setattr(continuation, "differing", but_versions)
        path = train("bayes", folder, resume=True)
    table = path.table()
    assert len(table) == 6 and path.record["status"] == "finished" and len(ended) == 2
    assert dict(zip(table["lane"], table["epochs"], strict=True)).items() >= ended.items()
    log = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    # What had been trained is not trained anew.
    trained = [(line["lane"], line["epoch"]) for line in log if line["event"] == "epoch"]
    assert len(trained) == len(set(trained)) and log[: len(ended)] == begun[: len(ended)]


def test_the_kept_runs_are_small() -> None:
    kept = [file for file in DATA.glob(f"kept-schema-{SCHEMA}-*/**/*") if file.is_file()]
    assert 0 < sum(file.stat().st_size for file in kept) < 300_000
