"""Parallel coordinates: every configuration as one line through its values to its metric."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ridgeway.locale import text
from ridgeway.report.marks import marks
from ridgeway.report.panel import hover
from ridgeway.report.profile import varied
from ridgeway.report.scale import reach
from ridgeway.report.theme import FAINT, INK, MUTED, dress, plain, shade
from ridgeway.report.value_axis import ValueAxis, value_axis
from ridgeway.selection import Value, shown

if TYPE_CHECKING:
    from ridgeway.path import Path

_HEIGHT = 420
# Classes of metric that colours tell apart: fifths of the configurations.
_SHADES = 5


def parallel_figure(path: "Path", lang: str = "en") -> go.Figure:
    """Draw one line a configuration, over one axis a hyperparameter, to the metric (better is up).

    Plain lines, not plotly's own parallel coordinates: those need WebGL, print badly, and can't mark a line.

    Args:
        path: what to draw.
        lang: of titles and legend.
    """
    summary = path.configurations()
    shown = summary[summary["mean"].notna() & (summary["diverged"] == 0)]
    shown = shown if len(shown) else summary[summary["mean"].notna()]
    names = varied(summary, path.hyperparameters)
    axes = {name: value_axis(path, name) for name in names}
    low, high, _ = reach(shown["mean"], path.mode)
    better, worse = (low, high) if path.mode == "min" else (high, low)

    def height_of(row: dict[str, Any]) -> list[float]:
        places = [_unit(axes[name], row[name]) for name in names]
        return [*places, float(np.clip((worse - row["mean"]) / (worse - better), 0, 1))]

    figure = go.Figure()
    for trace in _lines(shown, height_of, path.hyperparameters):
        figure.add_trace(trace)
    for mark in marks(path, lang):
        row = {**mark.choice.configuration, "mean": mark.choice.mean}
        figure.add_scatter(
            x=list(range(len(names) + 1)),
            y=height_of(row),
            mode="lines+markers",
            line={"color": mark.colour, "width": 3.5},
            marker={
                "symbol": mark.symbol,
                "size": 12,
                "color": mark.colour,
                "line": {"color": "#fff", "width": 1},
            },
            name=mark.label,
            legendrank=mark.rank,
            hovertext=f"<b>{mark.label}</b><br>{plain(mark.choice)}",
            hoverinfo="text",
        )
    for place, name in enumerate(names):
        _axis(figure, place, plain(name), _ticks(axes[name]))
    values = np.linspace(worse, better, 5)
    digits = max(2, 1 - int(np.floor(np.log10(abs(better - worse) or 1))))
    ticks = [(k / 4, f"{value:.{digits}f}") for k, value in enumerate(values)]
    title = f"{plain(path.metric)}<br>↑ {text('figure.better', lang)}"
    _axis(figure, len(names), title, ticks, last=True)
    # px for the labels left of the first axis, the more the longer.
    longest = max(len(label) for _, label in _ticks(axes[names[0]]))
    blank = {"visible": False, "fixedrange": True}
    return dress(
        figure,
        _HEIGHT,
        xaxis={**blank, "range": [-0.18, len(names) + 0.3]},
        yaxis={**blank, "range": [-0.04, 1.04]},
        margin={"l": 24 + 6 * max(0, longest - 6), "r": 24, "t": 92, "b": 24},
        legend={"yref": "container", "y": 0.995},
        dragmode=False,
    )


def _unit(axis: ValueAxis, value: Value) -> float:
    if len(axis.values) == 1:
        return 0.5
    low, high = axis.position(axis.values[0]), axis.position(axis.values[-1])
    return (axis.position(value) - low) / (high - low)


def _ticks(axis: ValueAxis) -> list[tuple[float, str]]:
    if len(axis.values) <= 9:
        return [(_unit(axis, value), plain(shown(value))) for value in axis.values]
    places, labels = axis.ticks()
    low, high = axis.position(axis.values[0]), axis.position(axis.values[-1])
    return [((place - low) / (high - low), label) for place, label in zip(places, labels, strict=True)]


def _lines(shown: pd.DataFrame, height_of: Any, hyperparameters: list[str]) -> list[go.Scatter]:
    """One trace a fifth of the configurations, best in the darkest colour and drawn last."""
    texts = hover(shown, hyperparameters)
    rows = shown.to_dict("records")
    traces = []
    for number, inside in reversed(list(enumerate(np.array_split(np.arange(len(rows)), min(_SHADES, len(rows)))))):
        x: list[float | None] = []
        y: list[float | None] = []
        said: list[str] = []
        for index in inside:
            heights = height_of(rows[index])
            x += [*range(len(heights)), None]
            y += [*heights, None]
            said += [texts[index]] * (len(heights) + 1)
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": shade(number / max(1, _SHADES - 1)), "width": 1.6},
                opacity=0.75 if len(rows) <= 60 else 0.5,
                hovertext=said,
                hoverinfo="text",
                showlegend=False,
            )
        )
    return traces


def _axis(figure: go.Figure, place: int, title: str, ticks: list[tuple[float, str]], last: bool = False) -> None:
    figure.add_shape(
        type="line",
        x0=place,
        x1=place,
        y0=0,
        y1=1,
        layer="below",
        line={"color": INK if last else FAINT, "width": 1.4},
    )
    figure.add_annotation(
        **{"x": place, "y": 1, "yanchor": "bottom", "yshift": 14, "showarrow": False, "text": title},
        name="axis title",
        font={"size": 13, "color": INK},
    )
    for height, label in ticks:
        figure.add_annotation(
            **{"x": place, "y": height, "showarrow": False, "text": label},
            **{"xanchor": "left" if last else "right", "xshift": 8 if last else -8, "yanchor": "middle"},
            font={"size": 12, "color": MUTED},
            bgcolor="rgba(255,255,255,0.75)",
        )
