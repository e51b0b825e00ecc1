"""A lane as a `.keras` file, made in a process of its own: `python -m ridgeway.studio.runs.export RUN LANE FILE`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import anyio
from anyio import to_thread

from ridgeway.checksums import NAME as SUMS
from ridgeway.errors import InputError
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal

# Seconds that Keras has to write a model.
_PATIENCE = 120
# Bytes of models that are kept; what nobody has fetched for the longest goes first.
_KEPT = 1_000_000_000
# Models that may be written at once, each by a process that loads Keras; that may be asked for; and of those by one
# client.
_AT_ONCE, _ASKED, _BY_ONE = 1, 6, 3


class Busy(Exception):
    """Too many models are being written."""


class Exports:
    """The lanes that were asked for as files: `exports/<run>/<what the run keeps>-<lane>.keras`.

    Args:
        folder: where they are kept.
        most: bytes of all of them.
    """

    def __init__(self, folder: Path, most: int = _KEPT) -> None:
        self._folder, self._most = folder, most
        # Pages are answered by other threads: a model that takes long keeps none of them waiting.
        self._threads = anyio.CapacityLimiter(_AT_ONCE)
        self._asked: Counter[str] = Counter()

    def file(self, name: str, run: Path, lane: int) -> Path:
        """Where a lane of a run as it is now is kept, or would be.

        Args:
            name: of the run.
            run: its directory.
            lane: its number.
        """
        return self._folder / quote(name, safe="") / f"{_state(run)}-{lane}.keras"

    async def made(self, name: str, run: Path, lane: int, who: str) -> Path:
        """The file with a lane's model.

        Args:
            name: of the run.
            run: its directory.
            lane: its number.
            who: asks.

        Raises:
            Busy: too many are asked for.
            InputError: the run has no such lane, or Keras can't write it.
        """
        file = await to_thread.run_sync(self.file, name, run, lane)
        if _used(file):
            return file
        if self._asked.total() >= _ASKED or self._asked[who] >= _BY_ONE:
            raise Busy
        self._asked[who] += 1
        try:
            await to_thread.run_sync(self._make, run, lane, file, limiter=self._threads)
        finally:
            self._asked[who] -= 1
        return file

    def forget(self, name: str) -> None:
        """Deletes what was kept of a run."""
        shutil.rmtree(self._folder / quote(name, safe=""), ignore_errors=True)

    def _make(self, run: Path, lane: int, file: Path) -> None:
        # Whoever waited may find that another wanted the same.
        if _used(file):
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        current = file.name.partition("-")[0]
        for old in file.parent.iterdir():
            if old.name.partition("-")[0] != current:
                # Of the run before it went on.
                old.unlink(missing_ok=True)
        _write(run, lane, file)
        self._make_room(file)

    def _make_room(self, newest: Path) -> None:
        """Deletes what was not fetched for the longest, until the rest is within the limit."""
        kept = sorted(self._folder.glob("*/*.keras"), key=lambda one: one.stat().st_mtime, reverse=True)
        total = 0
        for one in kept:
            total += one.stat().st_size
            if total > self._most and one != newest:
                one.unlink(missing_ok=True)


def _used(file: Path) -> bool:
    """Whether a file is there; it then counts as fetched now."""
    try:
        os.utime(file)
    except FileNotFoundError:
        return False
    return True


def _state(run: Path) -> str:
    """What a run keeps, in a word: another one as soon as its lanes were trained on."""
    try:
        known = (run / SUMS).read_bytes()
    except FileNotFoundError:
        # As of runs before 0.2.
        about = (run / "weights.safetensors").stat()
        known = f"{about.st_mtime_ns} {about.st_size}".encode()
    return hashlib.sha256(known).hexdigest()[:32]


def _write(run: Path, lane: int, file: Path) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ridgeway.studio.runs.export", str(run), str(lane), str(file)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "KERAS_BACKEND": "jax"},
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        said = N_("Lane %(lane)s took more than %(seconds)s seconds to write. Try again later.")
        raise Refusal(said, lane=lane, seconds=_PATIENCE) from None
    told = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 2 and told:
        raise InputError(told[-1])
    if done.returncode or not file.is_file():
        raise Refusal(N_("Keras can't write lane %(lane)s of this run."), lane=lane)


def main(folder: str, lane: str, file: str) -> None:
    """Writes a lane's model in this process."""
    import warnings

    from ridgeway.files import write_atomically
    from ridgeway.storage import load_path

    warnings.simplefilter("ignore")
    try:
        model = load_path(folder).model(int(lane))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    write_atomically(file, model.save, suffix=".keras")


if __name__ == "__main__":
    main(*sys.argv[1:])
