"""Ridgeway against every way a user would train 64 regularized models today: one run, one machine, ratios.

Each side trains the same networks on the same rows with the same batch size, epochs and early stopping, in the way that
its own guide recommends; why that is fair stands at the head of its module in `speed/sides`. A side that pays for each
model anew trains a sample spread over the 64, and its time is scaled: it is linear in models. Each side of a workload
is a process of its own with all its repetitions, which start cold: what was compiled is forgotten in between. Sides
take turns workload by workload, and the machine's own limits are measured in the same run.

Two ratios are printed: "in all" is wall time for 64 models, compilation included and imports not; "warm" is the time of
a model's epoch without what is set up and compiled first.

`make bench` ends in about 20 minutes on 2 cores: few epochs, fewer lanes of the large networks (their time is scaled,
what ridgeway does once is not), a model a repetition of those that pay for each model, and those against whom nothing
is promised by name on one table. `ARGS=--full` takes all, LassoNet's path too, and hours. The exit code is 0 where a
target is missed too: it is said.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lanes_vs_loop import machine
from speed import growth
from speed.clock import spread
from speed.workloads import CONFIGURATIONS, WORKLOADS, Workload, read

HERE = Path(__file__).parent
LANES = len(CONFIGURATIONS)
_TABLES = ("phoneme", "satimage", "regression")
_ONE = "phoneme"


@dataclass(frozen=True)
class Side:
    """One way to train the models.

    Attributes:
        title: as it stands in tables.
        module: in `speed.sides`.
        backend: of Keras.
        whole: whether it trains all 64 at once; else a sample is scaled.
        workloads: that it can train.
        models: that it trains, where neither all 64 nor the workload's sample.
        few: whether the short run takes it on one table only, and twice: nothing is promised against it alone.
        halved: whether the short run trains half the epochs and doubles the time: it compiles nothing, so that each
            epoch takes as long, and would take two fifths of the whole run.
    """

    title: str
    module: str
    backend: str = "jax"
    whole: bool = False
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    models: int | None = None
    few: bool = False
    halved: bool = False


SIDES = (
    Side("ridgeway", "ridgeway_lanes", whole=True),
    Side("keras loop", "keras_loop"),
    Side("keras loop, torch", "keras_loop", "torch", few=True),
    Side("Keras Tuner", "keras_tuner", few=True),
    Side("Optuna", "optuna_keras", few=True),
    Side("Optuna, 2 threads", "optuna_threads", models=4, few=True),
    Side("Ray Tune, 2 workers", "ray_tune", models=4, few=True),
    Side("torch loop", "torch_loop"),
    Side("torch.func", "torch_func", whole=True, halved=True),
    Side("scikit-learn search", "sklearn_search", workloads=_TABLES, models=8, few=True),
    Side("RealMLP", "realmlp", workloads=_TABLES, models=8, few=True),
)

OURS = {"ridgeway_lanes", "group_lasso_path"}
# The path of a penalty that removes features: ridgeway's, LassoNet's, and what is promised.
PATHS = (Side("ridgeway", "group_lasso_path", whole=True), Side("LassoNet", "lassonet_path", whole=True))
PATH_WORKLOAD, PATH_EPOCHS, PATH_TARGET = "digits", 12, 20.0
# Of those that the short run takes twice.
_FEW = 2


def measured(side: Side, name: str, epochs: int, options: argparse.Namespace) -> dict[str, Any] | None:
    """All repetitions of a side on a workload, in a process of its own; None where it failed or took too long."""
    workload = WORKLOADS[name]
    sample = workload.sample if options.full else 1
    whole = LANES if options.full or side in PATHS else workload.lanes
    models = whole if side.whole else side.models or sample
    repetitions, given = options.repetitions, epochs
    if side.halved and not options.full:
        epochs = max(1, epochs // 2)
    if side.module == "lassonet_path":
        # Minutes each; its spread is small beside the ratio.
        repetitions = 1
    elif side.few and not options.full:
        repetitions = min(repetitions, _FEW)
    python = sys.executable if side.module in OURS else options.peers
    command = [str(python), str(HERE / "speed" / "one.py"), side.module, name, "--data", str(options.data)]
    command += ["--models", str(models), "--epochs", str(epochs), "--repetitions", str(repetitions)]
    environment = {**os.environ, "KERAS_BACKEND": side.backend, "PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3"}
    # For processes that a side starts by itself, Ray's workers among them.
    environment["PYTHONPATH"] = str(HERE)
    # One that stands in the shell would be warm.
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=options.patience, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: {side.title} took more than {options.patience:.0f} s and is left out.", file=sys.stderr)
        return None
    if done.returncode:
        print(f"{name}: {side.title} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    # What is no training of ours, it does once for however many lanes: building the model, compiling, collecting.
    once = [
        max(one["seconds"] - one["warm"] * one["epochs"], 0.0) if side.module in OURS and side not in PATHS else 0.0
        for one in found["outcomes"]
    ]
    found["whole"] = [
        fixed + (one["seconds"] - fixed) * LANES / one["models"] * given / epochs
        for fixed, one in zip(once, found["outcomes"], strict=True)
    ]
    found["warm"] = [one["warm"] for one in found["outcomes"]]
    found["seconds"] = [one["seconds"] for one in found["outcomes"]]
    return found


def ratios(side: dict[str, Any], lanes: dict[str, Any], column: str) -> list[float]:
    """How many times faster ridgeway was, repetition by repetition; against its median where the other had one only."""
    if len(side[column]) == 1:
        return [side[column][0] / ours for ours in lanes[column]]
    return [theirs / ours for theirs, ours in zip(side[column], lanes[column], strict=False)]


def table(name: str, found: dict[str, dict[str, Any]], peak: float, data: Path) -> list[str]:
    """A workload's comparison as lines of Markdown."""
    workload, lanes = WORKLOADS[name], found["ridgeway"]
    lines = [
        f"### {workload.title}",
        "",
        "| side | models | s for 64 | in all, × | ms a model's epoch | warm, × | MiB | promised |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for title, one in found.items():
        cold, warm = ratios(one, lanes, "whole"), ratios(one, lanes, "warm")
        cells = [
            title,
            str(one["outcomes"][0]["models"]),
            spread(one["whole"]),
            "" if title == "ridgeway" else spread(cold),
            spread([1e3 * value for value in one["warm"]], 2),
            "" if title == "ridgeway" else spread(warm),
            f"{one['megabytes']:.0f}",
            verdict(workload, title, cold, warm),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    told = lanes["outcomes"][0]["notes"]
    rows = read(data, name)
    done = workload.operations(len(rows.x), len(rows.x_val))
    share = ""
    if done is not None:
        shares = [100 * done / value / peak for value in lanes["warm"]]
        promised = "" if workload.peak is None else f", promised {workload.peak:.0%}"
        share = f"; {spread(shares, 0)} % of the matrix-product peak{promised}"
    setup = spread([one["notes"]["setup"] for one in lanes["outcomes"]])
    lines += [
        "",
        f"ridgeway: {told['name']}, {told['slots']} slots, {told['devices']} devices, set-up {setup} s{share}.",
    ]
    return [*lines, ""]


def verdict(workload: Workload, title: str, cold: list[float], warm: list[float]) -> str:
    """What is promised against a side, and whether it was kept."""
    words = []
    for promised, reached in ((title, cold), (f"{title}, warm", warm)):
        if promised in workload.targets:
            least = workload.targets[promised]
            kept = statistics.median(reached) >= least
            words.append(f"≥ {least:g}{' warm' if promised != title else ''}: {'kept' if kept else '**missed**'}")
    return ", ".join(words)


def paths_table(found: dict[str, dict[str, Any]]) -> list[str]:
    """The path of feature selection against LassoNet's: time, and the best accuracy with at most so many features."""
    lines = [f"### L1 path over the features of {WORKLOADS[PATH_WORKLOAD].title}", ""]
    lines += ["| side | strengths | s | × | promised |", "| --- | --- | --- | --- | --- |"]
    cold = ratios(found["LassoNet"], found["ridgeway"], "seconds")
    kept = "kept" if statistics.median(cold) >= PATH_TARGET else "**missed**"
    for title, one in found.items():
        strengths = spread([outcome["models"] for outcome in one["outcomes"]], 0)
        last = ["", ""] if title == "ridgeway" else [spread(cold), f"≥ {PATH_TARGET:g}: {kept}"]
        lines.append(f"| {' | '.join([title, strengths, spread(one['seconds']), *last])} |")
    lines += ["", "| at most so many features | ridgeway, accuracy | LassoNet, accuracy |", "| --- | --- | --- |"]
    most = max(int(key) for one in found.values() for key in one["outcomes"][0]["notes"]["accuracy by features"])
    for features in sorted({25, 50, 100, 150, 200, 250, 300, 400, 500, 600, most}):
        cells = [
            spread([_best_within(outcome, features) for outcome in found[title]["outcomes"]], 3) for title in found
        ]
        if features <= most:
            lines.append(f"| {features} | {' | '.join(cells)} |")
    return [*lines, ""]


def _best_within(outcome: dict[str, Any], features: int) -> float:
    curve = outcome["notes"]["accuracy by features"]
    return max((value for key, value in curve.items() if int(key) <= features), default=math.nan)


def main() -> None:
    """Runs all sides on all workloads, prints the tables, writes them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--sides", help="modules of speed.sides, and growth; all, and LassoNet's with --full only")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="all epochs; hours")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds after which a side is left out")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".venv-peers" / "bin" / "python")
    default = HERE.parent.parent / "shared" / "data" / "mnist-t10k"
    parser.add_argument("--mnist", type=Path, default=default, help="folder of MNIST's test files")
    parser.add_argument("--data", type=Path, help="folder of the prepared rows; a temporary one without")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    if options.sides is None:
        modules = [side.module for side in (*SIDES, *PATHS[1:] * options.full)]
        options.sides = ",".join([*dict.fromkeys(modules), "growth"])
    names = [name for name in WORKLOADS if name in options.workloads.split(",")]
    sides = [side for side in SIDES if side.module in {"ridgeway_lanes", *options.sides.split(",")}]
    began, where = time.perf_counter(), machine()
    with tempfile.TemporaryDirectory() as folder:
        if options.data is None:
            options.data = Path(folder)
            prepare = [str(options.peers), str(HERE / "speed" / "one.py"), "prepare", "all"]
            subprocess.run([*prepare, "--data", folder, "--mnist", str(options.mnist)], check=True)
        limits = json.loads(
            subprocess.run(
                [sys.executable, str(HERE / "one_side.py"), "peak"], capture_output=True, text=True, check=True
            ).stdout.splitlines()[-1]
        )
        peak = max(value for name, value in limits.items() if name.startswith(("numpy", "jax")))
        results: dict[str, dict[str, Any]] = {}
        lines = []
        for name in names:
            epochs = WORKLOADS[name].epochs if options.full else WORKLOADS[name].brief
            taken = [
                side for side in sides if name in side.workloads and (options.full or not side.few or name == _ONE)
            ]
            found = {side.title: measured(side, name, epochs, options) for side in taken}
            results[name] = {title: one for title, one in found.items() if one is not None}
            lines += table(name, results[name], peak, options.data)
            print(f"{name}: {time.perf_counter() - began:.0f} s since the start", file=sys.stderr)
        if "lassonet_path" in options.sides.split(","):
            both = {side.title: measured(side, PATH_WORKLOAD, PATH_EPOCHS, options) for side in PATHS}
            results["L1 path"] = {title: one for title, one in both.items() if one is not None}
            if len(results["L1 path"]) == len(PATHS):
                lines += paths_table(results["L1 path"])
        if "growth" in options.sides.split(","):
            again = options.repetitions if options.full else min(options.repetitions, _FEW)
            results["growth"], more = growth.measured(options.data, again)
            lines += more
    head = (
        f"{where['processor']}, {where['cores']} cores; load before the start {where['load_before']:.1f}. "
        f"Matrix-product peak, single precision: {peak / 1e9:.0f} GFLOP/s; "
        f"memory {limits['bandwidth'] / 1e9:.1f} GB/s. "
    )
    head += f"Median (least–most) of {options.repetitions} repetitions{'' if options.full else ', few epochs'}."
    print("\n".join([head, "", *lines]))
    options.out.mkdir(parents=True, exist_ok=True)
    whole = {"created": datetime.now(UTC).isoformat(), "machine": where, "limits": limits, "full": options.full}
    whole |= {"seconds": time.perf_counter() - began, "workloads": results}
    (options.out / "bench.json").write_text(json.dumps(whole, indent=1))
    print(f"Written to {options.out / 'bench.json'} after {whole['seconds']:.0f} s.")


if __name__ == "__main__":
    main()
