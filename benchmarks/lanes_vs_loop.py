"""Lanes against the loop over `model.fit` that a user would write, in one run on one machine.

Each side of each repetition runs in a process of its own with an empty compilation cache, so that compilation counts
on both sides. The loop trains all configurations where that is estimated to take less than 150 s, else a sample spread
evenly over the grid, scaled by their number: each of its models is fresh and compiles for itself, so its cost is linear
in models. The output says which.

Why each peer is fair: (a) and (c) the loop is what a user writes without ridgeway, the same layers, data, batch size,
early stopping and number of epochs, and it neither imports ridgeway nor has its cores shown as devices; (b) a warm
`fit` leaves its compilation out, so only the training itself is compared. Shuffles and dropout differ, so both sides
may stop at different epochs: the epochs a model are printed. The share of the peak compares with the machine's own
matrix products, the best of three ways to run them on all cores in the same run. Peak memory is that of each process.

Two ratios are printed. "In all" is wall time from the first model to the last result, compilation included, imports
not. "Warm" is time a lane-epoch without what each side sets up and compiles first: for lanes `seconds.training` of
the record over all lane-epochs, for the loop the epochs after a model's first. The table says which one is promised.

Run it by `make bench-loop`; `--quick --only a` is the shortest. The exit code is 0 where a target is missed too: it is
said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cases import BATCH_SIZE, CASES, WHOLE_LOOP, write_data

HERE = Path(__file__).parent
# Growth of peak memory, in MiB, that is noise of the allocator and no history kept on the device.
NOISE = 40.0
# Share of all cores' time that other processes may take before a run is called disturbed.
QUIET = 0.05
FEW_EPOCHS, MANY_EPOCHS = 5, 40


def side(*arguments: Any, **extra: str) -> dict[str, Any]:
    """Runs one side in a fresh process with an empty compilation cache and extra environment variables."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "KERAS_BACKEND": "jax", "RIDGEWAY_CACHE_DIR": cache, "PYTHONWARNINGS": "ignore"}
        environment |= extra
        # One that stands in the shell would be warm for both sides.
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        before = busy()
        done = subprocess.run(
            [sys.executable, str(HERE / "one_side.py"), *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"one_side.py {' '.join(map(str, arguments))} failed with exit code {done.returncode}.")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "others": others(before, busy())}


def busy() -> tuple[float, float, float] | None:
    """Now, in seconds: the clock, all cores' busy time, and that of our finished children; None outside Linux."""
    file = Path("/proc/stat")
    if not file.exists():
        return None
    user, nice, system, _, _, irq, softirq, steal = map(int, file.read_text().split()[1:9])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = os.sysconf("SC_CLK_TCK")
    return time.perf_counter(), (user + nice + system + irq + softirq + steal) / ticks, used.ru_utime + used.ru_stime


def others(before: tuple[float, float, float] | None, after: tuple[float, float, float] | None) -> float:
    """Share of all cores' time that went to other processes between two readings; nan where it can't be told."""
    if before is None or after is None:
        return float("nan")
    clock, all_busy, own = (late - early for early, late in zip(before, after, strict=True))
    return max(0.0, all_busy - own) / (clock * (os.cpu_count() or 1))


def compare(name: str, data: Path, repetitions: int, models: int | None, sample: bool) -> list[dict[str, Any]]:
    """Both sides in turn, so that a machine that slows down slows both."""
    case, pairs = CASES[name], []
    for repetition in range(repetitions):
        lanes = side("lanes", data, name, "--seed", repetition)
        loop = side(
            "loop",
            data,
            name,
            "--seed",
            repetition,
            "--models",
            models or case.loop_models,
            *(["--sample"] if sample else []),
        )
        whole = loop["seconds"] * len(case.configurations) / loop["models"]
        pairs.append(
            {
                "lanes": lanes,
                "loop": loop,
                "loop_scaled_seconds": whole,
                "in all": whole / lanes["seconds"],
                "with imports": (whole + loop["imports"]) / (lanes["seconds"] + lanes["imports"]),
                "warm": loop["warm"] / lanes["warm"],
            }
        )
        print(
            f"({name}) {repetition + 1}/{repetitions}: lanes {lanes['seconds']:.1f} s, "
            f"loop {loop['seconds']:.1f} s for {loop['models']} models; other processes took {lanes['others']:.0%}, "
            f"{loop['others']:.0%}",
            file=sys.stderr,
        )
    return pairs


