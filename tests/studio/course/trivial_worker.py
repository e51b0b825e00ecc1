"""A computing process that trains nothing, in a module of its own so that it starts soon."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

from ridgeway.studio.course.experiments.registry import Results, experiment


def trivial(pipe: Connection, folder: str) -> None:
    """A process that trains nothing: seeds say what it does."""
    results = Results(Path(folder))
    try:
        while True:
            name, given = pipe.recv()
            one = experiment(name)
            settings = one.settings(given)
            seed = settings.seed
            if seed == 66:
                raise SystemExit(1)
            if seed == 77:
                time.sleep(60)
            if seed == 88:
                pipe.send(("failed", "ValueError: no"))
                continue
            if seed >= 100:
                time.sleep(0.3)
            pipe.send(("progress", 0.5))
            results.keep({"experiment": name, "key": one.key(settings), "settings": given, "data": {"order": seed}})
            pipe.send(("done", ""))
    except EOFError:
        pass
