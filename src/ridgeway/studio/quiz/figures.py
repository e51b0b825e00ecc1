"""Curves of real runs as SVG, with the table that says the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

from ridgeway.studio.axes import line, round_step, scale
from ridgeway.studio.quiz.bank import FigureAxis, FigureData
from ridgeway.studio.quiz.numbers import shown_number
from ridgeway.studio.quiz.words import Language, word

# Small enough to be read at 320 px of width.
_WIDTH, _HEIGHT = 480, 320
_LEFT, _RIGHT, _BOTTOM = 58, 20, 46
_LEGEND_LINE = 20
# Okabe and Ito's colours that keep 3:1 against white and against a dark ground; lines differ in dash and mark too.
_COLOURS = ("#0072b2", "#c2571a", "#008f6b", "#a85c8a", "#7a7a1f", "#5b6bd6")
_DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2", "1 2")


@dataclass(frozen=True)
class Table:
    """What a figure shows, in numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A drawing and its table.

    Attributes:
        svg: the drawing, with a label for those who can't see it.
        table: its numbers.
        table_html: the same table as HTML, with a caption and header cells.
        caption: that it is real, and its seed.
    """

    svg: Markup
    table: Table
    table_html: Markup
    caption: str


def draw_figure(data: FigureData, lang: Language) -> Figure:
    """The figure in a language."""
    table = _table(data, lang)
    return Figure(_svg(data, lang), table, _table_html(table), word("figure.real", lang, seed=data.seed))


def _table(data: FigureData, lang: Language) -> Table:
    places = 3 if data.y.decimals is None else data.y.decimals
    columns = (data.x.label.in_language(lang), *(series.label.in_language(lang) for series in data.series))
    rows = tuple(
        (shown_number(at), *(shown_number(series.values[row], f".{places}f") for series in data.series))
        for row, at in enumerate(data.at)
    )
    return Table(f"{data.title.in_language(lang)}: {data.y.label.in_language(lang)}", columns, rows)


def _table_html(table: Table) -> Markup:
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(one) for one in table.columns)
    rows = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[1:])
        )
        for row in table.rows
    )
    return Markup(
        '<table class="quiz-figure-table"><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
    ).format(table.caption, head, rows)


def _svg(data: FigureData, lang: Language) -> Markup:
    labels = [series.label.in_language(lang) for series in data.series]
    top = 12 + _LEGEND_LINE * len(labels) + 24
    x = _Axis(data.x, data.at, _LEFT, _WIDTH - _RIGHT)
    y = _Axis(data.y, [one for series in data.series for one in series.values], _HEIGHT - _BOTTOM, top)
    parts = [_grid(x, y, top), *_axis_titles(data, lang, top)]
    for number, series in enumerate(data.series):
        parts.append(_line(number, labels[number], list(zip(data.at, series.values, strict=True)), x, y))
    label = word(
        "figure.described",
        lang,
        title=data.title.in_language(lang),
        x=data.x.label.in_language(lang),
        y=data.y.label.in_language(lang),
        series=", ".join(labels),
    )
    return Markup(
        '<svg class="quiz-figure" viewBox="0 0 {w} {h}" role="img" aria-label="{label}" '
        'xmlns="http://www.w3.org/2000/svg" font-size="13" fill="currentColor">{parts}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, label=label, parts=Markup("").join(parts))


class _Axis:
    """From values to pixels, and where the ticks are."""

    def __init__(self, axis: FigureAxis, values: object, start: float, stop: float) -> None:
        found = [float(one) for one in values]  # type: ignore[attr-defined]
        self.log = axis.log
        if self.log:
            low, high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
            every = max(1, math.ceil((high - low) / 6))
            self.ticks = [10.0**power for power in range(low, high + 1, every)]
            self.low, self.high = math.log10(min(found)), math.log10(max(found))
        else:
            step = round_step(max(found) - min(found), 6)
            first, last = math.floor(min(found) / step), math.ceil(max(found) / step)
            self.ticks = [round(step * place, 10) for place in range(first, last + 1)]
            self.low, self.high = self.ticks[0], self.ticks[-1]
        self.ticks = [one for one in self.ticks if self.low - 1e-9 <= self._scaled(one) <= self.high + 1e-9]
        self._place = scale(self.low, self.high, start, stop)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def at(self, value: float) -> float:
        return self._place(self._scaled(value))


def _grid(x: _Axis, y: _Axis, top: float) -> Markup:
    lines = []
    for tick in y.ticks:
        at = y.at(tick)
        lines.append(
            Markup(
                '<line x1="{}" x2="{}" y1="{at:.1f}" y2="{at:.1f}" stroke="currentColor" stroke-opacity="0.15"/>'
                '<text x="{}" y="{label:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 7, shown_number(tick), at=at, label=at + 4.5)
        )
    for tick in x.ticks:
        at = x.at(tick)
        lines.append(
            Markup(
                '<line x1="{at:.1f}" x2="{at:.1f}" y1="{}" y2="{}" stroke="currentColor" stroke-opacity="0.15"/>'
                '<text x="{at:.1f}" y="{}" text-anchor="middle">{}</text>'
            ).format(top, _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM + 17, shown_number(tick), at=at)
        )
    return Markup("").join(lines)


def _axis_titles(data: FigureData, lang: Language, top: float) -> list[Markup]:
    return [
        Markup('<text x="{:.0f}" y="{}" text-anchor="middle">{}</text>').format(
            (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 9, data.x.label.in_language(lang)
        ),
        Markup('<text x="{}" y="{:.0f}">{}</text>').format(4, top - 15, data.y.label.in_language(lang)),
    ]


def _line(number: int, label: str, points: list[tuple[float, float]], x: _Axis, y: _Axis) -> Markup:
    colour = _COLOURS[number % len(_COLOURS)]
    dash = Markup(' stroke-dasharray="{}"').format(_DASHES[number]) if _DASHES[number % len(_DASHES)] else Markup("")
    pen = Markup('fill="none" stroke="{}" stroke-width="2"{}').format(colour, dash)
    few = points if len(points) <= 45 else []
    marks = Markup("").join(_mark(number, x.at(a), y.at(b), colour) for a, b in few)
    height = 14 + _LEGEND_LINE * number
    return Markup(
        '<g class="series-{n}"><path class="curve" d="{path}" {pen}/>{marks}'
        '<line x1="{a}" x2="{b}" y1="{h}" y2="{h}" {pen}/>{sample}<text x="{c}" y="{t}">{label}</text></g>'
    ).format(
        n=number + 1,
        path=line(points, x.at, y.at),
        pen=pen,
        marks=marks,
        sample=_mark(number, _LEFT + 16, height, colour),
        a=_LEFT,
        b=_LEFT + 32,
        c=_LEFT + 40,
        h=height,
        t=height + 4.5,
        label=escape(label),
    )


def _mark(number: int, x: float, y: float, colour: str) -> Markup:
    """Circles, squares, diamonds and triangles by turns."""
    shapes = (
        '<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>',
        '<rect x="{a:.1f}" y="{b:.1f}" width="5" height="5" fill="{colour}"/>',
        '<path d="M{x:.1f} {c:.1f}l3.6 3.6l-3.6 3.6l-3.6-3.6z" fill="{colour}"/>',
        '<path d="M{x:.1f} {c:.1f}l3.4 6h-6.8z" fill="{colour}"/>',
    )
    return Markup(shapes[number % len(shapes)]).format(x=x, y=y, a=x - 2.5, b=y - 2.5, c=y - 3.6, colour=colour)
