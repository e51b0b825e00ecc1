"""What went on inside lanes: each probe against the epoch, a line a layer."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ridgeway.errors import InputError
from ridgeway.locale import text
from ridgeway.report.labels import configuration_label
from ridgeway.report.theme import BEST, MUTED, axis, dress, headline, plain, shade
from ridgeway.selection import Choice, weakest

if TYPE_CHECKING:
    from ridgeway.path import Path

# The numbers that are drawn, in the order of the panels; the others stand in `path.probes()`.
DRAWN = ("shift_wasserstein", "saturation", "dead", "gradient_norm", "sharpness", "generalization_gap")
_LOG = ("gradient_norm",)
_PANEL, _BETWEEN, _TOP, _BOTTOM = 190, 78, 96, 60
# More lines than these can't be told apart.
_LAYERS = 8


def probes_of(path: "Path") -> pd.DataFrame:
    """The path's probes that are drawn, finite values only; empty where nothing was measured."""
    known = getattr(path, "probes", None)
    found: pd.DataFrame = pd.DataFrame() if known is None else known()
    if found.empty:
        return found
    return found[found["probe"].isin(DRAWN) & np.isfinite(found["value"].astype(float))]


def probes_figure(path: "Path", lang: str = "en") -> go.Figure:
    """Draw each probe against the epoch, for the best lane and, dashed, the least regularized one.

    Args:
        path: what to draw.
        lang: of titles and legend.

    Raises:
        InputError: nothing was measured.
    """
    probes = probes_of(path)
    if probes.empty:
        raise InputError("This path has no probes. Train it by fit_path(..., probes=['saturation', 'gradients']).")
    names = [name for name in DRAWN if (probes["probe"] == name).any()]
    height = len(names) * _PANEL + (len(names) - 1) * _BETWEEN
    figure = make_subplots(rows=len(names), cols=1, vertical_spacing=_BETWEEN / height if len(names) > 1 else 0)
    layers = _shown(probes)
    lanes = _lanes(path)
    for row, name in enumerate(names, start=1):
        for role, choice in lanes:
            own = probes[(probes["probe"] == name) & (probes["lane"] == choice.lane)]
            for layer, points in own.groupby("layer", sort=False):
                if layer == "" or layer in layers:
                    _line(figure, row, str(layer), points, role, layers)
        log = name in _LOG
        figure.update_yaxes(
            axis(
                type="log" if log else "linear",
                rangemode="normal" if log else "tozero",
                nticks=5,
                dtick="D2" if log else None,
                tickformat="~g" if log else None,
            ),
            row=row,
            col=1,
        )
        figure.update_xaxes(axis(showgrid=False, tickformat="d", rangemode="tozero"), row=row, col=1)
        headline(figure, row, text(f"probe.{name}", lang))
    figure.update_xaxes(title_text=text("figure.epoch", lang), row=len(names), col=1)
    for role, choice in lanes:
        _key(figure, role, choice, lang)
    _layer_keys(figure, layers)
    return dress(
        figure,
        height + _TOP + _BOTTOM,
        margin={"l": 68, "r": 24, "t": _TOP, "b": _BOTTOM},
        legend={"yref": "paper", "y": 1 + 38 / height, "yanchor": "bottom"},
    )


def _lanes(path: "Path") -> list[tuple[str, Choice]]:
    best, least = path.select("best"), weakest(path.table(), path.record)
    return [("best", best), *([("weakest", least)] if least.lane != best.lane else [])]


def _shown(probes: pd.DataFrame) -> list[str]:
    """The layers that get a line, in the model's order: all, or some of them spread evenly."""
    layers = [str(layer) for layer in dict.fromkeys(probes["layer"]) if layer]
    if len(layers) <= _LAYERS:
        return layers
    return [layers[place] for place in np.linspace(0, len(layers) - 1, _LAYERS).round().astype(int)]


def _colour(layer: str, layers: list[str], role: str) -> str:
    if not layer:
        return BEST if role == "best" else MUTED
    return shade(layers.index(layer) / max(len(layers) - 1, 1))


def _line(figure: go.Figure, row: int, layer: str, points: pd.DataFrame, role: str, layers: list[str]) -> None:
    named = f"{plain(layer)}: " if layer else ""
    figure.add_scatter(
        x=points["epoch"],
        y=[float(f"{value:.5g}") for value in points["value"]],
        mode="lines+markers" if len(points) < 12 else "lines",
        line={
            "color": _colour(layer, layers, role),
            "width": 2 if role == "best" else 1.4,
            "dash": "solid" if role == "best" else "dot",
        },
        marker={"size": 5},
        hovertemplate=f"{named}%{{y:.3g}}<extra></extra>",
        showlegend=False,
        row=row,
        col=1,
    )


def _key(figure: go.Figure, role: str, choice: Choice, lang: str) -> None:
    """A line of the legend that says which lane is solid and which is dotted."""
    said = f"{text(f'figure.probed_{role}', lang)}: {plain(configuration_label(choice.configuration))}"
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="lines",
        name=said,
        line={"color": BEST if role == "best" else MUTED, "dash": "solid" if role == "best" else "dot"},
    )


def _layer_keys(figure: go.Figure, layers: list[str]) -> None:
    for layer in layers:
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=plain(layer),
            marker={"symbol": "square", "size": 10, "color": _colour(layer, layers, "best")},
        )
