"""The regularization path: the metric against each strength."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ridgeway.locale import text
from ridgeway.report.labels import better_label, hyperparameter_label, metric_label
from ridgeway.report.marks import Mark, marks
from ridgeway.report.panel import add_lines, end_margin, explain_best, first_envelope, hover, label_ends
from ridgeway.report.profile import best_over_others, panels, profile
from ridgeway.report.scale import reach
from ridgeway.report.strength_axis import break_shapes
from ridgeway.report.theme import INK, MUTED, ONE_SE, axis, dress, headline, plain
from ridgeway.report.value_axis import ValueAxis, value_axis
from ridgeway.selection import with_ordered_words

if TYPE_CHECKING:
    from ridgeway.path import Path

# px of one panel, and between two (tick labels and axis title stand there).
_PANEL, _BETWEEN = 330, 112
_TOP, _BOTTOM = 92, 64


def path_figure(path: "Path", lang: str = "en") -> go.Figure:
    """Draw the metric against strength, one panel a hyperparameter; words are colours where there are numbers.

    Points are means over a configuration's lanes with bars of ±1 standard error. Each panel has one line per
    value of the other hyperparameter when that is one with few values; else the best over the others (for each
    word of the first hyperparameter of words), on faint lines of all combinations.

    Args:
        path: what to draw.
        lang: of titles and legend.
    """
    summary = with_ordered_words(path.configurations(), path.record)
    shown = summary[summary["mean"].notna()]
    names = panels(shown, path.hyperparameters)
    height = _PANEL * len(names) + _BETWEEN * (len(names) - 1)
    figure = make_subplots(rows=len(names), cols=1, vertical_spacing=_BETWEEN / height if len(names) > 1 else 0)
    stable = shown[shown["diverged"] == 0] if (shown["diverged"] == 0).any() else shown
    errors = stable["standard_error"].fillna(0)
    low, high, outside = reach(np.concatenate([stable["mean"] - errors, stable["mean"] + errors]), path.mode)
    found = marks(path, lang)
    _band(figure, found, len(names), lang)
    labels: list[str] = []
    for row, name in enumerate(names, start=1):
        labels += _panel(figure, row, name, path, stable, (low, high), found, lang)
        _diverged(figure, row, name, path, shown[shown["diverged"] > 0], low if path.mode == "max" else high, lang)
    if outside:
        figure.add_annotation(
            text=text("figure.outside", lang, count=outside),
            **{"x": 1, "y": 1, "xref": "x domain", "yref": "y domain", "xanchor": "right", "yanchor": "top"},
            **{"showarrow": False, "font": {"size": 12, "color": MUTED}},
        )
    return dress(
        figure,
        height + _TOP + _BOTTOM,
        margin={"l": 60, "r": end_margin(labels), "t": _TOP, "b": _BOTTOM},
        legend={"yref": "paper", "y": 1 + 38 / height, "yanchor": "bottom"},
    )


def _panel(
    figure: go.Figure,
    row: int,
    name: str,
    path: "Path",
    stable: pd.DataFrame,
    limits: tuple[float, float],
    found: list[Mark],
    lang: str,
) -> list[str]:
    """Draw one panel; the labels at its lines' ends."""
    strengths = value_axis(path, name)
    lines = profile(stable, name, path.hyperparameters)
    ends = add_lines(figure, (row, 1), lines, strengths, path)
    if lines.best:
        explain_best(figure, lang)
    elif not lines.told_apart and not lines.scattered:
        _envelope(figure, row, name, path, stable, strengths, lang)
    for mark in found:
        where = strengths.position(mark.choice.configuration[name])
        _mark(figure, row, where, mark)
    refs = (f"x{row}", f"y{row}") if row > 1 else ("x", "y")
    figure.update_xaxes(axis(title=plain(hyperparameter_label(name, lang)), **strengths.settings()), row=row, col=1)
    figure.update_xaxes(showgrid=False, row=row, col=1)
    figure.update_yaxes(axis(range=list(limits)), row=row, col=1)
    headline(figure, row, metric_label(path.metric, lang), better_label(path.mode, lang))
    for shape in break_shapes(strengths, refs[0], f"{refs[1]} domain"):
        figure.add_shape(shape)
    label_ends(figure, refs, ends, limits[1] - limits[0], _PANEL)
    return [label for label, _, _ in ends]


def _envelope(
    figure: go.Figure,
    row: int,
    name: str,
    path: "Path",
    stable: pd.DataFrame,
    strengths: ValueAxis,
    lang: str,
) -> None:
    best = best_over_others(stable, name)
    zero = best[name].map(lambda value: strengths.zero is not None and value == 0).astype(bool)
    for part in (best[zero], best[~zero]):
        if len(part):
            bars = part["standard_error"].fillna(0)
            figure.add_scatter(
                x=[strengths.position(value) for value in part[name]],
                y=part["mean"],
                error_y={"type": "data", "array": bars, "color": INK, "thickness": 1.2, "width": 3},
                mode="lines+markers",
                line={"color": INK, "width": 2.4} if strengths.joins else {"color": INK, "width": 1, "dash": "dot"},
                marker={"size": 6, "color": INK},
                name=text("figure.best_over_others", lang),
                legendgroup="envelope",
                showlegend=first_envelope(figure),
                hovertext=hover(part, path.hyperparameters),
                hoverinfo="text",
                row=row,
                col=1,
            )


def _mark(figure: go.Figure, row: int, where: float, mark: Mark) -> None:
    figure.add_scatter(
        x=[where],
        y=[mark.choice.mean],
        mode="markers",
        marker={
            "symbol": mark.symbol,
            "size": 17,
            "color": mark.colour,
            "line": {"color": "#ffffff", "width": 1.5},
        },
        name=mark.label,
        legendrank=mark.rank,
        legendgroup=mark.symbol,
        showlegend=row == 1,
        hovertext=f"<b>{mark.label}</b><br>{plain(mark.choice)}",
        hoverinfo="text",
        row=row,
        col=1,
    )


def _band(figure: go.Figure, found: list[Mark], panels: int, lang: str) -> None:
    """Shade what lies within one standard error of the best."""
    best = found[-1].choice
    if not np.isfinite(best.standard_error) or best.standard_error == 0:
        return
    edge = best.mean + (1 if best.mode == "min" else -1) * best.standard_error
    for row in range(1, panels + 1):
        number = row if row > 1 else ""
        figure.add_shape(
            type="rect",
            xref=f"x{number} domain",
            yref=f"y{number}",
            x0=0,
            x1=1,
            y0=best.mean,
            y1=edge,
            fillcolor=ONE_SE,
            opacity=0.11,
            line={"width": 0},
            layer="below",
            name=text("figure.within_one_se", lang),
            legendgroup="band",
            showlegend=row == 1,
        )


def _diverged(figure: go.Figure, row: int, name: str, path: "Path", rows: pd.DataFrame, edge: float, lang: str) -> None:
    """Put a cross at the panel's worse edge for each configuration with a diverged lane."""
    if not len(rows):
        return
    strengths = value_axis(path, name)
    figure.add_scatter(
        x=[strengths.position(value) for value in rows[name]],
        y=[edge] * len(rows),
        mode="markers",
        marker={"symbol": "x-thin", "size": 9, "line": {"color": MUTED, "width": 2}},
        name=text("figure.diverged", lang),
        legendgroup="diverged",
        showlegend=row == 1,
        hovertext=hover(rows, path.hyperparameters),
        hoverinfo="text",
        cliponaxis=False,
        row=row,
        col=1,
    )
