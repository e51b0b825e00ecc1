"""`checksums.json` of a run's directory: size and SHA-256 of each file that ridgeway wrote there.

It is on the disk before `run.json`, whose own sum it holds; `run.json` says in turn that it is there, and its entries
have a sum of their own, so that it can't go missing or be altered unseen either. A file that is written anew while the
sums stand has two entries for that moment, the new and the old: whenever the process ends, they hold.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any

from ridgeway.errors import InputError
from ridgeway.files import is_plain, sha256_of, write_atomically
from ridgeway.locking import DirectoryLock

NAME = "checksums.json"


@dataclass(frozen=True)
class Sum:
    """What a file has to be.

    Attributes:
        bytes: its size.
        sha256: its SHA-256, in hexadecimal.
    """

    bytes: int
    sha256: str

    @classmethod
    def of(cls, file: FilePath) -> Sum:
        """That of a file as it is."""
        return cls(file.stat().st_size, sha256_of(file))


class State(StrEnum):
    """How a file compares with its entry."""

    ok = "ok"
    altered = "altered"
    missing = "missing"
    unknown = "unknown"


class Checksums:
    """The sums of one directory.

    Args:
        folder: the directory.
        entries: for each file what it has to be; more than one while it is written anew.
        stand: whether they are on the disk.
    """

    def __init__(
        self, folder: FilePath, entries: Mapping[str, tuple[Sum, ...]] | None = None, stand: bool = False
    ) -> None:
        self._folder = folder
        self._entries = dict(entries or {})
        self._stand = stand

    @classmethod
    def read(cls, folder: FilePath) -> Checksums | None:
        """Those on the disk; None where there are none, as of runs before 0.2.

        Raises:
            InputError: they are torn, altered, or name files outside of the directory.
        """
        file = folder / NAME
        try:
            said = json.loads(file.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            raise _altered(file, "it is no JSON") from None
        try:
            entries = {
                str(name): tuple(Sum(int(one["bytes"]), str(one["sha256"])) for one in several)
                for name, several in said["files"].items()
            }
            whole = said["sha256"] == _digest(said["files"])
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise _altered(file, "it is not as ridgeway writes it") from None
        for name in entries:
            if not is_plain(name):
                raise InputError(
                    f"'{NAME}' of '{folder}' names {name!r}, which is no file of the run's directory. Don't use this "
                    "directory: ridgeway did not write it."
                )
        if not whole:
            raise _altered(file, "its own checksum differs")
        return cls(folder, entries, stand=True)

    def __iter__(self) -> Iterator[str]:
        """The names of the files."""
        return iter(self._entries)

    def state(self, name: str) -> State:
        """How a file of the directory compares with its entry."""
        file = self._folder / name
        if not file.is_file():
            return State.missing
        if name not in self._entries:
            return State.unknown
        # The size first: it costs nothing.
        fitting = [one for one in self._entries[name] if one.bytes == file.stat().st_size]
        return State.ok if fitting and Sum.of(file) in fitting else State.altered

    def check(self, name: str) -> None:
        """Checks one file.

        Raises:
            InputError: it is missing, altered or torn, or has no entry.
        """
        state = self.state(name)
        if state is State.ok:
            return
        whole = f"'{name}' of '{self._folder}'"
        if state is State.altered:
            raise _altered(self._folder / name, "its checksum differs")
        what = f"{whole} is missing" if state is State.missing else f"{whole} is not in {NAME}"
        raise InputError(f"{what}. Restore the directory from a copy, or train again.")

    def write(self, name: str, write: Callable[[FilePath], Any], suffix: str = "", last: bool = False) -> None:
        """Writes a file of the directory.

        Args:
            name: of the file.
            write: as in `write_atomically`.
            suffix: as in `write_atomically`.
            last: whether the sums go to the disk before it.

        Raises:
            StorageFull: as `write_atomically`.
        """

        def announce(temporary: FilePath) -> None:
            before = self._entries.get(name, ())[:1] if self._stand else ()
            self._entries[name] = (Sum.of(temporary), *before)
            if last or self._stand:
                self._put()

        write_atomically(self._folder / name, write, suffix, ready=announce)
        if len(self._entries[name]) > 1:
            self._entries[name] = self._entries[name][:1]
            if last:
                self._put()

    def add(self, name: str) -> None:
        """Takes in a file that is there already, if it is."""
        if (self._folder / name).is_file():
            self._entries[name] = (Sum.of(self._folder / name),)

    def keep_existing(self) -> None:
        """Forgets files that are not there."""
        self._entries = {name: sums for name, sums in self._entries.items() if (self._folder / name).is_file()}

    def _put(self) -> None:
        files = {name: [asdict(one) for one in several] for name, several in sorted(self._entries.items())}
        content = json.dumps({"files": files, "sha256": _digest(files)}, indent=1, ensure_ascii=False)
        write_atomically(self._folder / NAME, lambda file: file.write_text(content, encoding="utf-8"))
        self._stand = True


def replace(target: str | os.PathLike[str], write: Callable[[FilePath], Any], suffix: str = "") -> None:
    """Writes a file that may stand in a run's directory, whose sums then go on to hold.

    Args:
        target: the file.
        write: as in `write_atomically`.
        suffix: as in `write_atomically`.

    Raises:
        InputError: the directory is in use by another process, or its sums are altered.
        StorageFull: as `write_atomically`.
    """
    file = FilePath(target)
    if not (file.parent / NAME).exists() or not is_plain(file.name):
        write_atomically(file, write, suffix)
        return
    with DirectoryLock(file.parent):
        sums = Checksums.read(file.parent) or Checksums(file.parent)
        sums.write(file.name, write, suffix, last=True)


def _digest(files: Any) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _altered(file: FilePath, why: str) -> InputError:
    return InputError(
        f"'{file.name}' of '{file.parent}' was altered or torn: {why}. Restore it from a copy, or train again."
    )
