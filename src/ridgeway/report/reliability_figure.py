"""Reliability: how often predictions are right against how sure they are."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import binomtest

from ridgeway.errors import InputError
from ridgeway.locale import text
from ridgeway.report.labels import configuration_label
from ridgeway.report.theme import BEST, MUTED, axis, dress, headline, plain
from ridgeway.selection import Choice, weakest

if TYPE_CHECKING:
    from ridgeway.path import Path

# Guo et al. (2017) sort predictions into 15 bins of equal width.
_BINS = 15
_PANEL, _COUNTS, _BETWEEN, _TOP, _BOTTOM = 340, 110, 76, 92, 60
# px of the marker of a bin that holds all rows, and of the smallest one that can still be seen.
_LARGEST, _SMALLEST = 34.0, 5.0


def calibration_of(path: "Path") -> pd.DataFrame:
    """The path's calibration, a row a lane and bin; empty where it has none (no classification, an older run)."""
    known = getattr(path, "calibration", None)
    found: pd.DataFrame = pd.DataFrame() if known is None else known()
    return found if found.empty else found[found["count"] > 0]


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """The mean distance of accuracy and confidence over bins, weighted by their predictions.

    Args:
        bins: of one lane, with the columns `confidence`, `accuracy` and `count`; at least one prediction.

    References:
        Naeini, Cooper, Hauskrecht (2015), Obtaining Well Calibrated Probabilities Using Bayesian Binning.
        Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks, equation 5.
    """
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["count"]))


def compared_lanes(path: "Path") -> list[tuple[str, Choice, pd.DataFrame]]:
    """The best lane and that of the least regularized configuration, with their bins.

    Returns:
        A role (`"best"`, `"weakest"`), the configuration and its lane's bins; without what has no calibration, and
        only the best where both are one.
    """
    calibration = calibration_of(path)
    if calibration.empty:
        return []
    choices = {"best": path.select("best"), "weakest": weakest(path.table(), path.record)}
    if choices["weakest"].lane == choices["best"].lane:
        del choices["weakest"]
    found = [
        (role, choice, calibration[calibration["lane"] == choice.lane].sort_values("bin"))
        for role, choice in choices.items()
    ]
    return [(role, choice, bins) for role, choice, bins in found if len(bins)]


def reliability_figure(path: "Path", lang: str = "en") -> go.Figure:
    """Draw accuracy against confidence in bins of validation predictions, for the best and the least regularized lane.

    A calibrated model's points lie on the diagonal; below it the model is surer than it is right. Areas of points and
    the bars underneath show how many predictions a bin holds; whiskers are the 95 % interval of its accuracy (Wilson
    1927), drawn for the best lane.

    Args:
        path: what to draw.
        lang: of titles and legend.

    Raises:
        InputError: the path has no calibration.

    References:
        DeGroot, Fienberg (1983), The Comparison and Evaluation of Forecasters.
        Guo et al. (2017), On Calibration of Modern Neural Networks, figure 4.
    """
    lanes = compared_lanes(path)
    if not lanes:
        raise InputError(
            "This path has no calibration: only models that give class probabilities, validated on held-out rows, "
            "have one. Draw one of the other kinds."
        )
    height = _PANEL + _COUNTS + _BETWEEN
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        row_heights=[_PANEL, _COUNTS],
        vertical_spacing=_BETWEEN / height,
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": MUTED, "width": 1, "dash": "dash"},
        name=text("figure.calibrated", lang),
        hoverinfo="skip",
        row=1,
        col=1,
    )
    # The best is drawn last, on top, and named first.
    for role, choice, bins in reversed(lanes):
        _lane(figure, role, choice, bins, lang)
    shares = axis(tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".0%")
    first = min(bins["bin"].min() for _, _, bins in lanes)
    start = 0.0 if first < _BINS // 2 else 0.4
    figure.update_xaxes({**shares, "range": [start - 0.01, 1.012], "showgrid": False, "showticklabels": True})
    figure.update_xaxes(title_text=text("figure.confidence", lang), row=2, col=1)
    figure.update_yaxes({**shares, "range": [-0.03, 1.05]}, row=1, col=1)
    figure.update_yaxes(axis(tickformat=".0%", rangemode="tozero", nticks=4), row=2, col=1)
    headline(figure, 1, text("figure.accuracy", lang))
    headline(figure, 2, text("figure.share_of_predictions", lang))
    return dress(
        figure,
        height + _TOP + _BOTTOM,
        margin={"l": 60, "r": 24, "t": _TOP, "b": _BOTTOM},
        legend={"yref": "paper", "y": 1 + 38 / height, "yanchor": "bottom"},
        barmode="overlay",
    )


def _lane(figure: go.Figure, role: str, choice: Choice, bins: pd.DataFrame, lang: str) -> None:
    best = role == "best"
    colour = BEST if best else MUTED
    share = bins["count"] / bins["count"].sum()
    # scipy counts, the table holds shares.
    hits = (bins["accuracy"] * bins["count"]).round().astype(int)
    intervals = [
        binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in zip(hits, bins["count"], strict=True)
    ]
    texts = [
        f"<b>{text('figure.reliability_hover', lang, accuracy=f'{a:.1%}', confidence=f'{c:.1%}')}</b>"
        f"<br>{text('figure.predictions', lang, count=f'{n:,}')}"
        for a, c, n in zip(bins["accuracy"], bins["confidence"], bins["count"], strict=True)
    ]
    error = expected_calibration_error(bins)
    name = f"{text(f'figure.{role}', lang)} (ECE {error:.1%})"
    figure.add_scatter(
        x=bins["confidence"],
        y=bins["accuracy"],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [interval.high - a for interval, a in zip(intervals, bins["accuracy"], strict=True)],
            "arrayminus": [a - interval.low for interval, a in zip(intervals, bins["accuracy"], strict=True)],
            "color": "rgba(213,94,0,0.45)",
            "thickness": 1.2,
            "width": 3,
        }
        if best
        else None,
        mode="lines+markers",
        # Bins of few predictions scatter: the line only leads from one to the next.
        line={"color": colour, "width": 1},
        marker={
            "size": np.maximum(_LARGEST * np.sqrt(share), _SMALLEST),
            "color": colour,
            "opacity": 0.85 if best else 0.6,
            "symbol": "circle" if best else "square",
            "line": {"color": "#ffffff", "width": 0.8},
        },
        name=name,
        legendgroup=role,
        legendrank=1 if best else 2,
        hovertext=[f"{said}<br>{plain(configuration_label(choice.configuration))}" for said in texts],
        hoverinfo="text",
        row=1,
        col=1,
    )
    figure.add_bar(
        x=(bins["bin"] + 0.5) / _BINS,
        y=share,
        width=1 / _BINS,
        marker={
            "color": colour if best else "rgba(0,0,0,0)",
            "opacity": 0.55 if best else 1,
            "line": {"color": "#ffffff" if best else colour, "width": 1 if best else 1.5},
        },
        legendgroup=role,
        showlegend=False,
        hovertext=texts,
        hoverinfo="text",
        row=2,
        col=1,
    )
