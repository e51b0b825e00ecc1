"""A run under way from a stranger: resuming reaches nothing outside of its directory, and says what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import ridgeway as rw
from ridgeway import doctor
from ridgeway.checkpoints import generations
from ridgeway.checkpoints.generations import check, latest
from ridgeway.checkpoints.stored_tree import Damaged, _check_sums, write_tree
from ridgeway.cli import app
from run_directories import copied
from test_resume import Killed, assert_same, train

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A killed run whose newest generation stands on a batch of lanes that the older one has not."""
    out = tmp_path_factory.mktemp("killed") / "run"
    save = generations.Checkpoints.save

    def saved(self: generations.Checkpoints, live: Any, ended: Any) -> None:
        save(self, live, ended)
        self.wait()
        if ended is not None and len(self._batches) == 2:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(generations.Checkpoints, "save", saved)
        train(out)
    return out


@pytest.fixture
def killed(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "run"))


def said(folder: Path) -> list[str]:
    return [("! " if wrong else "") + line for line, wrong in doctor.run(folder, "en")]


@pytest.mark.parametrize("name", ["state", "structures", "events.jsonl", "optuna.db", "optuna.db-journal"])
def test_a_link_in_the_place_of_what_a_run_writes(name: str, killed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".bashrc").write_text("alias a=b\n")
    place = killed / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    folder = name in ("state", "structures")
    place.symlink_to(home if folder else home / ".bashrc")
    message = f"'{name}' of '{killed}' is a link, not a {'directory' if folder else 'file'} of the run's own"
    for resume in (True, False):
        with pytest.raises(rw.InputError, match=message):
            train(killed, resume=resume)
    assert sorted(one.name for one in home.iterdir()) == [".bashrc", ".ssh"]
    assert (home / ".bashrc").read_text() == "alias a=b\n"
    assert f"! {message}." in said(killed) and "! Resumes: no, something in it leads elsewhere" in said(killed)
    with pytest.raises(rw.InputError, match="is a link"):
        rw.load_path(copied(tmp_path / "other")).save(killed)


def test_a_file_in_the_place_of_the_checkpoints(killed: Path) -> None:
    shutil.rmtree(killed / "state")
    (killed / "state").write_text("x")
    with pytest.raises(rw.InputError, match="'state' of .* is a file, not a directory of the run's own"):
        train(killed, resume=True)
    assert "! Resumes: no, something in it leads elsewhere" in said(killed)


@pytest.mark.parametrize("content", ["3", "[" * 100_000, "null", "", "\xff", '{"a": 3}'])
@pytest.mark.parametrize("name", ["checksums.json", "notes.json"])
def test_nonsense_in_a_checkpoint(name: str, content: str, killed: Path) -> None:
    newest = sorted((killed / "state").glob("generation-*"))[-1]
    (newest / name).write_text(content, "latin-1")
    assert latest(killed) is not None
    assert str(newest) in (dict(check(killed))[newest.name] or "")
    assert "Resumes: yes, from its last checkpoint" in said(killed)


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        ({}, "is of format None, and this ridgeway reads 1"),
        ({"format": 99, "run": {}, "finished": []}, "is of format 99, and this ridgeway reads 1"),
        ({"format": 1, "run": 3, "finished": []}, "has notes that ridgeway did not write"),
        ({"format": 1, "run": {}, "finished": ["../../home"]}, "has notes that ridgeway did not write"),
    ],
)
def test_sound_sums_of_nonsense(notes: dict[str, Any], why: str, killed: Path) -> None:
    shutil.rmtree(killed / "state")
    write_tree(killed / "state" / "generation-000001", {"a": np.arange(3)}, notes)
    with pytest.raises(rw.InputError, match=f"No checkpoint of .* can be used: .*{why}"):
        train(killed, resume=True)
    assert "! Resumes: no, no checkpoint of it is whole" in said(killed)


