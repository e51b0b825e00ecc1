"""Named arrays with notes in a directory of their own, which is whole or not there."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ridgeway.errors import first_line
from ridgeway.files import no_space, sha256_of, storage_full, sync_directory, write_atomically
from ridgeway.limits import check_claim

Arrays = Mapping[str, np.ndarray]

_NOTES, _ARRAYS, _SUMS = "notes.json", "arrays", "checksums.json"


class Damaged(Exception):
    """A file of a checkpoint is missing, torn or altered; the message names it."""


def write_tree(folder: Path, arrays: Arrays, notes: Mapping[str, Any]) -> None:
    """Writes a directory under another name, with the checksum of each of its files, and renames it.

    Args:
        folder: the directory; it must not be there.
        arrays: by name; of any shape and type that JAX knows.
        notes: what JSON can hold.

    Raises:
        StorageFull: there is no space for it; nothing is left of it.
    """
    part = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _write(part, arrays, notes)
        os.replace(part, folder)
        sync_directory(folder.parent)
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if (code := no_space(error)) is not None:
            raise storage_full(folder, code) from error
        raise


def _write(part: Path, arrays: Arrays, notes: Mapping[str, Any]) -> None:
    import orbax.checkpoint as ocp

    # Orbax has no place for arrays without elements: their shapes say all of them.
    filled = {name: array for name, array in arrays.items() if array.size}
    empty = {name: [list(array.shape), str(array.dtype)] for name, array in arrays.items() if not array.size}
    if filled:
        ocp.PyTreeCheckpointer().save((part / _ARRAYS).absolute(), filled)
    write_atomically(part / _NOTES, lambda file: file.write_text(json.dumps({"notes": notes, "empty": empty})))
    sums = {}
    for file in _files(part):
        with open(file, "rb+") as opened:
            os.fsync(opened.fileno())
        sums[file.relative_to(part).as_posix()] = sha256_of(file)
    write_atomically(part / _SUMS, lambda file: file.write_text(json.dumps(sums)))
    for inner in [place for place in part.rglob("*") if place.is_dir()]:
        sync_directory(inner)


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The arrays that `write_tree` wrote.

    Raises:
        Damaged: they can't be read, or claim more than their files can hold. Whether they are those that were written,
            `check_notes` tells.
    """
    import orbax.checkpoint as ocp

    try:
        empty = json.loads((folder / _NOTES).read_text())["empty"]
        arrays = {name: np.empty(shape, dtype) for name, (shape, dtype) in empty.items() if 0 in shape}
        if (folder / _ARRAYS).exists():
            place, pytree = (folder / _ARRAYS).absolute(), ocp.PyTreeCheckpointer()
            about = pytree.metadata(place).item_metadata.tree
            claimed = sum(math.prod(one.shape) * np.dtype(one.dtype).itemsize for one in about.values())
            check_claim(place, claimed, sum(file.stat().st_size for file in _files(place)))
            as_numpy = {name: ocp.RestoreArgs(restore_type=np.ndarray) for name in about}
            arrays |= pytree.restore(place, restore_args=as_numpy)
    except Exception as error:  # what a stranger's files may make Orbax raise
        raise Damaged(f"'{folder}' can't be read ({first_line(error)[:200]})") from error
    return arrays


def check_notes(folder: Path) -> dict[str, Any]:
    """Compares each file with its checksum, and gives the notes that `write_tree` wrote.

    Raises:
        Damaged: a file differs, is missing, or was not written.
    """
    _check_sums(folder)
    try:
        notes = json.loads((folder / _NOTES).read_text())["notes"]
        if not isinstance(notes, dict):
            raise TypeError("they are no object")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Damaged(f"'{folder / _NOTES}' can't be read ({first_line(error)[:200]})") from error
    return notes


def _check_sums(folder: Path) -> None:
    try:
        sums = json.loads((folder / _SUMS).read_text())
        if not isinstance(sums, dict):
            raise TypeError("it is no object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise Damaged(f"'{folder / _SUMS}' can't be read ({first_line(error)[:200]})") from error
    found = {file.relative_to(folder).as_posix() for file in _files(folder)} - {_SUMS}
    for name in sorted(found | set(sums)):
        if name not in sums:
            raise Damaged(f"'{folder / name}' is no file of this checkpoint")
        if name not in found:
            raise Damaged(f"'{folder / name}' is missing")
        if sha256_of(folder / name) != sums[name]:
            raise Damaged(f"'{folder / name}' was altered or torn: its checksum differs")


def _files(folder: Path) -> list[Path]:
    return sorted(place for place in folder.rglob("*") if place.is_file())
