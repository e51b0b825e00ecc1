"""One panel of a figure of strengths: the lines of a profile, coloured, labelled at their ends."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ridgeway.report.labels import configuration_label
from ridgeway.report.profile import Profile
from ridgeway.report.scale import spread_labels
from ridgeway.report.strength_axis import StrengthAxis
from ridgeway.report.theme import FAINT, INK, plain, shade
from ridgeway.selection.rounding import rounded, with_error

# px that a label at a line's end needs above and below.
_LABEL = 17
Place = tuple[int, int]


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
    figure: go.Figure,
    place: Place,
    profile: Profile,
    axis: StrengthAxis,
    hyperparameters: Sequence[str],
    column: str = "mean",
) -> list[tuple[str, str, float]]:
    """Draw a profile's lines: each in its colour when they can be told apart, else all in one faint trace.

    Args:
        figure: made by `make_subplots`; changed in place.
        place: row and column of the panel, from 1.
        profile: what to draw.
        axis: the panel's x axis.
        hyperparameters: all of the family, for the hover text.
        column: `"mean"` (with error bars) or another column of the summary.

    Returns:
        Labels for `label_ends`: text, colour, y of the line's last point.
    """
    if not profile.told_apart:
        figure.add_trace(_faint(profile, axis, hyperparameters, column), *place)
        return []
    symbols = ("circle", "square", "triangle-up", "diamond", "triangle-down", "pentagon")
    shades = StrengthAxis.of([float(line[profile.by].iloc[0]) for line in profile.lines] if profile.by else [0.0])
    ends = []
    for line, symbol in zip(profile.lines, symbols, strict=False):
        value = float(line[profile.by].iloc[0]) if profile.by else 0.0
        colour = shade(shades.fraction(value)) if profile.by else INK
        label = f"{profile.by} {rounded(value, 4)}" if profile.by else ""
        figure.add_trace(_line(line, profile, axis, hyperparameters, column, colour, symbol, plain(label)), *place)
        ends.append((label, colour, float(line[column].iloc[-1])))
    return ends if profile.by else []


def _line(
    line: pd.DataFrame,
    profile: Profile,
    axis: StrengthAxis,
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
        line={"color": colour, "width": 2.2},
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


def _faint(profile: Profile, axis: StrengthAxis, hyperparameters: Sequence[str], column: str) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for line in profile.lines:
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
        line={"color": FAINT, "width": 1},
        marker={"size": 5 if profile.scattered else 3.5, "color": FAINT},
        opacity=0.9 if profile.scattered else max(0.35, min(0.8, 10 / len(profile.lines))),
        hovertext=texts,
        hoverinfo="text",
        showlegend=False,
    )


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
