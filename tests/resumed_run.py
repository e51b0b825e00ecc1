"""A run in a process of its own, begun or gone on with, that may kill itself.

`resumed_run.py DIR KIND [--kill-after S [--of-all]]`.

The clock starts with the first round, when all is compiled: a kill falls into training or into the writing of a
checkpoint, wherever that may be just then. With `--of-all` it starts with the process: a kill may fall into the
imports, the making of the directory, the reading of a checkpoint or the compiling too.
"""

import os
import signal
import sys
import threading
from pathlib import Path


def kill_after(seconds: float) -> None:
    """Ends this process, as the system does for want of memory."""
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


out, kind, *words = sys.argv[1:]
if "--of-all" in words:
    kill_after(float(words[1]))

sys.path.insert(0, str(Path(__file__).parent))

from large_run import train as train_large  # noqa: E402
from ridgeway.checkpoints import generations  # noqa: E402
from test_resume import KINDS, train  # noqa: E402


def main() -> None:
    if words and "--of-all" not in words:
        due = generations.Checkpoints.due
        started = False

        def begun(self: generations.Checkpoints) -> bool:
            nonlocal started
            if not started:
                started = True
                kill_after(float(words[1]))
            return due(self)

        generations.Checkpoints.due = begun  # type: ignore[method-assign]
    if kind == "large":
        train_large(Path(out))
    else:
        train(Path(out), resume=True, **KINDS[kind])


if __name__ == "__main__":
    main()
