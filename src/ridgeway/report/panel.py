"""One panel of a figure of strengths: the lines of a profile, coloured, labelled at their ends."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ridgeway.locale import text
from ridgeway.report.labels import configuration_label
from ridgeway.report.profile import Profile
from ridgeway.report.scale import spread_labels
from ridgeway.report.theme import FAINT, INK, plain
from ridgeway.report.value_axis import ValueAxis, value_axis
from ridgeway.selection import shown, value_of
from ridgeway.selection.rounding import with_error

if TYPE_CHECKING:
    from ridgeway.path import Path

# px that a label at a line's end needs above and below.
_LABEL = 17
Place = tuple[int, int]
# One for each line that colours tell apart.
_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "pentagon")


def hover(rows: pd.DataFrame, hyperparameters: Sequence[str], column: str = "mean") -> list[str]:
    """What hovering over each configuration says."""
    texts = []
    for row in rows.to_dict("records"):
        error = row["standard_error"] if column == "mean" else float("nan")
        value = f"<b>{with_error(row[column], error)}</b>"
        values = configuration_label({name: row[name] for name in hyperparameters})
        texts.append(f"{value}<br>{plain(values)}<br>n = {row['n']}")
    return texts


def add_lines(
    figure: go.Figure, place: Place, profile: Profile, axis: ValueAxis, path: "Path", column: str = "mean"
) -> list[tuple[str, str, float]]:
    """Draw a profile's lines: each in its colour when they can be told apart, else all faint.

    Where colours tell the words of one of several other hyperparameters apart, its combinations with the rest are
    faint lines in the word's colour, and the best over the rest is a strong one.

    Args:
        figure: made by `make_subplots`; changed in place.
        place: row and column of the panel, from 1.
        profile: what to draw.
        axis: the panel's x axis.
        path: whose profile it is.
        column: `"mean"` (with error bars) or another column of the summary.

    Returns:
        Labels for `label_ends`: text, colour, y of the line's last point.
    """
    hyperparameters = path.hyperparameters
    if profile.by is None:
        if profile.told_apart:
            line = _line(profile.lines[0], profile, axis, hyperparameters, column, INK, "circle", "")
            figure.add_trace(line, *place)
        else:
            figure.add_trace(_faint(profile.lines, profile, axis, hyperparameters, column), *place)
        return []
    colours, ends = value_axis(path, profile.by), []
    if not profile.told_apart:
        for value in colours.values:
            lines = [line for line in profile.lines if line[profile.by].iloc[0] == value]
            if lines:
                label = plain(f"{profile.by} {shown(value, 4)}") if profile.scattered else ""
                faint = _faint(lines, profile, axis, hyperparameters, column, colours.colour(value), label)
                faint.showlegend = bool(label) and place == (1, 1)
                figure.add_trace(faint, *place)
    drawn = profile.lines if profile.told_apart else profile.best
    for line, symbol in zip(drawn, _SYMBOLS, strict=False):
        value = value_of(line[profile.by].iloc[0])
        label = f"{profile.by} {shown(value, 4)}"
        colour = colours.colour(value)
        figure.add_trace(_line(line, profile, axis, hyperparameters, column, colour, symbol, plain(label)), *place)
        ends.append((label, colour, float(line[column].iloc[-1])))
    return ends


def _line(
    line: pd.DataFrame,
    profile: Profile,
    axis: ValueAxis,
    hyperparameters: Sequence[str],
    column: str,
    colour: str,
    symbol: str,
    label: str,
) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    errors: list[float | None] = []
    texts = hover(line, hyperparameters, column)
    for row, said in zip(line.to_dict("records"), list(texts), strict=True):
        x.append(axis.position(row[profile.name]))
        y.append(row[column])
        errors.append(row["standard_error"])
        if axis.zero is not None and row[profile.name] == 0 and len(line) > 1:
            # The line does not cross the break: zero is not on the same scale.
            x.append(axis.gap)
            y.append(None)
            errors.append(None)
            texts.insert(len(x) - 1, said)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": colour, "width": 2.2} if axis.joins else {"color": colour, "width": 1, "dash": "dot"},
        marker={"size": 9 if "triangle" in symbol else 7, "color": colour, "symbol": symbol},
        error_y=_bars(errors, colour) if column == "mean" else None,
        hovertext=texts,
        hoverinfo="text",
        name=label,
        showlegend=False,
        meta="line" if label else None,
        legendgroup=f"line {label}" if label else None,
    )


def _bars(errors: Sequence[float | None], colour: str) -> dict[str, object]:
    known = [0.0 if error is None or not np.isfinite(error) else error for error in errors]
    return {"type": "data", "array": known, "color": colour, "thickness": 1.2, "width": 3}


def _faint(
    lines: Sequence[pd.DataFrame],
    profile: Profile,
    axis: ValueAxis,
    hyperparameters: Sequence[str],
    column: str,
    colour: str = FAINT,
    label: str = "",
) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for line in lines:
        for row, said in zip(line.to_dict("records"), hover(line, hyperparameters, column), strict=True):
            x.append(axis.position(row[profile.name]))
            y.append(row[column])
            texts.append(said)
            if axis.zero is not None and row[profile.name] == 0:
                x, y, texts = [*x, None], [*y, None], [*texts, ""]
        x, y, texts = [*x, None], [*y, None], [*texts, ""]
    return go.Scatter(
        x=x,
        y=y,
        mode="markers" if profile.scattered else "lines+markers",
        line={"color": colour, "width": 1},
        marker={"size": 5 if profile.scattered else 3.5, "color": colour},
        opacity=0.9 if profile.scattered else _faintness(colour, len(profile.lines)),
        name=label or None,
        legendgroup=f"line {label}" if label else None,
        hovertext=texts,
        hoverinfo="text",
        showlegend=False,
    )


def _faintness(colour: str, lines: int) -> float:
    """Colours of words stand out by themselves, grey needs to be less faint."""
    return max(0.35, min(0.8, 10 / lines)) if colour == FAINT else max(0.18, min(0.4, 5 / lines))


def explain_best(figure: go.Figure, lang: str) -> None:
    """Say in the legend what the strong lines are, whatever their colour."""
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="lines+markers",
        line={"color": INK, "width": 2.4},
        name=text("figure.best_over_others", lang),
        legendgroup="envelope",
        showlegend=first_envelope(figure),
    )


def first_envelope(figure: go.Figure) -> bool:
    """Whether no line of best values over the other hyperparameters is in the legend yet."""
    return not any(trace.legendgroup == "envelope" and trace.showlegend for trace in figure.data)


def end_margin(labels: Sequence[str]) -> int:
    """How many px right of the panels labels at lines' ends need."""
    return max([24, *(max(168, 26 + 7 * len(label)) for label in labels)])


def label_ends(
    figure: go.Figure,
    refs: tuple[str, str],
    ends: Sequence[tuple[str, str, float]],
    span: float,
    height: float,
) -> None:
    """Write each line's label right of its end, moved apart where they would overlap.

    Args:
        figure: changed in place.
        refs: the panel's x and y axes, e.g. `("x2", "y2")`.
        ends: from `add_lines`.
        span: length of the y axis, in its units.
        height: of the panel, in px.
    """
    shown = [end for end in ends if np.isfinite(end[2])]
    places = spread_labels([y for _, _, y in shown], _LABEL * span / height)
    for (label, colour, _), y in zip(shown, places, strict=True):
        figure.add_annotation(
            x=1,
            xref=f"{refs[0]} domain",
            xanchor="left",
            xshift=6,
            y=y,
            yref=refs[1],
            yanchor="middle",
            text=plain(label),
            font={"size": 13, "color": colour},
            showarrow=False,
            align="left",
            name="line label",
        )
