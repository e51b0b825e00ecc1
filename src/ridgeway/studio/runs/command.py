"""The process of a job: `python -m ridgeway.studio.runs.command FOLDER` runs the command that stands in it."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from ridgeway.studio.runs.jobs import JOB, claim
from ridgeway.studio.runs.process import this_process

# Pages are answered before lanes are trained.
_NICE = 5


def main(folder: str) -> None:
    """Takes the job, unless another process has it, and becomes its command."""
    place = Path(folder)
    # A shell that starts a studio in the background has it ignore Ctrl-C, and its children too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not claim(place, this_process()):
        return
    with suppress(OSError, AttributeError):
        os.nice(_NICE)
    words = json.loads((place / JOB).read_bytes())["words"]
    # The process stays the same one, by its number and its start.
    os.execv(sys.executable, [sys.executable, "-m", "ridgeway.cli", *words])


if __name__ == "__main__":
    main(sys.argv[1])
