"""One process at a time in a run's directory.

The system holds the lock (`DIR/.lock`) and lets go of it when the process that took it ends, however it ends: a lock is
never stale. Beside it `DIR/.lock.owner` says in JSON who has it, for the message to whoever comes second. The empty
`.lock` stays when the lock is released: were it removed, two processes could each hold a lock on a file of that name.
"""

from __future__ import annotations

import datetime
import errno
import functools
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path as FilePath
from typing import Any, ParamSpec, TypeVar

import filelock

from ridgeway.errors import InputError
from ridgeway.files import in_one_line, make_directory, no_space, storage_full
from ridgeway.telling import warn

LOCK = ".lock"
OWNER = ".lock.owner"

# Seconds.
_PATIENCE = 0.3

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Attributes:
        pid: number of the process.
        host: name of its machine.
        since: when it took the lock, in ISO 8601.
    """

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host} since {self.since}"


class DirectoryLock:
    """Keeps other processes, and other threads of this one, out of a directory.

    A context manager. The thread that holds a directory may take it again: it is free once every `acquire` has had its
    `release`.

    Args:
        directory: made if it is not there.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._folder = FilePath(directory)

    def acquire(self) -> None:
        """Takes the lock, or is refused.

        Raises:
            InputError: another process or thread holds it; the message says which.
            StorageFull: there is no space for the lock.

        Warns:
            UserWarning: the file system has no locks, so that nothing keeps others out.
        """
        key = _key(self._folder)
        with _guard:
            held = _held.get(key)
            if held is not None and held.mine:
                held.times += 1
                return
        make_directory(self._folder)
        lock = filelock.FileLock(self._folder / LOCK, thread_local=False)
        try:
            # Not at once: `is_held` of another process may have it for a moment.
            lock.acquire(timeout=_PATIENCE)
        except filelock.Timeout:
            raise InputError(
                f"'{self._folder}' is in use by {_described(self._folder)}. Wait for it, or pass another directory."
            ) from None
        except (NotImplementedError, OSError) as error:
            _refuse(self._folder, error)
            warn(
                f"'{self._folder}' is on a file system without locks ({error}): nothing keeps a second process out of "
                "it. Start no other run there."
            )
        with _guard:
            _held[key] = _Held(lock, threading.get_ident(), os.getpid())
        try:
            _write_owner(self._folder)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Gives back what one `acquire` took."""
        key = _key(self._folder)
        with _guard:
            held = _held.get(key)
            if held is None or not held.mine:
                return
            held.times -= 1
            if held.times:
                return
            del _held[key]
        (self._folder / OWNER).unlink(missing_ok=True)
        held.lock.release()

    def __enter__(self) -> DirectoryLock:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def holding(argument: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function hold the directory that it is passed, from its first line until it returns or raises.

    Args:
        argument: name of the keyword argument that is the directory; None there holds nothing.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def held(*arguments: P.args, **keywords: P.kwargs) -> R:
            directory: Any = keywords.get(argument)
            if directory is None:
                return function(*arguments, **keywords)
            with DirectoryLock(directory):
                return function(*arguments, **keywords)

        return held

    return decorate


def owner_of(directory: str | os.PathLike[str]) -> Owner | None:
    """Who says to hold a directory's lock; None where nobody does, or what it says can't be read."""
    try:
        said = json.loads((FilePath(directory) / OWNER).read_bytes())
        return Owner(int(said["pid"]), in_one_line(said["host"]), in_one_line(said["since"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def is_held(directory: str | os.PathLike[str]) -> bool:
    """Whether a process, this one too, holds a directory's lock. Takes it for a moment to find out."""
    folder = FilePath(directory)
    if not (folder / LOCK).exists():
        return False
    with _guard:
        if _key(folder) in _held:
            return True
    lock = filelock.FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return True
    except (NotImplementedError, OSError):
        # A directory that may be read only, or no locks there: nobody can hold one.
        return False
    lock.release()
    return False


@dataclass
class _Held:
    lock: filelock.BaseFileLock
    thread: int
    process: int
    times: int = 1

    @property
    def mine(self) -> bool:
        # A forked child has a copy of this record, but not the lock.
        return (self.thread, self.process) == (threading.get_ident(), os.getpid())


_held: dict[str, _Held] = {}
_guard = threading.Lock()


def _key(folder: FilePath) -> str:
    return os.path.realpath(folder)


def _write_owner(folder: FilePath) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    owner = Owner(os.getpid(), socket.gethostname(), now)
    # Not synced: after a power cut nobody holds the lock. Renamed: whoever is refused reads a whole one.
    temporary = folder / f"{OWNER}.{os.getpid()}"
    try:
        temporary.write_text(json.dumps(asdict(owner)), encoding="utf-8")
        os.replace(temporary, folder / OWNER)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if (code := no_space(error)) is not None:
            raise storage_full(folder / OWNER, code) from error
        raise


def _described(folder: FilePath) -> str:
    """Who holds the lock, in words; it may have taken it only now, and not have written its name yet."""
    for _ in range(10):
        owner = owner_of(folder)
        if owner is not None:
            return str(owner)
        time.sleep(0.05)
    return "another process"


def _refuse(folder: FilePath, error: Exception) -> None:
    """Raises what keeps the run from the directory, unless it is only that there are no locks."""
    if (code := no_space(error)) is not None:
        raise storage_full(folder / LOCK, code) from error
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP):
        raise InputError(f"'{folder}' can't be written to: {error.strerror}. Pass another directory.") from None
