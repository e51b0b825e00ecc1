"""A run that fails, however early or late, leaves what was trained before it."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import keras
import pytest

import ridgeway as rw
from ridgeway import doctor
from ridgeway.checkpoints import generations
from ridgeway.engine.slots import Slots
from ridgeway.families import bayes
from ridgeway.files import no_space, storage_full
from test_resume import Fills, Killed, assert_same, early, kill_after, train

# A kill leaves no time to close files.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Interrupts(keras.callbacks.Callback):
    """Ctrl-C in the second round."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)


def killed(monkeypatch: pytest.MonkeyPatch, out: Path, checkpoints: int = 1, **changed: Any) -> Path:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, checkpoints)
        train(out, **changed)
    return out


def status(out: Path) -> str:
    return str(json.loads((out / "run.json").read_text())["status"])


@pytest.mark.parametrize("error", [MemoryError("compiling"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_a_resume_that_fails_at_once_leaves_the_run(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = killed(monkeypatch, tmp_path / "run")
    checkpoints = sorted((out / "state").iterdir())

    def fails(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(Slots, "train", fails)
        train(out, resume=True)
    assert status(out) == "running" and sorted((out / "state").iterdir()) == checkpoints
    train(out, resume=True)
    train(tmp_path / "whole")
    assert_same(tmp_path / "whole", out)


def test_what_was_saved_is_read_after_a_resume_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    before = train(out, callbacks=[*early(), Interrupts()]).table()

    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError("compiling")

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        # The lanes under way are not there yet when it fails.
        patch.setattr(generations.Checkpoints, "wait", lambda self: None)
        patch.setattr("ridgeway.run.Run._go_on", fails)
        train(out, resume=True)
    assert status(out) == "interrupted"
    assert rw.load_path(out).table().equals(before)
    assert not any(wrong for _, wrong in doctor.run(out, "en"))


def test_a_new_run_of_which_nothing_came_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError("compiling")

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(Slots, "train", fails)
        train(tmp_path / "run")
    assert not {"run.json", "events.jsonl", "state"} & {file.name for file in (tmp_path / "run").iterdir()}
    train(tmp_path / "run")


@pytest.mark.parametrize("resume", [False, True])
def test_checkpoints_whose_record_is_gone_are_not_deleted(
    resume: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = killed(monkeypatch, tmp_path / "run")
    record = (out / "run.json").read_bytes()
    (out / "run.json").unlink()
    with pytest.raises(rw.InputError, match="holds checkpoints of a run whose run.json is gone. Restore run.json"):
        train(out, resume=resume)
    (out / "run.json").write_bytes(record)
    train(out, resume=True)


BAYES = rw.Bayes(9, batch=3, weight_decay=rw.Range(1e-4, 1.0, log=True), dropout=rw.Range(0.0, 0.8))


def test_what_sqlite_says_of_a_full_disk_is_known() -> None:
    assert no_space(sqlite3.OperationalError("database or disk is full")) == errno.ENOSPC


def test_a_disk_that_fills_up_under_a_study(small_disk: Path) -> None:
    out = small_disk / "run"
    with pytest.raises(rw.StorageFull, match=r"optuna.db' can't be written: the disk is full") as caught:
        train(out, family=BAYES, callbacks=[*early(), Fills(small_disk, 5)], checkpoint_every=1000)
    assert len(caught.value.path.table()) >= 3  # type: ignore[attr-defined]
    assert any("They could not be saved" in note for note in caught.value.__notes__)


def test_a_locked_study_keeps_no_lane_from_being_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = 0
    tell = bayes.Search.tell

    def locked(self: bayes.Search, *arguments: Any) -> None:
        nonlocal told
        told += 1
        if told > 3:
            raise sqlite3.OperationalError("database is locked")
        tell(self, *arguments)

    monkeypatch.setattr(bayes.Search, "tell", locked)
    with pytest.raises(sqlite3.OperationalError, match="database is locked") as caught:
        train(tmp_path / "run", family=BAYES)
    assert any("The study in optuna.db could not be brought up to date" in note for note in caught.value.__notes__)
    assert status(tmp_path / "run") == "failed"
    assert len(rw.load_path(tmp_path / "run").table()) == len(caught.value.path.table()) >= 6  # type: ignore[attr-defined]


def test_the_last_checkpoint_is_not_needed_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = generations.write_tree
    names: list[str] = []

    def noted(folder: Path, *arguments: Any) -> None:
        names.append(folder.name)
        write(folder, *arguments)

    def full(folder: Path, *arguments: Any) -> None:
        if folder.name == names[-1]:
            raise storage_full(folder, errno.ENOSPC)
        write(folder, *arguments)

    # Not by whether the last one is written: of each epoch, so that the last is the same in both runs.
    monkeypatch.setattr(generations.Checkpoints, "due", lambda self: True)
    with monkeypatch.context() as patch:
        patch.setattr(generations, "write_tree", noted)
        train(tmp_path / "whole")
    monkeypatch.setattr(generations, "write_tree", full)
    train(tmp_path / "run")
    assert "The last checkpoint could not be written" in caplog.text
    assert status(tmp_path / "run") == "finished" and not (tmp_path / "run" / "state").exists()
    assert_same(tmp_path / "whole", tmp_path / "run")
