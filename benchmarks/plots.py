"""Draws the figures of docs/performance.md from what `make bench` wrote."""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from bench import ratios
from matplotlib import pyplot as plt
from speed.workloads import WORKLOADS

# A colour and a mark each, so that they are told apart without colour.
SIDES = {
    "keras loop": ("#4c5b6b", "o"),
    "torch loop": ("#d1495b", "s"),
    "torch.func": ("#2a7f9e", "^"),
    "keras loop, torch": ("#e0a030", "D"),
    "Keras Tuner": ("#5b8c5a", "v"),
    "Optuna": ("#8e5ea2", "P"),
    "Optuna, 2 threads": ("#b07aa1", "X"),
    "scikit-learn search": ("#9c755f", "*"),
    "RealMLP": ("#1b7837", "h"),
}


def compared(found: dict[str, Any], column: str, suffix: str, title: str, file: Path) -> None:
    """A row a workload: how many times faster ridgeway was than each side, least and most, and what was promised."""
    names = [name for name in WORKLOADS if name in found]
    figure, axes = plt.subplots(figsize=(7.6, 0.62 * len(names) + 1.5), dpi=110)
    for row, name in enumerate(reversed(names)):
        own = found[name]["ridgeway"]
        for place, (side, (colour, mark)) in enumerate(SIDES.items()):
            if side not in found[name]:
                continue
            values = [value for value in ratios(found[name][side], own, column) if value == value]
            if not values:
                continue
            height = row + 0.3 - 0.07 * place
            axes.plot([min(values), max(values)], [height, height], color=colour, lw=1)
            axes.plot(statistics.median(values), height, mark, color=colour, ms=5, ls="none")
            promised = WORKLOADS[name].targets.get(f"{side}{suffix}")
            if promised is not None:
                axes.plot([promised, promised], [height - 0.06, height + 0.06], color=colour, lw=2.5, alpha=0.45)
    for side, (colour, mark) in SIDES.items():
        if any(side in found[name] for name in names):
            axes.plot([], [], mark, color=colour, ms=5, label=side)
    axes.axvline(1, color="black", lw=0.8)
    axes.set_xscale("log")
    ticks = [0.5, 1, 2, 5, 10, 20, 50, 100]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), [WORKLOADS[name].title for name in reversed(names)])
    axes.set_xlabel(f"{title}; upright bars: promised")
    axes.grid(axis="x", alpha=0.25, lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Writes `in-all.png` and `warm.png`."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=here / "results" / "bench.json")
    parser.add_argument("--out", type=Path, default=here.parent / "docs" / "performance")
    options = parser.parse_args()
    found = json.loads(options.results.read_text())["workloads"]
    compared(found, "whole", "", "times faster than this in all, compilation included", options.out / "in-all.png")
    compared(found, "warm", ", warm", "times faster a model's epoch, warm", options.out / "warm.png")


if __name__ == "__main__":
    main()
