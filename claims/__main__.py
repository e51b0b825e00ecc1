"""Runs the experiments and writes docs/claims.md, docs/claims.ko.md and their figures."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import ridgeway as rw  # noqa: F401 - before keras: sets the backend and a device a core

from .experiments import EXPERIMENTS, SEEDS
from .page import page


def main() -> None:
    """Takes names of experiments, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(one.__name__ for one in EXPERIMENTS)}")
    parser.add_argument("--docs", type=Path, default=Path(__file__).parent.parent / "docs")
    options = parser.parse_args()
    chosen = [one for one in EXPERIMENTS if not options.names or one.__name__ in options.names]
    began = time.perf_counter()
    outcomes = []
    for experiment in chosen:
        start = time.perf_counter()
        outcome = experiment(options.docs / "claims")
        outcomes.append(outcome)
        print(f"{outcome.name}: {outcome.verdict}. {outcome.finding[0]} ({time.perf_counter() - start:.0f} s)")
    seconds = time.perf_counter() - began
    if options.names:
        print("Only some were run: the pages are left as they are.", file=sys.stderr)
        return
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "minutes": f"{seconds / 60:.1f}",
        "seeds": str(SEEDS),
    }
    for place, name in enumerate(("claims.md", "claims.ko.md")):
        (options.docs / name).write_text(page(outcomes, about, place), encoding="utf-8")
    print(f"Written after {seconds:.0f} s.")


main()
