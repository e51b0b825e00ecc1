"""What the strengths do to the weights: their norm, and the share that is exactly zero."""

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ridgeway.locale import text
from ridgeway.report.labels import hyperparameter_label
from ridgeway.report.marks import marks
from ridgeway.report.panel import add_lines, end_margin, explain_best, label_ends
from ridgeway.report.profile import panels, profile
from ridgeway.report.scale import reach
from ridgeway.report.strength_axis import break_shapes
from ridgeway.report.theme import axis, dress, headline, plain
from ridgeway.report.value_axis import value_axis
from ridgeway.selection import equal_to, with_ordered_words

if TYPE_CHECKING:
    from ridgeway.path import Path

_PANEL, _BETWEEN, _TOP, _BOTTOM = 250, 108, 84, 64


def weights_figure(path: "Path", lang: str = "en") -> go.Figure:
    """Draw the weights' norm, and the share of exact zeros, against each strength.

    Hyperparameters that regularize nothing (a learning rate) get no panel beside others that do. Panels of
    zeros are left out when no configuration has one: only `l1` and `group_lasso` make weights exactly
    zero.

    Args:
        path: what to draw.
        lang: of titles and legend.
    """
    summary = with_ordered_words(path.configurations(), path.record)
    shown = summary[summary["weight_norm"].notna()]
    names = panels(summary, path.hyperparameters)
    regularizing = [name for name in names if path.record["hyperparameters"][name]["regularizes"]]
    names = regularizing or names
    columns = ["weight_norm", *(["zero_share"] if (shown["zero_share"] > 0).any() else [])]
    places = [(name, column) for name in names for column in columns]
    height = _PANEL * len(places) + _BETWEEN * (len(places) - 1)
    figure = make_subplots(rows=len(places), cols=1, vertical_spacing=_BETWEEN / height if len(places) > 1 else 0)
    labels: list[str] = []
    for row, (name, column) in enumerate(places, start=1):
        strengths = value_axis(path, name)
        lines = profile(shown, name, path.hyperparameters)
        ends = add_lines(figure, (row, 1), lines, strengths, path, column)
        if lines.best:
            explain_best(figure, lang)
        low, high, _ = reach(shown[column], "min")
        low, high = (0.0, high) if column == "weight_norm" else (-0.03, 1.03)
        for mark in marks(path, lang):
            same = np.logical_and.reduce([equal_to(shown[key], at) for key, at in mark.choice.configuration.items()])
            figure.add_scatter(
                x=[strengths.position(mark.choice.configuration[name])] * int(same.sum()),
                y=shown.loc[same, column],
                mode="markers",
                marker={
                    **{"symbol": mark.symbol, "size": 16, "color": mark.colour},
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
        refs = (f"x{row}", f"y{row}") if row > 1 else ("x", "y")
        title = plain(hyperparameter_label(name, lang))
        figure.update_xaxes(axis(title=title, showgrid=False, **strengths.settings()), row=row, col=1)
        form = {"tickformat": ".0%"} if column == "zero_share" else {}
        figure.update_yaxes(axis(range=[low, high], **form), row=row, col=1)
        headline(figure, row, text(f"figure.{column}", lang))
        for shape in break_shapes(strengths, refs[0], f"{refs[1]} domain"):
            figure.add_shape(shape)
        label_ends(figure, refs, ends, high - low, _PANEL)
        labels += [label for label, _, _ in ends]
    return dress(
        figure,
        height + _TOP + _BOTTOM,
        margin={"l": 60, "r": end_margin(labels), "t": _TOP, "b": _BOTTOM},
        legend={"yref": "paper", "y": 1 + 38 / height, "yanchor": "bottom"},
    )
