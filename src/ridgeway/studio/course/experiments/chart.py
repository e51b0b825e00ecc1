"""Charts as SVG for a page that is read without a script; `chart.js` draws the moving ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ridgeway.studio.axes import line, round_step, scale

_WIDTH, _HEIGHT = 460, 270
_TOP, _RIGHT, _BOTTOM = 12, 14, 44


@dataclass(frozen=True)
class Series:
    """One line or row of dots.

    Attributes:
        label: in the legend.
        points: x and y; a point without a number breaks the line.
        colour: 1 to 6, of the studio's chart colours.
        dashed: whether the line is.
        dots: dots alone, without a line.
    """

    label: str
    points: Sequence[tuple[float, float | None]]
    colour: int = 1
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over one axis.

    Attributes:
        label: what is to be seen, for those who don't see it.
        x: name of the axis.
        y: name of the axis.
        series: what is drawn.
        x_ticks: places on the x axis with their texts; made from the range if None.
        y_ticks: likewise.
        reverse: whether y goes down, for rows.
    """

    label: str
    x: str
    y: str
    series: Sequence[Series]
    x_ticks: Sequence[tuple[float, str]] | None = None
    y_ticks: Sequence[tuple[float, str]] | None = None
    reverse: bool = False

    def __html__(self) -> str:
        """The legend and the drawing."""
        return str(_legend(self.series) + _drawing(self))


def ticks(low: float, high: float, count: int = 5) -> list[tuple[float, str]]:
    """About so many round numbers from low to high, with their texts."""
    if not high > low:
        high = low + 1.0
    step = round_step(high - low, count)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(place * step, f"{place * step:.{digits}f}") for place in range(first, last + 1)]


def _drawing(chart: Chart) -> Markup:
    points = [(x, y) for one in chart.series for x, y in one.points if y is not None]
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    if chart.x_ticks is not None:
        xs = xs + [place for place, _ in chart.x_ticks]
    if chart.y_ticks is not None:
        ys = ys + [place for place, _ in chart.y_ticks]
    pad_x = 0.04 * (max(xs) - min(xs)) if chart.reverse else 0.0
    pad_y = 0.6 if chart.reverse else 0.05 * (max(ys) - min(ys) or 1.0)
    box = min(xs) - pad_x, max(xs) + pad_x, min(ys) - pad_y, max(ys) + pad_y
    x_ticks = chart.x_ticks if chart.x_ticks is not None else ticks(box[0], box[1])
    y_ticks = chart.y_ticks if chart.y_ticks is not None else ticks(box[2], box[3])
    left = 30 + max((_width(text) for _, text in y_ticks), default=0)
    across = scale(box[0], box[1], left, _WIDTH - _RIGHT)
    bottom, top = _HEIGHT - _BOTTOM, _TOP
    down = scale(box[2], box[3], top, bottom) if chart.reverse else scale(box[2], box[3], bottom, top)
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, chart.label
        )
    ]
    for place, text in y_ticks:
        y = down(place)
        parts.append(
            Markup('<line class="grid" x1="{:.1f}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                left, _WIDTH - _RIGHT, y, y
            )
        )
        parts.append(Markup('<text class="tick end" x="{:.1f}" y="{:.1f}">{}</text>').format(left - 6, y + 4, text))
    taken = -math.inf
    for place, text in x_ticks:
        x, half = across(place), _width(text) / 2
        if x - half < taken + 6:
            continue
        taken = x + half
        parts.append(Markup('<text class="tick mid" x="{:.1f}" y="{}">{}</text>').format(x, bottom + 16, text))
    parts.append(
        Markup('<line class="axis" x1="{:.1f}" x2="{}" y1="{}" y2="{}"/>').format(left, _WIDTH - _RIGHT, bottom, bottom)
    )
    middle = (left + _WIDTH - _RIGHT) / 2
    parts.append(Markup('<text class="name mid" x="{:.1f}" y="{}">{}</text>').format(middle, _HEIGHT - 8, chart.x))
    if chart.y:
        height = (top + bottom) / 2
        parts.append(
            Markup('<text class="name mid" transform="translate(12 {:.1f}) rotate(-90)">{}</text>').format(
                height, chart.y
            )
        )
    for one in chart.series:
        parts += _marks(one, across, down)
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def _marks(one: Series, across: Callable[[float], float], down: Callable[[float], float]) -> list[Markup]:
    if one.dots:
        return [
            Markup('<circle class="c{} dot" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(one.colour, across(x), down(y))
            for x, y in one.points
            if y is not None
        ]
    dashed = " dashed" if one.dashed else ""
    return [Markup('<path class="c{}{} line" d="{}"/>').format(one.colour, dashed, line(one.points, across, down))]


def _legend(series: Sequence[Series]) -> Markup:
    named = [one for one in series if one.label]
    if len(named) < 2:
        return Markup("")
    rows = Markup("").join(
        Markup(
            '<li><svg class="swatch" viewBox="0 0 24 10" aria-hidden="true">'
            '<path class="c{}{} line" d="M1 5H23"/></svg>{}</li>'
        ).format(one.colour, " dashed" if one.dashed else "", escape(one.label))
        for one in named
    )
    return Markup('<ul class="legend">{}</ul>').format(rows)


def _width(text: str) -> float:
    """About how wide a text is drawn, in the chart's units; Korean letters are square."""
    return sum(12.0 if ord(letter) > 0x1100 else 6.6 for letter in text)
