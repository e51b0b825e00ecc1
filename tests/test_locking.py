"""One process at a time in a directory, and none shut out by a dead one."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import pytest

import ridgeway as rw
from engine.small import train
from ridgeway.locking import DirectoryLock, holding, is_held, owner_of

HOLDS = """
import sys
from ridgeway.locking import DirectoryLock
with DirectoryLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
TRIES = """
import sys
from ridgeway.locking import DirectoryLock
from ridgeway.errors import InputError
try:
    with DirectoryLock(sys.argv[1]):
        print("held")
except InputError as error:
    print(error)
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the directory."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process


def tried(folder: Path) -> str:
    """What another process says that tries to hold the directory."""
    return subprocess.run(
        [sys.executable, "-c", TRIES, str(folder)], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_second_process_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with held(folder) as process:
        said = rf"run' is in use by process {process.pid} on host {socket.gethostname()} since 20.*\+00:00\. "
        with pytest.raises(rw.InputError, match=said + "Wait for it, or pass another directory."):
            DirectoryLock(folder).acquire()
        with pytest.raises(rw.InputError, match=said):
            train(out=folder, epochs=1)
        with pytest.raises(rw.InputError, match=said):
            train(epochs=1).save(folder)
        assert is_held(folder)
        owner = owner_of(folder)
        assert owner and owner.pid == process.pid
    assert not is_held(folder) and owner_of(folder) is None
    train(out=folder, epochs=1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    with held(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = owner_of(tmp_path)
        assert left and left.pid == process.pid, "it had no time to tidy up"
        assert not is_held(tmp_path)
        with DirectoryLock(tmp_path):
            owner = owner_of(tmp_path)
            assert owner and owner.pid == os.getpid()
            assert f"process {os.getpid()} " in tried(tmp_path)
    assert tried(tmp_path) == "held"


def test_a_run_holds_its_directory_until_it_is_saved(tmp_path: Path) -> None:
    said: list[str] = []

    class Tries(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            said.append(tried(tmp_path / "run"))

    train(out=tmp_path / "run", epochs=1, callbacks=[Tries()])
    assert all(f"in use by process {os.getpid()}" in one for one in said) and said
    assert tried(tmp_path / "run") == "held"


def test_a_run_that_fails_lets_go(tmp_path: Path) -> None:
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(out=tmp_path / "run", epochs=1, callbacks=[Fails()])
    assert not is_held(tmp_path / "run")
    with pytest.raises(rw.InputError):
        train(out=tmp_path / "other", epochs=0)
    assert not is_held(tmp_path / "other")


def test_the_thread_that_holds_it_may_take_it_again_and_others_may_not(tmp_path: Path) -> None:
    refused: list[BaseException] = []

    def tries() -> None:
        try:
            DirectoryLock(tmp_path / "run").acquire()
        except rw.InputError as error:
            refused.append(error)

    with DirectoryLock(tmp_path / "run"):
        with DirectoryLock(tmp_path / "." / "run"):
            pass
        assert is_held(tmp_path / "run"), "the outer one still holds it"
        thread = threading.Thread(target=tries)
        thread.start()
        thread.join()
    assert len(refused) == 1 and f"process {os.getpid()}" in str(refused[0])
    assert not is_held(tmp_path / "run")


def test_a_lock_without_an_owner_that_can_be_read(tmp_path: Path) -> None:
    with held(tmp_path):
        for said in ("", "[]", '{"pid": "x"}', "[" * 100_000):
            (tmp_path / ".lock.owner").write_text(said)
            assert owner_of(tmp_path) is None
        with pytest.raises(rw.InputError, match="in use by another process"):
            DirectoryLock(tmp_path).acquire()
        stranger = {"pid": 1, "host": "a\x1b[31m\nb" + "c" * 999, "since": "now"}
        (tmp_path / ".lock.owner").write_text(json.dumps(stranger))
        assert str(owner_of(tmp_path)).startswith("process 1 on host a[31mbccc")
        assert len(str(owner_of(tmp_path))) < 250


def test_a_directory_that_can_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(rw.InputError, match="can't be written to: .*. Pass another directory"):
        DirectoryLock(tmp_path).acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: object, **arguments: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("filelock.FileLock.acquire", refuses)
    with pytest.warns(UserWarning, match="is on a file system without locks"):
        DirectoryLock(tmp_path).acquire()
    DirectoryLock(tmp_path).release()


def test_a_function_without_a_directory_holds_none() -> None:
    @holding("out")
    def doubled(x: int, out: object = None) -> int:
        return 2 * x

    assert doubled(2) == doubled(2, out=None) == 4
