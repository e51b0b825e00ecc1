"""How long until the first epoch, and how time and memory grow with lanes and rows.

Each measurement is a process of its own. Time is that of epochs after the first, without early stopping; memory is the
most that the process ever held. What a lane should take is its parameters, its optimizer's copies of them and one copy
for its best epoch, in float32, for as many lanes as stand side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from speed.clock import peak_megabytes, spread
from speed.workloads import WORKLOADS, Rows, read

EPOCHS = 20
# Promised: seconds to the first epoch with nothing compiled and with everything; time of twice the lanes.
COLD, WARM, TWICE = 5.0, 3.0, 2.1
GROWN = ("phoneme",)
MEMORY_WORKLOAD, MEMORY_LANES, SLOTS = "wide", 16, (4, 8, 16)
# Adam's two moments; the weights, and those of the best epoch.
COPIES = 2 + 1 + 1


def child(options: argparse.Namespace) -> None:
    """Trains, and prints a line of JSON."""
    import keras

    from speed.sides.ridgeway_lanes import family, fit

    workload, rows = WORKLOADS[options.workload], Rows(*read(options.data, options.workload))

    class First(keras.callbacks.Callback):
        """Tells when the first epoch has ended, and ends the process with it."""

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            print(json.dumps({"first": time.time()}), flush=True)
            os._exit(0)

    cut = int(len(rows.x) * options.share)
    slots = {} if options.slots is None else {"slots": options.slots, "executor": "vmap"}
    watching = [First()] if options.first else []
    rows = rows._replace(x=rows.x[:cut], y=rows.y[:cut])
    told = fit(workload, rows, family(options.lanes), options.epochs, 0, callbacks=watching, **slots)[1]
    print(
        json.dumps(
            {
                "path": told.warm * options.lanes,
                "megabytes": peak_megabytes(),
                **{name: told.notes[name] for name in ("name", "slots")},
            }
        )
    )


def run(data: Path, workload: str, cache: str | None = None, **words: Any) -> dict[str, Any]:
    """One measurement; `began` is when its process was started."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONWARNINGS": "ignore"}
        environment |= {"RIDGEWAY_CACHE_DIR": cache or folder}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        # As after an installation: modules are read compiled, from the second process on.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, __file__, workload, "--data", str(data)]
        command += [part for name, value in words.items() for part in (f"--{name}", str(value)) if value is not False]
        command = [part for part in command if part != "True"]
        began = time.time()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"began": began, **found}


def measured(data: Path, repetitions: int) -> tuple[dict[str, Any], list[str]]:
    """All measurements, and lines of Markdown."""
    found: dict[str, Any] = {"first epoch": {"cold": [], "warm": []}, "lanes": {}, "rows": {}, "memory": {}}
    with tempfile.TemporaryDirectory() as cache:
        run(data, "phoneme", cache, lanes=64, first=True)
        for _ in range(repetitions):
            for kind, kept in (("cold", None), ("warm", cache)):
                one = run(data, "phoneme", kept, lanes=64, first=True)
                found["first epoch"][kind].append(one["first"] - one["began"])
    for name in GROWN:
        pairs = [(run(data, name, lanes=64), run(data, name, lanes=128)) for _ in range(repetitions)]
        found["lanes"][name] = [many["path"] / few["path"] for few, many in pairs]
        halves = [(run(data, name, lanes=64, share=0.5), few) for few, _ in pairs]
        found["rows"][name] = [whole["path"] / half["path"] for half, whole in halves]
    base = {slots: run(data, MEMORY_WORKLOAD, lanes=MEMORY_LANES, slots=slots, epochs=1) for slots in SLOTS}
    found["memory"] = {str(slots): one["megabytes"] for slots, one in base.items()}
    return found, table(found)


def table(found: dict[str, Any]) -> list[str]:
    """What was measured, as Markdown."""
    lines = ["### Start, growth, memory", "", "| what | measured | promised |", "| --- | --- | --- |"]
    for kind, most in (("cold", COLD), ("warm", WARM)):
        seconds = found["first epoch"][kind]
        lines.append(
            f"| process start to the first epoch of 64 lanes of phoneme, {kind} cache, s | {spread(seconds)} | "
            f"< {most:g}: {verdict(statistics.median(seconds) < most)} |"
        )
    for name, ratios in found["lanes"].items():
        kept = verdict(statistics.median(ratios) <= TWICE)
        lines.append(f"| 128 lanes of {name} against 64, × | {spread(ratios, 2)} | ≤ {TWICE:g}: {kept} |")
    for name, ratios in found["rows"].items():
        lines.append(f"| all rows of {name} against half of them, × | {spread(ratios, 2)} | about 2 |")
    workload = WORKLOADS[MEMORY_WORKLOAD]
    lane = COPIES * 4 * workload.parameters / 2**20
    least = found["memory"][str(SLOTS[0])]
    lines += ["", f"| lanes of {workload.title} side by side | formula, MiB | most memory, MiB | above {SLOTS[0]} |"]
    lines.append("| --- | --- | --- | --- |")
    for slots in SLOTS:
        most = found["memory"][str(slots)]
        above = f"{most - least:.0f}, formula {(slots - SLOTS[0]) * lane:.0f}"
        lines.append(f"| {slots} | {slots * lane:.0f} | {most:.0f} | {above} |")
    return [*lines, ""]


def verdict(kept: bool) -> str:
    """In a word."""
    return "kept" if kept else "**missed**"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=list(WORKLOADS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--slots", type=int)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--first", action="store_true")
    child(parser.parse_args())
