"""One side on one workload in a process of its own; prints a line of JSON with all repetitions.

Between repetitions what is compiled is forgotten, so that each is cold as in a process that has just started.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from speed.clock import peak_megabytes
from speed.workloads import WORKLOADS, Rows, prepare, read


def cold() -> contextlib.AbstractContextManager[str]:
    """Forgets what was compiled, in memory and on disk."""
    folder = tempfile.TemporaryDirectory()
    os.environ["RIDGEWAY_CACHE_DIR"] = folder.name
    if "jax" in sys.modules:
        import jax

        jax.clear_caches()
        if jax.config.jax_compilation_cache_dir:
            from jax.experimental.compilation_cache import compilation_cache

            compilation_cache.reset_cache()
            jax.config.update("jax_compilation_cache_dir", folder.name)
    return folder


def main() -> None:
    """Trains, and prints what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", help="a module of speed.sides, or 'prepare'")
    parser.add_argument("workload", choices=[*WORKLOADS, "all"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=1)
    options = parser.parse_args()
    if options.side == "prepare":
        prepare(options.data, options.mnist)
        return
    workload, rows = WORKLOADS[options.workload], read(options.data, options.workload)
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        side = importlib.import_module(f"speed.sides.{options.side}")
        imported = time.perf_counter() - began
        outcomes = []
        for repetition in range(options.repetitions):
            with cold():
                outcome = side.run(workload, Rows(*rows), options.models, options.epochs, repetition)
            outcomes.append(asdict(outcome))
    print(json.dumps({"outcomes": outcomes, "imports": imported, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
