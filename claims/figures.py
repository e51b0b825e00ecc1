"""Figures with intervals, drawn by matplotlib without a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
from matplotlib import pyplot as plt

COLOURS = ("#4c5b6b", "#d1495b", "#2a7f9e", "#e0a030", "#5b8c5a", "#8e5ea2")


def lines(
    file: Path,
    series: Mapping[object, pd.DataFrame],
    x: str,
    y: str,
    *,
    log_x: bool = False,
    log_y: bool = False,
    legend: str = "",
    categories: Sequence[str] | None = None,
) -> None:
    """One line a series, `mean` against the index, with a band or bars of `half`."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), dpi=110)
    for colour, (label, frame) in zip(COLOURS, series.items(), strict=False):
        place = range(len(frame)) if categories else frame.index
        if len(frame) > 8:
            axes.plot(place, frame["mean"], color=colour, label=str(label))
            axes.fill_between(
                place, frame["mean"] - frame["half"], frame["mean"] + frame["half"], color=colour, alpha=0.2, lw=0
            )
        else:
            axes.errorbar(
                place, frame["mean"], frame["half"], color=colour, label=str(label), marker="o", ms=4, capsize=3
            )
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    if categories:
        axes.set_xticks(range(len(categories)), categories)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25, lw=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        axes.legend(title=legend or None, frameon=False, fontsize=9)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)
