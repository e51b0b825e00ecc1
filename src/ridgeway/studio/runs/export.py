"""A lane as a `.keras` file, made in a process of its own: `python -m ridgeway.studio.runs.export RUN LANE FILE`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from ridgeway.errors import InputError

_PATIENCE = 120
# Keras and JAX take memory: one after another.
_turn = threading.Lock()


def exported(folder: Path, lane: int, file: Path) -> Path:
    """Writes a lane's model, unless it is there already.

    Args:
        folder: the run's.
        lane: its number.
        file: to write.

    Raises:
        InputError: the run has no such lane, or Keras can't write it.
    """
    with _turn:
        if file.is_file():
            return file
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "ridgeway.studio.runs.export", str(folder), str(lane), str(file)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={**os.environ, "KERAS_BACKEND": "jax"},
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"Lane {lane} took more than {_PATIENCE} seconds to write. Try again later.") from None
        if done.returncode or not file.is_file():
            told = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise InputError(
                told[-1] if done.returncode == 2 and told else f"Keras can't write lane {lane} of this run."
            )
        return file


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
