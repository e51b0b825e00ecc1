"""Where an epoch's time goes: JAX's profiler on the executor that the engine chooses, by kind of work.

Prints Markdown for docs/performance.md: microseconds of one core a lane and step, and each kind's share. The profiler
costs about half a microsecond for each of the program's operations, so that small ones look larger than they are; the
time without it stands beside. `--flame FILE` also draws the host's side of a whole run as a flame graph, by py-spy.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import jax
from means import inputs, job_of
from speed.workloads import WORKLOADS

from ridgeway.engine import probe
from ridgeway.engine.executor import StackedExecutor

KINDS = (
    *("products", "convolutions", "pooling", "loop over time", "optimizer"),
    *("dropout", "rows", "copies", "sums", "elementwise"),
)
# The scopes of layers and of the optimizer, in Keras's names.
_SCOPES = {
    "adam": "optimizer",
    "conv2d": "convolutions",
    "max_pool": "pooling",
    "lstm": "loop over time",
    "dropout": "dropout",
}


class Program:
    """The compiled program's operations, by name."""

    def __init__(self, text: str) -> None:
        self._lines = {found[1]: found[0] for found in re.finditer(r"^ *(?:ROOT )?%?([\w.\-]+) = .*$", text, re.M)}

    def kind(self, name: str) -> str | None:
        """What kind of work an operation is, by the scope in which Keras made it; None for one that holds others."""
        line = self._lines.get(name, "")
        if re.search(r" (while|conditional|call)\(", line):
            return None
        origin = re.search(r'op_name="([^"]*)"', line)
        *scopes, last = (origin[1] if origin else "").split("/")
        scope = "/".join(scopes)
        if " copy(" in line:
            return "copies"
        for part, kind in _SCOPES.items():
            if re.search(rf"\b{part}", scope):
                return kind
        if last == "gather":
            return "rows"
        if last.startswith("reduce"):
            return "sums"
        # What the backend's library of kernels takes over is named for what comes behind the product.
        return "products" if last == "dot_general" or name.startswith(("ynn", "dot")) else "elementwise"


def profiled(name: str, data: Path, epochs: int) -> dict[str, Any]:
    """Microseconds of one core a lane and step of a workload's epoch, and each kind of work's share of the profile."""
    job = job_of(name, data, 64)
    made = probe.choose(job).executor
    if not isinstance(made, StackedExecutor):
        raise SystemExit(f"{name}: the engine chose plain steps, which are no one program. Nothing to profile.")
    slots = made.slots
    lane, order, live = inputs(job, slots)
    texts: list[str] = []
    program = made._epoch

    def seen(*arguments: Any) -> Any:
        if not texts:
            texts.append(program.lower(*arguments).compile().as_text())
        return program(*arguments)

    made._epoch = seen
    made.fill(dict.fromkeys(range(slots), 0), {})
    made.epoch(lane, order, live)()
    began = time.perf_counter()
    for _ in range(epochs):
        made.epoch(lane, order, live)()
    alone = (time.perf_counter() - began) / epochs
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(epochs):
                made.epoch(lane, order, live)()
        found = next(Path(folder).rglob("*.xplane.pb"))
        times = _by_operation(jax.profiler.ProfileData.from_file(str(found)))
    compiled = Program(texts[0])
    total: Counter[str] = Counter()
    for operation, nanoseconds in times.items():
        kind = compiled.kind(operation)
        if kind is not None:
            total[kind] += nanoseconds
    devices = min(len(job.devices), slots)
    return {
        "executor": f"{made.name} × {slots}",
        "alone": 1e6 * alone * devices / (slots * max(job.program.steps)),
        "shares": {kind: spent / total.total() for kind, spent in total.items()},
    }


def _by_operation(data: Any) -> Counter[str]:
    times: Counter[str] = Counter()
    for plane in data.planes:
        for line in plane.lines:
            for event in line.events:
                told = dict(event.stats)
                if "all_lanes" in str(told.get("hlo_module")):
                    times[str(told["hlo_op"])] += event.duration_ns
    return times


def flame(name: str, data: Path, file: Path) -> None:
    """A flame graph of the host's side of a whole run: process start, imports, compiling, training."""
    spy = shutil.which("py-spy")
    if spy is None:
        raise SystemExit("py-spy is not here: `pip install py-spy`, then run this again.")
    command = [sys.executable, str(Path(__file__).parent / "speed" / "one.py"), "ridgeway_lanes", name]
    command += ["--data", str(data), "--models", "64", "--epochs", str(WORKLOADS[name].brief)]
    subprocess.run([spy, "record", "--function", "--rate", "100", "--output", str(file), "--", *command], check=True)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that `speed/one.py prepare all` wrote")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--flame", type=Path, help="SVG of the host's side of a run of the first workload")
    options = parser.parse_args()
    names = options.workloads.split(",")
    if options.flame is not None:
        flame(names[0], options.data, options.flame)
    print(f"| workload | µs a lane and step, profiler off | {' | '.join(KINDS)} |")
    print(f"| --- | --- |{' --- |' * len(KINDS)}", flush=True)
    for name in names:
        found = profiled(name, options.data, options.epochs)
        shares = [f"{100 * found['shares'].get(kind, 0.0):.0f} %" for kind in KINDS]
        print(f"| {name}; {found['executor']} | {found['alone']:,.1f} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()