def operations(name: str) -> tuple[float, float]:
    """Operations of matrix products in a lane-epoch of a dense case: those done, and the usual 6 a weight and row.

    A weight costs 2 forward, 2 for its own gradient and 2 for its input's gradient; the first layer's input needs none.
    """
    kernels = {"a": [30 * 64, 64 * 3], "b": [784 * 128, 128 * 10]}[name]
    rows = CASES[name].rows
    validated = 2 * CASES[name].validated * sum(kernels)
    done = rows * (4 * kernels[0] + 6 * sum(kernels[1:])) + validated
    return float(done), float(6 * rows * sum(kernels) + validated)


def spread(values: list[float], digits: int = 1) -> str:
    """The median, with least and most."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def table(results: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The comparison as lines of Markdown."""
    lines = [
        "| case | lanes, s | loop, s for all | in all, × | lanes, ms a lane-epoch | loop, ms | warm, × | promised |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, pairs in results.items():
        case = CASES[name]
        column = {key: [pair[key] for pair in pairs] for key in ("in all", "warm", "loop_scaled_seconds")}
        kept = all(statistics.median(column[ratio]) >= case.target for ratio in case.promised)
        cells = [
            f"({name}) {case.title}; {len(case.configurations)} lanes",
            spread([pair["lanes"]["seconds"] for pair in pairs]),
            spread(column["loop_scaled_seconds"]),
            spread(column["in all"]),
            spread([1e3 * pair["lanes"]["warm"] for pair in pairs]),
            spread([1e3 * pair["loop"]["warm"] for pair in pairs]),
            spread(column["warm"], 2),
            f"≥ {case.target:g} {' and '.join(case.promised)}: {'kept' if kept else '**missed**'}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def notes(results: dict[str, list[dict[str, Any]]], top: dict[str, Any]) -> list[str]:
    """What the table has no room for, one line each."""
    ways = {name: value for name, value in top.items() if name not in ("megabytes", "others", "bandwidth")}
    best = max(ways.values())
    lines = [
        f"Matrix-product peak, single precision, {os.cpu_count()} cores: {best / 1e9:.0f} GFLOP/s "
        f"({', '.join(f'{name} {value / 1e9:.0f}' for name, value in ways.items())})."
    ]
    taken = max(
        (pair[kind]["others"] for pairs in results.values() for pair in pairs for kind in ("lanes", "loop")),
        default=0.0,
    )
    lines.append(
        f"Other processes took at most {taken:.0%} of the cores' time during a side"
        + (": **disturbed, don't quote it**." if taken > QUIET else ".")
    )
    for name, pairs in results.items():
        lanes, loops = [pair["lanes"] for pair in pairs], [pair["loop"] for pair in pairs]
        chosen = lanes[0]["executor"]
        lines.append(
            f"({name}) executor {chosen['name']}, {chosen['slots']} slots, {chosen['devices']} devices; set-up and "
            f"compilation {spread([side['setup'] for side in lanes])} s of the lanes' time. Epochs a "
            f"model: lanes {statistics.mean(side['epochs'] / side['models'] for side in lanes):.1f}, loop "
            f"{statistics.mean(side['epochs'] / side['models'] for side in loops):.1f}. Loop timed on "
            f"{', '.join(str(side['models']) for side in loops)} of {len(CASES[name].configurations)} models in each "
            f"repetition (all where that is estimated below {WHOLE_LOOP:.0f} s, else scaled). With imports counted: "
            f"{spread([pair['with imports'] for pair in pairs])} × in all. Peak memory: lanes "
            f"{spread([side['megabytes'] for side in lanes], 0)} MiB, loop "
            f"{spread([side['megabytes'] for side in loops], 0)} MiB after {loops[0]['models']} models."
        )
        if CASES[name].dense:
            done, usual = operations(name)
            shares = [100 * done / side["warm"] / best for side in lanes]
            lines.append(
                f"({name}) share of the peak: {spread(shares)} % by the operations done, "
                f"{spread([share * usual / done for share in shares])} % by the usual 6 a weight and row; the loop "
                f"{spread([100 * done / side['warm'] / best for side in loops])} % by the operations done."
            )
    return lines


def memory(data: Path) -> dict[str, float]:
    """Peak memory of 64 lanes after few and many epochs, nothing else differing."""
    return {
        str(epochs): side("lanes", data, "a", "--epochs", epochs, "--no-stopping")["megabytes"]
        for epochs in (FEW_EPOCHS, MANY_EPOCHS)
    }


def probing(data: Path) -> list[float]:
    """Share that all probes add to the training time of (a); compiling them is left out."""
    return [
        float(side("lanes", data, "a", "--epochs", MANY_EPOCHS, "--no-stopping", "--probes")["looking"])
        for _ in range(3)
    ]


def one_device(data: Path, pairs: list[dict[str, Any]]) -> list[float]:
    """Time a lane-epoch of (a) where all cores are one JAX device, over that where each core is one."""
    return [
        side("lanes", data, "a", "--seed", repetition, RIDGEWAY_CPU_DEVICES="1")["warm"] / pair["lanes"]["warm"]
        for repetition, pair in enumerate(pairs)
    ]


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        **{package: version(package) for package in ("ridgeway", "keras", "jax", "numpy")},
    }


def main() -> None:
    """Runs the cases, prints the table, writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", "--only", default="abc", help="letters of the cases to run")
    parser.add_argument("--repetitions", type=int, help="3 by default, 1 with --quick")
    parser.add_argument("--loop-models", type=int, help="models the loop trains; 64 leaves nothing to scale")
    parser.add_argument(
        "--quick", action="store_true", help="one repetition, 8 models of the loop, however quick they are"
    )
    default = HERE.parent.parent / "shared" / "data" / "mnist-t10k"
    parser.add_argument("--mnist", type=Path, default=default, help="folder of MNIST's test files")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    if options.loop_models is not None and not 4 <= options.loop_models <= 64:
        parser.error("--loop-models takes 4 to 64: fewer say little about the rest")
    if options.quick:
        options.loop_models = options.loop_models or 8
    options.repetitions = options.repetitions or (1 if options.quick else 3)
    began, where = time.perf_counter(), machine()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        sources = write_data(data, options.mnist)
        top = side("peak")
        results = {
            name: compare(name, data, options.repetitions, options.loop_models, options.quick)
            for name in sorted(set(options.cases))
        }
        used = memory(data) if "a" in results else {}
        probed = probing(data) if "a" in results else []
        ratios = [] if options.quick else one_device(data, results.get("a", []))
    lines = [
        f"{where['processor']}, {where['cores']} cores; load before the start {where['load_before']:.1f}. Python "
        f"{where['python']}, Keras {where['keras']}, JAX {where['jax']}, ridgeway {where['ridgeway']}. Batches of "
        f"{BATCH_SIZE}. Images: {sources['b']}. Median (least–most) of {options.repetitions} repetitions.",
        "",
        *table(results),
        "",
        *(f"- {note}" for note in notes(results, top)),
    ]
    if used:
        few, many = used.values()
        lines.append(
            f"- (d) Peak memory of (a) after {FEW_EPOCHS} epochs {few:.0f} MiB, after {MANY_EPOCHS} epochs {many:.0f} "
            f"MiB, {many - few:+.0f}: {'**it grows**' if many - few > NOISE else 'it does not grow with epochs'}."
        )
    if probed:
        lines.append(
            f"- (e) All five probes add {spread([100 * share for share in probed])} % to the training time of (a)."
        )
    if ratios:
        lines.append(
            f"- A device a core against one device for all, (a), time a lane-epoch: {spread(ratios, 2)} × faster."
        )
    print("\n".join(lines))
    options.out.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    file = options.out / f"{now:%Y%m%dT%H%M%SZ}.json"
    whole: dict[str, Any] = {
        "created": now.isoformat(),
        "machine": where,
        "data": sources,
        "peak": top,
        "memory": used,
        "one_device": ratios,
    }
    whole |= {"seconds": time.perf_counter() - began, "cases": results}
    file.write_text(json.dumps(whole, indent=1))
    # The latest run under a name that stays.
    (options.out / "lanes_vs_loop.json").write_text(json.dumps(whole, indent=1))
    print(f"\nWritten to {file} after {whole['seconds']:.0f} s.")


if __name__ == "__main__":
    main()
