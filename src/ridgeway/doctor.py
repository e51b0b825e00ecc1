"""`ridgeway doctor`: what ridgeway runs on, and whether a run's directory is sound.

Each line is found by itself: what is broken is said, and the rest looked at all the same.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from ridgeway import checksums, locking
from ridgeway.checkpoints.generations import check
from ridgeway.checkpoints.status import FOLDER, UNFINISHED
from ridgeway.checksums import Checksums, State
from ridgeway.errors import InputError, first_line
from ridgeway.files import free_bytes, in_bytes, in_one_line, is_partial
from ridgeway.locale import catalogue, text
from ridgeway.memory import memory
from ridgeway.own_files import foreign
from ridgeway.schema import SCHEMA, BegunRecord, problem, read_record

_PACKAGES = ("ridgeway", "keras", "jax", "jaxlib", "numpy")
# Bytes free on a disk below which a run is likely to end for want of space.
_LITTLE = 100_000_000
# Without these there is no run to read, whatever checksums say.
_NEEDED = ("run.json", "lanes.parquet", "history.parquet")


class Finding(NamedTuple):
    """One line of what was found.

    Attributes:
        said: in the user's language.
        wrong: whether something has to be done about it.
    """

    said: str
    wrong: bool = False


def machine(lang: str) -> Iterator[Finding]:
    """Backend, devices, memory, versions, compilation cache and disk."""
    yield _backend(lang)
    yield _devices(lang)
    total, free = ("?" if count is None else in_bytes(count) for count in memory())
    yield Finding(text("doctor.memory", lang, total=total, free=free))
    yield _versions(lang)
    with suppress(ImportError):
        # Without JAX, which has been said, there is no cache.
        yield _cache(lang)
    yield _disk(Path.cwd(), lang)


def run(directory: Path, lang: str) -> Iterator[Finding]:
    """The directory of a run: its disk, status, lock and files, whether it can be read and whether it resumes.

    Args:
        directory: the run's.
        lang: "en" or "ko".

    Raises:
        InputError: there is no such directory.
    """
    if not directory.is_dir():
        raise InputError(f"There is no directory '{directory}'. Pass the directory of a run.")
    yield Finding(text("doctor.run", lang, folder=directory))
    yield _disk(directory, lang)
    held = locking.is_held(directory)
    yield _lock(directory, held, lang)
    try:
        record = read_record(directory / "run.json")
    except FileNotFoundError:
        yield Finding(text("doctor.no_run", lang), True)
        return
    except (InputError, OSError) as error:
        yield Finding(str(error), True)
        record = {}
    status = str(record.get("status", "unknown"))
    ended = status != "running"
    known = f"doctor.status_{'killed' if not ended and not held else status}"
    told = known in catalogue(lang)
    yield Finding(
        text(known if told else "doctor.status_unknown", lang, schema=in_one_line(record.get("schema"))), not told
    )
    sound = bool(record)
    for finding in _files(directory, ended, lang):
        sound = sound and not finding.wrong
        yield finding
    if sound and ended:
        yield _read(directory, lang)
    leads = foreign(directory)
    if leads:
        yield Finding(f"{leads}.", True)
    checkpoints = check(directory)
    for name, wrong in checkpoints:
        yield _checkpoint(name, wrong, lang)
    sound_record = record and not problem({"status": "finished", **record}, BegunRecord)
    resumes, why = (False, "foreign") if leads else resumable(status if sound_record else None, checkpoints)
    lost = not ended and not held and not resumes
    yield Finding(text("doctor.resumes" if resumes else "doctor.resumes_not", lang, why=_why(why, lang)), lost)


def resumable(status: str | None, checkpoints: Sequence[tuple[str, str | None]]) -> tuple[bool, str]:
    """Whether `fit_path(resume=True)` and `ridgeway resume` go on with a run.

    Args:
        status: as its record has it; None where that can't be read.
        checkpoints: those of its directory, as `check` found them.

    Returns:
        Whether, and why: the end of a key of the catalogue, `doctor.why_…`.
    """
    if status is None:
        return False, "unreadable"
    if status not in UNFINISHED:
        return False, "finished"
    generations = [wrong for name, wrong in checkpoints if name.startswith("generation")]
    if not generations:
        return True, "no_checkpoint"
    return (True, "checkpoint") if None in generations else (False, "damaged")


def _checkpoint(name: str, wrong: str | None, lang: str) -> Finding:
    key = "doctor.checkpoint_whole" if wrong is None else "doctor.checkpoint_damaged"
    return Finding(text(key, lang, name=f"{FOLDER}/{name}", why=in_one_line(wrong)), wrong is not None)


def _why(why: str, lang: str) -> str:
    return text(f"doctor.why_{why}", lang)


def _backend(lang: str) -> Finding:
    try:
        import keras

        backend = keras.backend.backend()
    except Exception as error:  # whatever a broken installation raises
        return Finding(text("doctor.backend_broken", lang, error=first_line(error)), True)
    if backend != "jax":
        return Finding(text("doctor.backend_other", lang, backend=backend), True)
    return Finding(text("doctor.backend", lang, backend=backend))


def _devices(lang: str) -> Finding:
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    try:
        import jax

        found = Counter(_device(one) for one in jax.local_devices())
    except Exception as error:  # whatever a broken driver raises
        return Finding(text("doctor.devices_broken", lang, error=first_line(error), cores=cores), True)
    listed = ", ".join(f"{count} × {name}" for name, count in found.items())
    return Finding(text("doctor.devices", lang, devices=listed, cores=cores))


def _device(device: Any) -> str:
    name = device.platform if device.device_kind == device.platform else f"{device.platform} {device.device_kind}"
    # The CPU has no memory of its own to tell of.
    limit = (device.memory_stats() or {}).get("bytes_limit") if device.platform != "cpu" else None
    return name if limit is None else f"{name} ({in_bytes(limit)})"


def _versions(lang: str) -> Finding:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    listed = ", ".join([*found, f"Python {platform.python_version()}", platform.platform()])
    if missing:
        return Finding(text("doctor.versions_missing", lang, versions=listed, missing=", ".join(missing)), True)
    return Finding(text("doctor.versions", lang, versions=listed))


def _cache(lang: str) -> Finding:
    from ridgeway import compilation_cache

    folder = Path(compilation_cache.in_use())
    sizes = [file.stat().st_size for file in folder.glob("*") if file.is_file()] if folder.is_dir() else []
    try:
        # Permissions don't tell: not on a read-only disk, nor to the superuser.
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        writable = True
    except OSError:
        writable = False
    key = "doctor.cache" if writable else "doctor.cache_closed"
    return Finding(text(key, lang, folder=folder, size=in_bytes(sum(sizes)), count=len(sizes)), not writable)


def _disk(folder: Path, lang: str) -> Finding:
    free = free_bytes(folder)
    if free is None:
        return Finding(text("doctor.disk_unknown", lang, folder=folder))
    little = free < _LITTLE
    key = "doctor.disk_full" if little else "doctor.disk"
    total = in_bytes(shutil.disk_usage(folder).total)
    return Finding(text(key, lang, folder=folder, free=in_bytes(free), total=total), little)


def _lock(directory: Path, held: bool, lang: str) -> Finding:
    owner = locking.owner_of(directory)
    if not held:
        return Finding(text("doctor.lock_free", lang))
    if owner is None:
        return Finding(text("doctor.lock_unknown", lang))
    return Finding(text("doctor.lock_held", lang, pid=owner.pid, host=owner.host, since=owner.since))


def _files(directory: Path, ended: bool, lang: str) -> Iterator[Finding]:
    try:
        sums = Checksums.read(directory) if ended else None
    except InputError as error:
        yield Finding(str(error), True)
        sums = None
    there = [
        file.relative_to(directory).as_posix()
        for file in (*directory.glob("*"), *directory.glob("structures/*"))
        if file.is_file() and file.name not in (locking.LOCK, locking.OWNER, checksums.NAME)
    ]
    needed = _NEEDED if ended else ()
    for name in sorted({*there, *(sums or ()), *needed}):
        if is_partial(Path(name)):
            yield Finding(text("doctor.file_partial", lang, file=in_one_line(name)))
            continue
        exists = (directory / name).is_file()
        state = sums.state(name) if sums else State.unknown if exists else State.missing
        size = in_bytes((directory / name).stat().st_size) if exists else ""
        wrong = state in (State.altered, State.missing)
        yield Finding(text(f"doctor.file_{state}", lang, file=in_one_line(name), size=size), wrong)


def _read(directory: Path, lang: str) -> Finding:
    from ridgeway.storage import load_path

    try:
        path = load_path(directory)
    except InputError as error:
        return Finding(str(error), True)
    return Finding(text("doctor.reads", lang, lanes=len(path.table()), schema=SCHEMA))
