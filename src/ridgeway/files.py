"""Files on the disk: written whole or not at all, and their SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

from ridgeway.errors import InputError, StorageFull

_WHY = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "it is larger than files may be here",
}
# Rust (safetensors) and HDF5 give the system's answer as text only, NumPy's tofile says but how far it came, and SQLite
# has words of its own.
_SAID = {
    errno.ENOSPC: re.compile(
        r"no space left|database or disk is full|os error 28\b|errno = 28\b|^\d+ requested and \d+ written$",
        re.IGNORECASE,
    ),
    errno.EDQUOT: re.compile(rf"quota exceeded|os error {errno.EDQUOT}\b|errno = {errno.EDQUOT}\b", re.IGNORECASE),
    errno.EFBIG: re.compile(r"file too large|os error 27\b|errno = 27\b", re.IGNORECASE),
}
# What a file is called until it is whole.
_PARTIAL = re.compile(r"\..+\.\d+\.[0-9a-f]{8}\.partial(\.\w+)?")


def write_atomically(
    target: str | os.PathLike[str],
    write: Callable[[FilePath], Any],
    suffix: str = "",
    *,
    ready: Callable[[FilePath], Any] | None = None,
) -> None:
    """Writes a file so that under its name there is ever only a whole one, after a power cut too.

    It is written under another name in the same directory, synced, renamed, and the directory synced. Directories on
    the way are made.

    Args:
        target: the file.
        write: writes it to the name that it is given.
        suffix: how this name has to end, where `write` goes by that, such as ".keras".
        ready: called with this name once the file is whole, before it takes the target's place.

    Raises:
        StorageFull: there is no space for it. The target is as before, and nothing is left of the other name.
    """
    target = FilePath(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.partial{suffix}")
    handled = sys.exception()
    try:
        make_directory(target.parent)
        with open(temporary, "xb") as file:
            mode = os.fstat(file.fileno()).st_mode
        write(temporary)
        if os.stat(temporary).st_mode != mode:
            # safetensors makes files that nobody else may read.
            os.chmod(temporary, mode)
        # Windows syncs only what is open for writing.
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if ready is not None:
            ready(temporary)
        os.replace(temporary, target)
        sync_directory(target.parent)
    except Exception as error:
        code = no_space(error, handled)
        if code is None:
            raise
        # The half that is there is in the way of whatever is counted next.
        temporary.unlink(missing_ok=True)
        raise storage_full(target, code) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def no_space(error: BaseException, handled: BaseException | None = None) -> int | None:
    """The system's number for want of space (ENOSPC, EDQUOT or EFBIG) if that is what an error comes from, or None.

    Args:
        error: as it was raised, perhaps by a library that wraps what the system said.
        handled: what was being handled before: Python chains it to `error`, which does not come from it.
    """
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and one is not handled and id(one) not in seen:
        if isinstance(one, StorageFull):
            return one.errno
        if isinstance(one, OSError) and one.errno in _WHY:
            return one.errno
        for code, said in _SAID.items():
            if not (isinstance(one, OSError) and one.errno) and said.search(str(one)):
                return code
        seen.add(id(one))
        one = one.__cause__ or one.__context__
    return None


def storage_full(target: str | os.PathLike[str], code: int) -> StorageFull:
    """The error that says that there is no space for a file.

    Args:
        target: the file.
        code: as `no_space` gives it.
    """
    free = free_bytes(target)
    left = "" if free is None else f" ({in_bytes(free)} free)"
    hint = "Raise the limit (ulimit -f)" if code == errno.EFBIG else "Make space there"
    return StorageFull(
        f"'{target}' can't be written: {_WHY[code]}{left}. {hint}, or pass a directory elsewhere, and run it again.",
        FilePath(target),
        free,
        code,
    )


def sync_directory(folder: FilePath) -> None:
    """Makes sure that the names in a directory are on the disk, where the system can (Windows does by itself)."""
    if os.name == "nt":
        return
    try:
        opened = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        # One that may be written to but not listed.
        return
    try:
        os.fsync(opened)
    except OSError as error:
        # Some network and FUSE file systems sync files only.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(opened)


def make_directory(folder: FilePath) -> None:
    """Makes a directory and those above it, their names synced.

    Raises:
        InputError: it is a file, or can't be made.
        StorageFull: there is no space for it.
    """
    if folder.is_dir():
        return
    if folder.exists():
        raise InputError(f"'{folder}' is a file. Pass a directory for the run.")
    handled = sys.exception()
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for one in reversed(missing):
            sync_directory(one.parent)
    except OSError as error:
        if (code := no_space(error, handled)) is not None:
            raise storage_full(folder, code) from error
        raise InputError(f"The directory '{folder}' can't be made: {error.strerror}. Pass another one.") from None


def remove_partial(folder: FilePath) -> None:
    """Removes what a killed process left half written. Only for who holds the directory's lock."""
    for file in (*folder.glob(".*.partial*"), *folder.glob("*/.*.partial*")):
        if is_partial(file):
            file.unlink(missing_ok=True)


def is_partial(file: FilePath) -> bool:
    """Whether a file was left half written, by its name."""
    return _PARTIAL.fullmatch(file.name) is not None


def sha256_of(file: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def free_bytes(place: str | os.PathLike[str]) -> int | None:
    """Bytes that are free on the disk of a file or directory, there already or not; None where that can't be told."""
    for one in (FilePath(place).absolute(), *FilePath(place).absolute().parents):
        with suppress(OSError):
            return shutil.disk_usage(one).free
    return None


def in_bytes(count: float) -> str:
    """A number of bytes as people write it, such as "1.5 GB"."""
    units = ["TB", "GB", "MB", "kB"]
    if count < 1000:
        return f"{count:.0f} bytes"
    while count >= 1000 and units:
        count /= 1000
        unit = units.pop()
    return f"{count:.1f} {unit}"


def in_one_line(value: object) -> str:
    """What a file from a stranger says, short and without what would steer a terminal."""
    return "".join(one for one in str(value)[:200] if one.isprintable())


def is_plain(name: object) -> bool:
    """Whether a name that was read from a file is that of one in the run's directory, or in its `structures`.

    A name from a stranger may lead anywhere: `../`, `/etc`, `C:`.
    """
    if not isinstance(name, str):
        return False
    *folders, last = name.split("/")
    return folders in ([], ["structures"]) and re.fullmatch(r"[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*", last) is not None
