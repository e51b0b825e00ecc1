"""The items as a picture: how hard each is across, how well it tells learners apart upwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ridgeway.studio.i18n import N_, translator
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.teacher.analysis import WEAK, Item

# Small enough to be read at 360 px of width.
_WIDTH, _HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 12, 12, 48
#: D from which on an item tells well who knows the subject (Ebel 1965).
_GOOD = 0.3


@dataclass(frozen=True)
class Chart:
    """A drawing of the items that have enough attempts.

    Attributes:
        svg: the drawing; the page's table has its numbers.
        count: of items in it.
    """

    svg: Markup
    count: int


def chart(items: Sequence[Item], lang: Language) -> Chart | None:
    """D against p, a mark an item; None where no item has enough attempts."""
    shown = [one for one in items if one.discrimination is not None]
    if not shown:
        return None
    translate = translator(lang)
    low = math.floor(4 * min(0.0, *(round(one.discrimination or 0.0, 9) for one in shown))) / 4

    def x(p: float) -> float:
        return _LEFT + p * (_WIDTH - _LEFT - _RIGHT)

    def y(d: float) -> float:
        return _HEIGHT - _BOTTOM - (d - low) / (1 - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        Markup('<rect class="good-zone" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            x(0), y(1), x(1) - x(0), y(_GOOD) - y(1)
        )
    ]
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(_line(x(tick), y(low), x(tick), y(1)))
        parts.append(_text(x(tick), y(low) + 18, f"{tick:.1f}", "middle"))
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        if tick >= low:
            parts.append(_line(x(0), y(tick), x(1), y(tick)))
            parts.append(_text(x(0) - 8, y(tick) + 4, f"{tick:.1f}".replace("-", "−"), "end"))
    parts.append(_text(x(0.5), _HEIGHT - 8, translate(N_("p: share of points (right: easy)")), "middle"))
    parts.append(_text(x(0) + 6, y(1) + 16, translate(N_("D: discrimination (0.3 and more: good)")), "start"))
    parts.extend(_mark(one, x(one.difficulty), y(one.discrimination or 0.0)) for one in shown)
    label = translate(N_("Difficulty and discrimination of %(count)s items; the table below has the numbers.")) % {
        "count": len(shown)
    }
    svg = Markup('<svg class="item-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, label, Markup("").join(parts)
    )
    return Chart(svg, len(shown))


def two(value: float) -> str:
    """A number with two decimals, a minus that is one, and no minus before zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _mark(item: Item, x: float, y: float) -> Markup:
    """A circle; a square where the item is flagged, so that colour isn't all that tells."""
    title = f"{item.question}: p {two(item.difficulty)}, D {two(item.discrimination or 0.0)}, n {item.count}"
    if item.flags:
        kind = "weak" if WEAK in item.flags else "flagged"
        shape = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="9" height="9">').format(kind, x - 4.5, y - 4.5)
        return shape + Markup("<title>{}</title></rect>").format(title)
    return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4.5"><title>{}</title></circle>').format(x, y, title)


def _line(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(x1, y1, x2, y2)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)
