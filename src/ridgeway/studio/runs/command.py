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
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not claim(place, this_process()):
        return
    with suppress(OSError, AttributeError):
        os.nice(_NICE)
    sys.argv = ["ridgeway", *json.loads((place / JOB).read_bytes())["words"]]
    from ridgeway.cli import main as run

    run()


if __name__ == "__main__":
    main(sys.argv[1])
