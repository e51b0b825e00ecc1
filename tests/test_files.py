"""Files are whole or not there; a full disk says so."""

import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

import ridgeway as rw
from engine.small import model, train
from ridgeway.events import EventLog
from ridgeway.files import in_bytes, is_plain, make_directory, no_space, remove_partial, sha256_of, write_atomically

resource = pytest.importorskip("resource", reason="limits of processes are a matter of POSIX")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow larger: the write fails in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*")}


def test_a_file_is_synced_renamed_and_its_directory_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.replace

    def fsync(opened: int) -> None:
        done.append("directory" if os.path.isdir(f"/proc/self/fd/{opened}") else "file")
        sync(opened)

    def replace(old: Path, new: Path) -> None:
        done.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_atomically(tmp_path / "a.txt", lambda file: file.write_text("whole"))
    assert done == ["file", "rename", "directory"]
    done.clear()
    write_atomically(tmp_path / "new" / "a.txt", lambda file: file.write_text("whole"), suffix=".txt")
    assert done == ["directory", "file", "rename", "directory"], "the new directory's own name is synced too"


def test_files_may_be_read_by_whom_the_user_lets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_atomically(tmp_path / "a.safetensors", lambda file: save_file({"a": np.zeros(2)}, file))
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_atomically(file, lambda file: file.write_text("old"))

    def fails(file: Path) -> None:
        file.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_atomically(file, fails)
    assert file.read_text() == "old" and names(tmp_path) == {"a.txt"}
    assert sha256_of(file) == hashlib.sha256(b"old").hexdigest()


def save_array(file: Path) -> None:
    with file.open("wb") as stream:
        np.savez(stream, np.zeros(50_000))


@pytest.mark.parametrize(
    "write",
    [
        lambda file: file.write_bytes(bytes(300_000)),
        save_array,
        lambda file: save_file({"a": np.zeros(50_000)}, file),
        lambda file: keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)]).save(file),
    ],
    ids=["bytes", "NumPy", "safetensors", "Keras"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_want_of_space_is_told_whatever_library_meets_it(tmp_path: Path, write: Callable[[Path], object]) -> None:
    file = tmp_path / "a.keras"
    file.write_text("old")
    with largest_file(100_000), pytest.raises(rw.StorageFull) as caught:
        write_atomically(file, write, suffix=".keras")
    assert f"'{file}' can't be written: it is larger than files may be here" in str(caught.value)
    assert "Raise the limit (ulimit -f), or pass a directory elsewhere, and run it again." in str(caught.value)
    assert caught.value.errno == errno.EFBIG and caught.value.file == file and caught.value.free
    assert file.read_text() == "old" and names(tmp_path) == {"a.keras"}


def test_what_comes_from_want_of_space() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert no_space(full) == errno.ENOSPC
    assert no_space(OSError(errno.EDQUOT, "Disk quota exceeded")) == errno.EDQUOT
    assert no_space(RuntimeError("I/O error: No space left on device (os error 28)")) == errno.ENOSPC
    assert no_space(OSError("50000 requested and 12484 written")) == errno.ENOSPC
    assert no_space(PermissionError(errno.EACCES, "no")) is None
    try:
        raise full
    except OSError:
        try:
            raise ValueError("Keras can't save this")
        except ValueError as error:
            assert no_space(error) == errno.ENOSPC
            assert no_space(error, full) is None, "it was raised while the other was handled, not by it"


def test_a_run_that_finds_no_space_keeps_what_was_trained(tmp_path: Path) -> None:
    with largest_file(1_000_000), pytest.raises(rw.StorageFull, match=r"report.html' can't be written") as caught:
        train(out=tmp_path / "run", epochs=1)
    assert len(caught.value.path.table()) == 4  # type: ignore[attr-defined]
    assert "What was trained is in this error's `path`." in caught.value.__notes__
    assert not any("partial" in name for name in names(tmp_path))
    with pytest.raises(rw.InputError, match="is not finished"):
        rw.load_path(tmp_path / "run")
    caught.value.path.save(tmp_path / "run")  # type: ignore[attr-defined]
    assert len(rw.load_path(tmp_path / "run").table()) == 4


def test_a_full_disk(small_disk: Path) -> None:
    with pytest.raises(rw.StorageFull, match=r"report.html' can't be written: the disk is full \(.* free\)") as caught:
        train(out=small_disk / "run", epochs=1)
    assert "Make space there, or pass a directory elsewhere, and run it again." in str(caught.value)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    caught.value.path.save(small_disk / "run")  # type: ignore[attr-defined]
    assert len(rw.load_path(small_disk / "run").table()) == 4


def test_a_full_disk_in_the_middle_of_training(small_disk: Path) -> None:
    class Fills(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                with pytest.raises(OSError), open(small_disk / "other", "wb", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass

    with pytest.raises(rw.StorageFull, match=r"can't be written: the disk is full") as caught:
        train(rw.Grid(weight_decay=[0.0] * 1 + [0.001 * n for n in range(1, 40)]), model(), epochs=40, slots=40,
              callbacks=[Fills()], out=small_disk / "run")  # fmt: skip
    assert len(caught.value.path.table()) == 40  # type: ignore[attr-defined]
    events = (small_disk / "run" / "events.jsonl").read_text().splitlines(keepends=True)
    assert all(line.endswith("}\n") for line in events), "no line is torn"


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(40, 3)), y=np.arange(40) % 2)
    words = [
        sys.executable,
        "-m",
        "ridgeway.cli",
        "fit",
        "a.npz",
        "--out",
        "run",
        "--vary",
        "dropout=0",
        "--epochs",
        "1",
    ]
    with largest_file(1_000_000):
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Error: 'run/report.html' can't be written: it is larger than files may be here" in done.stderr


def test_events_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"event": "before"}\n')
    log = EventLog(tmp_path / "events.jsonl")
    with largest_file(100), pytest.raises(rw.StorageFull, match=r"events.jsonl' can't be written"):
        for _ in range(9):
            log.write("epoch", lane=1)
    log.write("end")
    log.close()
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert len(lines) > 2 and all(line.startswith('{"event"') and line.endswith("}") for line in lines)


def test_directories_that_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(rw.InputError, match="file' is a file. Pass a directory"):
        make_directory(tmp_path / "file")
    with pytest.raises(rw.InputError, match="can't be made: Not a directory. Pass another one"):
        make_directory(tmp_path / "file" / "run")


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    for name in (
        ".a.keras.12.0123abcd.partial.keras",
        "structures/.0.keras.12.0123abcd.partial.keras",
        ".partial",
        "a",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    remove_partial(tmp_path)
    assert names(tmp_path) == {"structures", ".partial", "a"}


def test_plain_names() -> None:
    for name in ("run.json", "structures/0.keras", "보고서.html", "a b.html"):
        assert is_plain(name)
    for name in ("", ".", "..", "../a", "/etc/passwd", "structures/../a", "a/b", "structures/a/b", "C:a", "a\\b",
                 ".lock", "structures/", "a\n", None, 3):  # fmt: skip
        assert not is_plain(name)


def test_sizes_in_words() -> None:
    assert [in_bytes(size) for size in (0, 999, 1500, 2_500_000, 3e9, 4e15)] == [
        *("0 bytes", "999 bytes", "1.5 kB", "2.5 MB", "3.0 GB", "4000.0 TB")
    ]
