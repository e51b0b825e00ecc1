"""Learning curves of all lanes, coloured by strength."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ridgeway.locale import text
from ridgeway.report.labels import hyperparameter_label, metric_label
from ridgeway.report.profile import varied
from ridgeway.report.scale import reach
from ridgeway.report.theme import BEST, MUTED, axis, dress, headline, plain
from ridgeway.report.value_axis import ValueAxis, value_axis
from ridgeway.selection import shown, with_ordered_words

if TYPE_CHECKING:
    from ridgeway.path import Path

_PANEL, _BETWEEN, _TOP, _BOTTOM = 300, 72, 108, 60
# Above this many points a panel's curves are thinned: the eye sees no difference, the browser does.
_POINTS = 24_000
# Colours that a legend can name; more strengths share a colour with their neighbours.
_COLOURS = 8
# The mark at a lane's end by why it stopped; one that did all epochs ends at the right edge without any.
_STOPS = {
    "early stopping": "line-ns-open",
    "target reached": "diamond-open",
    "path stopped": "square-open",
    "halved": "triangle-down-open",
    "time is up": "triangle-left-open",
    "interrupted": "line-ew-open",
    "diverged": "x-thin-open",
}


def curves_figure(path: "Path", lang: str = "en") -> go.Figure:
    """Draw validation and training curves, one panel each, all lanes in both.

    Lanes of one strength share a colour and one plotly trace, so that hundreds of lanes stay quick, and one
    click in the legend hides them. The kept epoch of each lane is a dot, its last one an open mark where it stopped
    before all epochs were done; the winning lane is drawn on top.

    Args:
        path: what to draw.
        lang: of titles and legend.
    """
    table, history = path.table(), path.history()
    panels = _logs(path.metric, list(history.columns))
    height = _PANEL * len(panels) + _BETWEEN * (len(panels) - 1)
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=_BETWEEN / height if len(panels) > 1 else 0,
    )
    name = _coloured_by(path)
    groups = _groups(with_ordered_words(table, path.record), name, value_axis(path, name))
    winner = path.select("best").lane
    said = f"<b>%{{y}}</b><br>{text('figure.hover', lang, lane='%{customdata}', epoch='%{x}')}"
    for row, log in enumerate(panels, start=1):
        for label, colour, lanes in groups:
            figure.add_trace(_curves(history, log, lanes, label, colour, row == 1 and len(groups) > 1, said), row, 1)
        best = history[history["lane"] == winner].sort_values("epoch")
        figure.add_trace(_winner(best, log, text("figure.best_lane", lang, lane=winner), row == 1), row, 1)
        colour_of = {lane: colour for _, colour, lanes in groups for lane in lanes} | {winner: BEST}
        for reason, symbol in _STOPS.items():
            stops = table.loc[table["stopped"] == reason]
            if len(stops):
                points = _points(stops, history, log, "epochs")
                label = text("figure.stopped", lang, reason=text(f"stopped.{reason}", lang))
                figure.add_trace(_marks(points, log, colour_of, symbol, label, row == 1, said), row, 1)
        points = _points(table, history, log, "best_epoch")
        label = text("figure.kept", lang)
        kept = _marks(points, log, colour_of, "circle", label, row == 1, said)
        # Plotly makes markers of several sizes see-through unless told.
        kept.marker.opacity = 1
        kept.marker.symbol = ["star" if lane == winner else "circle" for lane in points["lane"]]
        kept.marker.size = [14 if lane == winner else kept.marker.size for lane in points["lane"]]
        figure.add_trace(kept, row, 1)
        mode = path.mode if log.endswith(path.metric.removeprefix("val_")) else "min"
        low, high, outside = reach(history[log], mode)
        figure.update_yaxes(axis(**_scale(history[log], low, high)), row=row, col=1)
        headline(figure, row, metric_label(log, lang))
        if outside:
            figure.add_annotation(
                text=text("figure.outside", lang, count=outside),
                **{"x": 1, "y": 1, "xref": f"x{row if row > 1 else ''} domain", "xanchor": "right"},
                **{"yref": f"y{row if row > 1 else ''} domain", "yanchor": "bottom", "yshift": 10},
                **{"showarrow": False, "font": {"size": 12, "color": MUTED}},
            )
    figure.update_xaxes(axis(range=[0.5, int(history["epoch"].max()) + 0.5], showgrid=False))
    figure.update_xaxes(title_text=text("figure.epoch", lang), row=len(panels), col=1)
    figure.update_xaxes(showticklabels=True)
    return dress(
        figure,
        height + _TOP + _BOTTOM,
        margin={"l": 60, "r": 24, "t": _TOP, "b": _BOTTOM},
        legend={
            **{"yref": "paper", "y": 1 + 38 / height, "yanchor": "bottom", "tracegroupgap": 0},
            "title": {"text": f"{plain(hyperparameter_label(name, lang))}  " if len(groups) > 1 else ""},
        },
    )


def _logs(metric: str, columns: list[str]) -> list[str]:
    """The logs to draw: what configurations are compared by, and its twin measured in training."""
    twin = {"val_nll": "loss", "val_data_loss": "loss"}.get(metric, metric.removeprefix("val_"))
    logs = [log for log in dict.fromkeys([metric, twin]) if log in columns]
    return logs or [column for column in columns if column not in ("lane", "epoch")][:1]


def _scale(values: pd.Series, low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis for what falls by more than a factor of four: else its end lies flat."""
    least = float(values.min())
    if not (least > 0 and high / least > 4):
        return {"range": [low, high]}
    steps = [digit * 10.0**power for power in range(-8, 9) for digit in (1, 1.5, 2, 3, 5, 7)]
    shown = [step for step in steps if least / 1.15 <= step <= high]
    if len(shown) > 8:
        shown = [step for step in shown if f"{step:e}"[0] in "125" and f"{step:e}"[2] == "0"]
    return {
        "type": "log",
        "range": [math.log10(least / 1.15), math.log10(high)],
        "tickvals": shown,
        "ticktext": [f"{step:g}" for step in shown],
    }


