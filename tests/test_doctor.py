"""`ridgeway doctor`, as a user runs it."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from ridgeway import doctor
from ridgeway.checkpoints.generations import FORMAT
from ridgeway.checkpoints.stored_tree import write_tree
from run_directories import copied, record_of, sealed


def call(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ridgeway.cli", "doctor", *map(str, words)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def said(folder: Path, lang: str = "en") -> list[str]:
    """The lines on a directory; those that are wrong begin with "!"."""
    return [("! " if wrong else "") + line for line, wrong in doctor.run(folder, lang)]


def as_running(folder: Path) -> None:
    """As it is while a run is under way, or after its process was killed."""
    (folder / "checksums.json").unlink()
    record = {**record_of(folder), "status": "running"}
    (folder / "run.json").write_text(json.dumps(record), "utf-8")


def test_the_machine() -> None:
    done = call(JAX_PLATFORMS="cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Backend: jax"
    assert re.fullmatch(r"Devices: \d+ × cpu; CPU cores: \d+", lines[1])
    assert re.fullmatch(r"Memory: [\d.]+ [GMT]B free of [\d.]+ [GMT]B", lines[2])
    for name in ("ridgeway", "keras", "jax", "numpy"):
        assert f"{name} {version(name)}" in lines[3]
    assert re.fullmatch(r"Compilation cache: .* \(\d+ files, .*; writable\)", lines[4])
    assert re.fullmatch(r"Disk of .*: .* free of .*", lines[5])
    assert lines[6:] == ["Nothing wrong was found."]


def test_a_sound_run_and_a_broken_one(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    done = call(folder)
    assert done.returncode == 0, done.stdout
    for line in (
        "Status: finished",
        "In use by: nobody",
        "  lanes.parquet: ok",
        "  run.json: ok",
        "Can be read: yes (lanes: 4, schema 1)",
        "Resumes: no, it is finished",
        "Nothing wrong was found.",
    ):
        assert f"\n{line}" in done.stdout
    (folder / "lanes.parquet").write_bytes((folder / "lanes.parquet").read_bytes()[:-1])
    (folder / "best.keras").unlink()
    (folder / "notes.txt").write_text("mine")
    done = call(folder, "--lang", "ko")
    assert done.returncode == 1
    for line in (
        "! " + "  lanes.parquet: 체크섬이 다름. 바뀌었거나 손상되었습니다",
        "! " + "  best.keras: 없음",
        "  notes.txt: 체크섬 기록 없음 (4 bytes)",
        "  history.parquet: 정상",
        "상태: 완료",
        "사용 중인 프로세스: 없음",
        "이어서 하기: 불가. 이미 완료되었습니다",
        "발견한 문제: 2개",
    ):
        assert f"\n{line}" in done.stdout
    assert "Traceback" not in done.stderr


def test_no_directory_and_no_run(tmp_path: Path) -> None:
    done = call(tmp_path / "none")
    assert done.returncode == 2 and "There is no directory" in done.stderr
    done = call(tmp_path)
    assert done.returncode == 1 and "! Status: no run is here" in done.stdout


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"KERAS_BACKEND": "numpy"}, "! Backend: numpy, and ridgeway needs JAX. Set KERAS_BACKEND=jax."),
        ({"KERAS_BACKEND": "nonsense"}, "! Backend: Keras can't be imported ("),
        ({"JAX_PLATFORMS": "nonsense"}, "! Devices: JAX finds none ("),
        ({"RIDGEWAY_CACHE_DIR": "/proc/nothing"}, "! Compilation cache: /proc/nothing can't be written to"),
    ],
)
def test_what_is_wrong_with_a_machine(environment: dict[str, str], line: str) -> None:
    done = call(**environment)
    assert done.returncode == 1 and line in done.stdout, done.stdout + done.stderr
    assert "Found wrong: 1" in done.stdout and "Disk of" in done.stdout


def test_a_run_under_way_and_a_killed_one(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    as_running(folder)
    code = f"from ridgeway.locking import DirectoryLock; DirectoryLock({str(folder)!r}).acquire(); print(1, flush=True)"
    waits = [sys.executable, "-c", f"{code}; input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        lines = said(folder)
        assert "Status: running" in lines and not any(line.startswith("!") for line in lines)
        assert any(line.startswith(f"In use by: process {process.pid} on host ") for line in lines)
        process.kill()
    lines = said(folder)
    assert "Status: its process ended in the middle, without a word" in lines and "In use by: nobody" in lines
    assert "Resumes: yes, from the start, since there is no checkpoint yet" in lines
    generation = folder / "state" / "generation-000001"
    write_tree(generation, {"a": np.arange(3)}, {"format": FORMAT, "run": {}, "finished": []})
    lines = said(folder)
    assert "state/generation-000001: whole" in lines and "Resumes: yes, from its last checkpoint" in lines
    (generation / "notes.json").write_text("{}")
    lines = said(folder)
    assert any(line.startswith("! state/generation-000001: not used, ") and "notes.json" in line for line in lines)
    assert "! Resumes: no, no checkpoint of it is whole" in lines


def test_a_stranger_s_directory(tmp_path: Path) -> None:
    folder = sealed(copied(tmp_path / "run"), lambda record: record.update(status="\x1b[31m", schema=99))
    assert "! Status: unknown (schema 99)" in said(folder)
    (folder / "checksums.json").write_text("[")
    assert any(line.startswith("! 'checksums.json' of") for line in said(folder))
    (folder / "run.json").write_text("[" * 100_000)
    assert any(line.startswith("! '") and "run.json' is no JSON" in line for line in said(folder))
    assert said(folder, "ko")


def test_a_half_written_file_is_named(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    (folder / ".weights.safetensors.12.0123abcd.partial").write_text("")
    assert any("partial: half written when a process ended" in line for line in said(folder))
    assert not any(line.startswith("!") for line in said(folder))
