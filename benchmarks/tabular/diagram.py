"""The critical-difference diagram of Demšar (2006), figure 1, as a plotly figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from .ranks import Ranking, cliques

INK, BAR, OWN = "#4c5b6b", "#d1495b", "#2a7f9e"


def diagram(ranking: Ranking, names: Sequence[str], title: str, own: Sequence[bool] = ()) -> go.Figure:
    """Mean ranks on one axis, 1 at the left; bars join methods that do not differ.

    Args:
        ranking: of all methods.
        names: their names, in the ranking's order.
        title: above the figure.
        own: which to print in colour; none by default.
    """
    order = np.argsort(ranking.mean_ranks, kind="stable")
    ranks = ranking.mean_ranks[order]
    methods = len(ranks)
    marked = np.asarray(own or [False] * methods)[order]
    runs = cliques(ranks, ranking.critical_difference)
    figure = go.Figure()
    deepest = 1.2 + 0.5 * len(runs)
    line(figure, [1, methods], [0, 0], INK, 1.5)
    for tick in range(1, methods + 1):
        line(figure, [tick, tick], [0, 0.2], INK, 1)
        write(figure, tick, 0.55, str(tick), INK)
    line(figure, [1, 1 + ranking.critical_difference], [1.3, 1.3], INK, 3)
    write(figure, 1 + ranking.critical_difference / 2, 1.7, f"CD = {ranking.critical_difference:.2f}", INK)
    for place, (first, last) in enumerate(runs):
        depth = -0.5 - 0.5 * place
        line(figure, [ranks[first] - 0.04, ranks[last] + 0.04], [depth, depth], BAR, 5)
    half = (methods + 1) // 2
    for place, (number, value) in enumerate(zip(order, ranks, strict=True)):
        left = place < half
        depth = -deepest - 0.7 * (place if left else methods - 1 - place)
        edge = 0.7 if left else methods + 0.3
        colour = OWN if marked[place] else INK
        line(figure, [value, value, edge], [0, depth, depth], colour, 1.2)
        label = f"{names[number]} ({value:.2f})"
        write(figure, edge, depth, label, colour, "right" if left else "left")
    figure.update_layout(
        title=f"{title}: mean ranks on {ranking.datasets} data sets, Nemenyi at {ranking.alpha:g}",
        showlegend=False,
        template="plotly_white",
        width=1000,
        height=170 + 34 * (deepest + 0.7 * half),
        margin={"l": 20, "r": 20, "t": 60, "b": 20},
    )
    pad = 0.35 * methods
    figure.update_xaxes(visible=False, range=[1 - pad, methods + pad])
    figure.update_yaxes(visible=False, range=[-deepest - 0.7 * half, 2.2])
    return figure


def line(figure: go.Figure, x: Sequence[float], y: Sequence[float], colour: str, width: float) -> None:
    figure.add_scatter(x=list(x), y=list(y), mode="lines", line={"color": colour, "width": width}, hoverinfo="skip")


def write(figure: go.Figure, x: float, y: float, text: str, colour: str, anchor: str = "center") -> None:
    figure.add_annotation(
        x=x, y=y, text=text, showarrow=False, xanchor=anchor, yanchor="middle", font={"color": colour, "size": 13}
    )
