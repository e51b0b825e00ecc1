"""A torn or altered file of a run is found and named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import ridgeway as rw
from engine.small import train
from ridgeway import checksums, storage
from ridgeway.checksums import Checksums, State
from run_directories import copied, record_of

TABLES = ("lanes.parquet", "history.parquet", "calibration.parquet", "probes.parquet")


def flip(file: Path) -> None:
    """Alters one bit: near the end, where the arrays are."""
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)


def tear(file: Path) -> None:
    """Leaves the first half."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def states(folder: Path) -> dict[str, State]:
    sums = Checksums.read(folder)
    assert sums is not None
    return {name: sums.state(name) for name in sums}


def test_every_file_of_a_run_has_a_sum(tmp_path: Path) -> None:
    train(out=tmp_path / "run", epochs=1)
    there = {file.name for file in (tmp_path / "run").iterdir()} - {".lock", "checksums.json"}
    assert states(tmp_path / "run") == dict.fromkeys(there, State.ok) and "events.jsonl" in there
    assert record_of(tmp_path / "run")["checksums"] == "checksums.json"
    assert "checksums" not in rw.load_path(tmp_path / "run").record


@pytest.mark.parametrize("damage", [flip, tear, Path.unlink])
@pytest.mark.parametrize("name", [*TABLES, "checksums.json"])
def test_what_is_read_at_once(tmp_path: Path, name: str, damage: object) -> None:
    folder = copied(tmp_path / "run")
    damage(folder / name)  # type: ignore[operator]
    if damage is Path.unlink and name in ("calibration.parquet", "probes.parquet"):
        # One that there need not be.
        assert states(folder)[name] is State.missing
        return
    what = "is missing" if damage is Path.unlink else "was altered or torn: "
    with pytest.raises(rw.InputError, match=f"'{name}' of '.*run' {what}.*[Rr]estore .* from a copy, or train again"):
        rw.load_path(folder)


def test_a_record_with_another_number_in_it(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    record = (folder / "run.json").read_text("utf-8")
    (folder / "run.json").write_text(record.replace('"epochs": 2', '"epochs": 3'), "utf-8")
    with pytest.raises(rw.InputError, match="'run.json' of '.*run' was altered or torn: its checksum differs"):
        rw.load_path(folder)


@pytest.mark.parametrize("damage", [flip, tear])
def test_weights_and_models_when_they_are_opened(tmp_path: Path, damage: object) -> None:
    folder = copied(tmp_path / "run")
    for name in ("last_weights.safetensors", "model.keras", "best.keras"):
        damage(folder / name)  # type: ignore[operator]
    if damage is tear:
        # What the header says of its arrays is read with the tables.
        with pytest.raises(rw.InputError, match="'last_weights.safetensors' of '.*run' was altered or torn: its check"):
            rw.load_path(folder)
        return
    path = rw.load_path(folder)
    assert path.lane_weights(0)
    with pytest.raises(rw.InputError, match="'last_weights.safetensors' of '.*run' was altered or torn"):
        path.lane_weights(0, "last")
    with pytest.raises(rw.InputError, match=r"'model.keras' of '.*run' was altered or torn: its checksum differs"):
        path.best_model()
    with pytest.raises(rw.InputError, match=r"'best.keras' of '.*run' was altered or torn"):
        storage.load_model(folder, "best.keras")


def test_weights_are_read_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rw.load_path(copied(tmp_path / "run"))
    read: list[str] = []
    whole = checksums.sha256_of
    monkeypatch.setattr(checksums, "sha256_of", lambda file: read.append(file.name) or whole(file))
    for lane in range(4):
        path.lane_weights(lane)
    assert read == ["weights.safetensors"]


def test_a_sum_that_was_altered_is_told_from_an_altered_file(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    said = json.loads((folder / "checksums.json").read_text())
    said["files"]["lanes.parquet"][0]["bytes"] += 1
    (folder / "checksums.json").write_text(json.dumps(said))
    with pytest.raises(rw.InputError, match="'checksums.json' of .* was altered or torn: its own checksum differs"):
        rw.load_path(folder)
    for content in ("[]", "{", "{}", '{"files": 3}', "[" * 100_000, '{"files": {"a": [{}]}, "sha256": ""}'):
        (folder / "checksums.json").write_text(content)
        with pytest.raises(rw.InputError, match="'checksums.json' of .* was altered or torn: it is"):
            rw.load_path(folder)


def test_what_is_written_anew_has_its_sum(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    path = rw.load_path(folder)
    path.report(folder / "report.html", lang="ko")
    storage.replace_best(folder, keras.Sequential([keras.Input((3,)), keras.layers.Dense(7)]))
    assert set(states(folder).values()) == {State.ok} and "report.html" in states(folder)
    assert storage.load_model(folder, "best.keras").output_shape == (None, 7)
    path.save(folder)
    assert set(states(folder).values()) == {State.ok}
    assert rw.load_path(folder).lane_weights(0).keys() == path.lane_weights(0).keys()
    assert all(len(sums) == 1 for sums in json.loads((folder / "checksums.json").read_text())["files"].values())


def test_a_report_elsewhere_has_none(tmp_path: Path) -> None:
    rw.load_path(copied(tmp_path / "run")).report(tmp_path / "report.html")
    assert {file.name for file in tmp_path.iterdir()} == {"run", "report.html"}


KILLED = """
import os, sys
from pathlib import Path
from ridgeway import checksums
done, rename = 0, os.replace
def replace(old, new):
    global done
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    rename(old, new)
    done += 1
os.replace = replace
checksums.replace(Path(sys.argv[1]) / "best.keras", lambda file: file.write_text("another"))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("renames", range(4))
def test_a_process_that_is_killed_while_it_replaces_a_file(tmp_path: Path, renames: int) -> None:
    folder = copied(tmp_path / "run")
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(renames)], check=False)
    assert done.returncode == -9
    assert set(states(folder).values()) == {State.ok}
    # The owner of the lock, the sums with both, the file itself, the sums with the new one.
    assert ((folder / "best.keras").read_bytes() == b"another") is (renames > 2)
    checksums.replace(folder / "best.keras", lambda file: file.write_text("a third"))
    assert set(states(folder).values()) == {State.ok}


def test_a_directory_in_use_keeps_its_report(tmp_path: Path) -> None:
    folder = copied(tmp_path / "run")
    path = rw.load_path(folder)
    code = f"from ridgeway.locking import DirectoryLock; DirectoryLock({str(folder)!r}).acquire(); print(1, flush=True)"
    waits = [sys.executable, "-c", f"{code}; input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        with pytest.raises(rw.InputError, match=f"in use by process {process.pid}"):
            path.report(folder / "report.html")
        path.report(tmp_path / "report.html")