def _coloured_by(path: "Path") -> str:
    """The regularizing hyperparameter with most values; any other when none regularizes."""
    table = path.table()
    about = path.record["hyperparameters"]
    names = varied(table, path.hyperparameters)
    return max(names, key=lambda name: (bool(about[name]["regularizes"]), table[name].nunique()))


def _groups(table: pd.DataFrame, name: str, values: ValueAxis) -> list[tuple[str, str, list[int]]]:
    """Label, colour and lanes of each value, or of each bin of neighbouring values, in the axis's order."""
    bins = np.array_split(np.asarray(values.values, dtype=object), min(len(values.values), _COLOURS))
    groups = []
    for number, inside in enumerate(bins):
        ends = dict.fromkeys([shown(inside[0]), shown(inside[-1])])
        lanes = table.loc[table[name].isin(inside.tolist()), "lane"].astype(int).tolist()
        # The first bin has the first value's colour, the last bin the last one's.
        share = number / (len(bins) - 1) if len(bins) > 1 else 0
        groups.append(("–".join(ends), values.colour(inside[round(share * (len(inside) - 1))]), lanes))
    return groups


def _curves(
    history: pd.DataFrame, log: str, lanes: list[int], label: str, colour: str, legend: bool, said: str
) -> go.Scatter:
    rows = history[history["lane"].isin(lanes)].sort_values(["lane", "epoch"])
    step = max(1, -(-len(history) // _POINTS))
    x: list[float | None] = []
    y: list[float | None] = []
    which: list[int | None] = []
    for lane, curve in rows.groupby("lane"):
        kept = curve.iloc[::step] if step > 1 else curve
        x += [*kept["epoch"].astype(int).tolist(), None]
        y += [*_short(kept[log]), None]
        which += [*[int(str(lane))] * len(kept), None]
    return go.Scatter(
        x=x,
        y=y,
        customdata=which,
        mode="lines",
        line={"color": colour, "width": 1.3},
        opacity=0.75 if len(history["lane"].unique()) <= 100 else 0.45,
        name=plain(label),
        legendgroup=label,
        showlegend=legend,
        hovertemplate=f"{said}<extra>{plain(label)}</extra>",
    )


def _points(table: pd.DataFrame, history: pd.DataFrame, log: str, column: str) -> pd.DataFrame:
    """A row a lane with the epoch that a column of the table names, and the log there."""
    named = table.dropna(subset=[column])[["lane", column]].astype(int)
    return named.merge(history[["lane", "epoch", log]], left_on=["lane", column], right_on=["lane", "epoch"])


def _marks(
    points: pd.DataFrame, log: str, colour_of: dict[int, str], symbol: str, label: str, legend: bool, said: str
) -> go.Scatter:
    """Marks of one kind, in the colours of their lanes."""
    small = len(points) > 100
    colours = [colour_of[lane] for lane in points["lane"]]
    # Open symbols are drawn by their line alone.
    stroke = {"width": 1.6} if symbol.endswith("-open") else {"width": 0.8, "color": "#ffffff"}
    return go.Scatter(
        x=points["epoch"].tolist(),
        y=_short(points[log]),
        customdata=points["lane"].tolist(),
        mode="markers",
        marker={
            "symbol": symbol,
            "size": (4 if small else 6) + (3 if symbol.endswith("-open") else 0),
            "color": colours,
            "line": stroke,
        },
        name=label,
        legendgroup=f"mark {symbol}",
        showlegend=legend,
        hovertemplate=f"{said}<extra>{label}</extra>",
    )


def _winner(rows: pd.DataFrame, log: str, label: str, legend: bool) -> go.Scatter:
    return go.Scatter(
        x=rows["epoch"].astype(int).tolist(),
        y=_short(rows[log]),
        mode="lines",
        line={"color": BEST, "width": 3},
        name=label,
        legendgroup="winner",
        showlegend=legend,
        hovertemplate=f"<b>%{{y}}</b><extra>{label}</extra>",
    )


def _short(values: pd.Series) -> list[float | None]:
    """Values to five digits: half the bytes in the page, no visible difference."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.astype(float)]
