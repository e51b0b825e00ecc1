"""A run in a process of its own, begun or gone on with, that may kill itself.

`resumed_run.py DIR KIND [--kill-after S]`.

The clock starts with the first round, when all is compiled: a kill falls into training or into the writing of a
checkpoint, wherever that may be just then.
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ridgeway.checkpoints import generations
from test_resume import KINDS, train


def main() -> None:
    out, kind, *words = sys.argv[1:]
    if words:
        seconds = float(words[1])
        due = generations.Checkpoints.due

        def begun(self: generations.Checkpoints) -> bool:
            if not getattr(begun, "started", False):
                begun.started = True  # type: ignore[attr-defined]
                timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL))
                timer.daemon = True
                timer.start()
            return due(self)

        generations.Checkpoints.due = begun  # type: ignore[method-assign]
    train(Path(out), resume=True, **KINDS[kind])


if __name__ == "__main__":
    main()
