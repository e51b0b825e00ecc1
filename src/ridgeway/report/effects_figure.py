"""What each strength gains over the method's absence, with intervals; or what matters, where lanes form no pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ridgeway.locale import text
from ridgeway.report.gains import Evidence, evidence
from ridgeway.report.labels import metric_label
from ridgeway.report.theme import FAINT, INK, MUTED, ONE_SE, axis, dress, plain

if TYPE_CHECKING:
    from ridgeway.path import Path

_ROW, _AROUND = 30, 150
# Told apart by shape too, as in the page.
_LOOKS = {
    "helps": {"color": ONE_SE, "symbol": "circle"},
    "hurts": {"color": INK, "symbol": "square"},
    "no evidence": {"color": FAINT, "symbol": "circle-open"},
}


def effects_figure(path: Path, lang: str = "en") -> go.Figure:
    """Draw gains of all strengths on one axis, better to the right, each with its 95 % interval.

    Strengths of which no lane finished have no gain, and are left out. Where lanes form no pairs, as with draws at
    random or after halving, the importance of each hyperparameter stands in.

    Args:
        path: what to draw.
        lang: of titles and legend.
    """
    found = evidence(path)
    if found.gains:
        return _gains(found, path.metric, lang)
    if not found.importance.empty:
        return _importance(found, lang)
    figure = go.Figure(go.Scatter(x=[], y=[]))
    figure.add_annotation(text=plain(text("figure.no_effects", lang)), showarrow=False, font={"color": MUTED})
    return dress(figure, _AROUND, xaxis={"visible": False}, yaxis={"visible": False})


def _gains(found: Evidence, metric: str, lang: str) -> go.Figure:
    # Plotly draws the first at the bottom.
    shown = [gain for gain in reversed(found.gains) if gain.verdict != "diverges"]
    figure = go.Figure()
    for verdict, look in _LOOKS.items():
        own = [gain for gain in shown if gain.verdict == verdict]
        if not own:
            continue
        centres = [gain.gain.gain for gain in own]
        figure.add_scatter(
            x=centres,
            y=[plain(gain.label) for gain in own],
            mode="markers",
            marker={**look, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [gain.gain.high - gain.gain.gain for gain in own],
                "arrayminus": [gain.gain.gain - gain.gain.low for gain in own],
                "color": look["color"],
                "thickness": 2,
                "width": 0,
            },
            name=text(f"effects.{verdict.replace(' ', '_')}", lang),
        )
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    return dress(
        figure,
        _AROUND + _ROW * len(shown),
        xaxis=axis(title=plain(text("figure.gain", lang, metric=metric_label(metric, lang)))),
        yaxis=axis(categoryorder="array", categoryarray=[plain(gain.label) for gain in shown]),
    )


def _importance(found: Evidence, lang: str) -> go.Figure:
    rows = found.importance.iloc[::-1]
    figure = go.Figure(
        go.Bar(
            x=rows["importance"],
            y=[plain(name) for name in rows["hyperparameter"]],
            orientation="h",
            marker={"color": ONE_SE},
        )
    )
    return dress(
        figure,
        _AROUND + _ROW * len(rows),
        xaxis=axis(title=plain(text("figure.importance", lang)), tickformat=".0%", rangemode="tozero"),
        yaxis=axis(),
    )
