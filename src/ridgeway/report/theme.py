"""One look for all figures: quiet, high in contrast, safe for colour-blind readers, printable."""

import html
from typing import Any

import plotly.graph_objects as go

INK = "#1a1d21"
MUTED = "#5c6670"
FAINT = "#a0a9b2"
GRID = "#e9ecef"
PAPER = "#ffffff"

# Okabe & Ito (2008), Color Universal Design: one meaning each, everywhere in the report.
BEST = "#d55e00"
ONE_SE = "#0072b2"
BASELINE = INK

# Cividis (Nuñez, Anderton, Renslow 2018) without its last fifth, which is too light on white paper.
_CIVIDIS = (
    (0.00, (0, 34, 78)),
    (0.125, (25, 57, 111)),
    (0.25, (60, 77, 110)),
    (0.375, (87, 97, 112)),
    (0.50, (112, 117, 120)),
    (0.625, (140, 138, 119)),
    (0.75, (169, 160, 109)),
    (0.80, (183, 171, 101)),
)

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans KR", "Apple SD Gothic Neo", '
    '"Malgun Gothic", "Noto Sans CJK KR", sans-serif'
)


def shade(fraction: float) -> str:
    """The colour of a strength from 0 (weakest: darkest) to 1 (strongest), as `rgb(r,g,b)`."""
    position = min(max(fraction, 0.0), 1.0) * _CIVIDIS[-1][0]
    for (left, low), (right, high) in zip(_CIVIDIS, _CIVIDIS[1:], strict=False):
        if position <= right:
            t = (position - left) / (right - left)
            mixed = (round(a + t * (b - a)) for a, b in zip(low, high, strict=True))
            return "rgb({},{},{})".format(*mixed)
    raise AssertionError(fraction)


def plain(value: object) -> str:
    """Text for a figure in which plotly sees no markup: its labels read a small part of HTML."""
    return html.escape(str(value), quote=False)


def axis(**settings: Any) -> dict[str, Any]:
    """Settings of one axis in the report's look, with the given ones on top."""
    look: dict[str, Any] = {
        "showline": True,
        "linecolor": FAINT,
        "linewidth": 1,
        "gridcolor": GRID,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": FAINT,
        "ticklen": 5,
        "tickfont": {"size": 13, "color": INK},
        "title": {"font": {"size": 14, "color": INK}, "standoff": 10},
        "automargin": True,
    }
    title = settings.pop("title", None)
    if title is not None:
        look["title"] = {**look["title"], "text": title}
    return {**look, **settings}


def dress(figure: go.Figure, height: int, **settings: Any) -> go.Figure:
    """Give a figure the report's fonts, margins and legend.

    Args:
        figure: changed in place.
        height: px.
        **settings: of plotly's layout, on top.

    Returns:
        The same figure.
    """
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        font={"family": FONT, "size": 14, "color": INK},
        margin={"l": 76, "r": 24, "t": 56, "b": 60},
        hovermode="closest",
        hoverlabel={
            "bgcolor": PAPER,
            "bordercolor": FAINT,
            "font": {"size": 13, "color": INK, "family": FONT},
        },
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "font": {"size": 13},
            "title": {"font": {"size": 13, "color": MUTED}},
        },
        dragmode="zoom",
    )
    figure.update_layout(**settings)
    return figure


def headline(figure: go.Figure, row: int, title: str, note: str = "") -> None:
    """Write what a panel's y axis shows above it, horizontally, where it can be read.

    Args:
        figure: changed in place.
        row: of the panel, from 1.
        title: plain text.
        note: plain text, muted, on the same line.
    """
    number = row if row > 1 else ""
    said = f"<b>{plain(title)}</b>"
    if note:
        said += f"  <span style='color:{MUTED}'>{plain(note)}</span>"
    figure.add_annotation(
        x=0,
        xref=f"x{number} domain",
        xanchor="left",
        y=1,
        yref=f"y{number} domain",
        yanchor="bottom",
        yshift=10,
        text=said,
        font={"size": 13, "color": INK},
        align="left",
        showarrow=False,
        name="headline",
    )