def test_notes_that_only_look_like_a_run_s(killed: Path) -> None:
    shutil.rmtree(killed / "state")
    notes = {"format": 1, "run": {"same": 3}, "finished": []}
    write_tree(killed / "state" / "generation-000001", {"a": np.arange(3)}, notes)
    with pytest.raises(rw.InputError, match="The checkpoint in .* is not as ridgeway writes it"):
        train(killed, resume=True)


def test_a_damaged_batch_takes_only_the_generations_that_stand_on_it(killed: Path) -> None:
    older, newest = sorted((killed / "state").glob("generation-*"))
    batches = [json.loads((one / "notes.json").read_text())["notes"]["finished"] for one in (older, newest)]
    (only,) = set(batches[1]) - set(batches[0])
    (killed / "state" / only / "notes.json").write_text("{}")
    found = dict(check(killed))
    assert found[newest.name] and found[older.name] is None
    assert "Resumes: yes, from its last checkpoint" in said(killed)
    train(killed, resume=True)


def test_a_batch_that_is_gone_takes_the_generations_that_stand_on_it(killed: Path) -> None:
    shutil.rmtree(killed / "state" / "finished-000001")
    assert "! Resumes: no, no checkpoint of it is whole" in said(killed)
    with pytest.raises(rw.InputError, match="No checkpoint of .* can be used"):
        train(killed, resume=True)


def test_what_others_leave_among_the_checkpoints(killed: Path, tmp_path: Path) -> None:
    (killed / "state" / ".DS_Store").write_text("x")
    (killed / "state" / ".nfs0001").mkdir()
    (killed / "state" / ".generation-000099.partial").mkdir()
    (killed / "state" / "generation-000098").symlink_to(tmp_path)
    train(tmp_path / "whole")
    train(killed, resume=True)
    assert_same(tmp_path / "whole", killed)


def test_arrays_that_claim_more_than_their_files(tmp_path: Path) -> None:
    place = tmp_path / "state" / "generation-000001"
    write_tree(place, {"a": np.zeros(40_000_000, np.float32)}, {"format": 1, "run": {}, "finished": []})
    assert sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) < 1_000_000
    _check_sums(place)
    with pytest.raises(Damaged, match="claims to hold 160.0 MB, as no sound file does"):
        latest(tmp_path)


def running(folder: Path, **changed: Any) -> Path:
    folder.mkdir()
    record = {"id": "x", "created": "c", "status": "running", "data": {}, "extra": {}, **changed}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"extra": None}, "run.json' is not as ridgeway writes it: extra"),
        ({"id": None}, "run.json' is not as ridgeway writes it: id"),
        ({"extra": {"command": {}}}, "The command in the run.json of .* is not as ridgeway writes it: data"),
        ({"extra": {"command": 3}}, "The command in the run.json of .* is not as ridgeway writes it: it is no object"),
        ({"extra": {"command": {"data": "a.csv", "vary": 3}}}, "not as ridgeway writes it: vary"),
        ({"extra": {"command": {"data": "a.csv", "coding": "x"}}}, "not as ridgeway writes it: coding"),
    ],
)
def test_a_record_of_nonsense(changed: dict[str, Any], why: str, tmp_path: Path) -> None:
    folder = running(tmp_path / "run", **changed)
    with pytest.raises(rw.InputError, match=why):
        CliRunner().invoke(app, ["resume", str(folder)], catch_exceptions=False)
    if "command" not in (changed.get("extra") or {}):
        assert "! Resumes: no, its run.json can't be read" in said(folder)


def test_no_cluster_is_connected_with_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("ridgeway.cli._fit", lambda *arguments: asked.append(arguments[3]["cluster"]))
    folder = running(tmp_path / "run", extra={"command": {"data": "a.csv", "cluster": "ray://evil:10001"}})
    done = CliRunner().invoke(app, ["resume", str(folder)], catch_exceptions=False)
    assert "was begun on the Ray cluster ray://evil:10001 and goes on here" in done.output
    CliRunner().invoke(app, ["resume", str(folder), "--cluster", "auto"], catch_exceptions=False)
    assert asked == [None, "auto"]
