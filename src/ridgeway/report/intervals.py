"""By how much the choices beat the baseline: intervals on one scale, against zero."""

import math
from collections.abc import Callable

from ridgeway.report.markup import Html, say, tag
from ridgeway.report.verdict import Verdict, difference
from ridgeway.selection import Comparison


def intervals(found: Verdict, lang: str) -> Html:
    """Draw the gains over the baseline with their 95 % intervals; nothing when the baseline itself won.

    The drawing is plain HTML placed by percentages, so that it fits a phone and a sheet of paper alike.
    """
    rows = _rows(found)
    if not rows:
        return Html("")
    ends = [0.0, *(end for _, gain in rows for end in (gain.gain, gain.low, gain.high) if math.isfinite(end))]
    pad = 0.06 * (max(ends) - min(ends)) or 1.0
    low, high = min(ends) - pad, max(ends) + pad

    def percent(number: float) -> float:
        return round(100 * (number - low) / (high - low), 2)

    zero = percent(0.0)
    title = say("intervals.title", lang)
    base = say("intervals.own" if found.own else "intervals.weakest", lang)
    side = "start" if zero < 20 else "end" if zero > 80 else "middle"
    name = tag("span", base, class_=f"base {side}", style=f"left:{zero}%")
    return tag(
        "figure",
        tag("figcaption", tag("b", title), " ", _source(found.gain, lang)),
        tag("div", tag("div", name, class_="track names"), class_="gain"),
        *(_row(role, gain, zero, percent(gain.gain), _bar(gain, percent), lang) for role, gain in rows),
        tag(
            "div",
            tag("div", tag("span", say("intervals.better", lang)), class_="track better"),
            class_="gain",
        ),
        class_="intervals",
    )


def _rows(found: Verdict) -> list[tuple[str, Comparison]]:
    rows = [("best", found.gain)]
    if found.simple and found.simple_gain and found.simple.configuration != found.best.configuration:
        rows.append(("one_se", found.simple_gain))
    return [row for row in rows if row[1].means != "same"]


def _row(role: str, gain: Comparison, zero: float, place: float, bar: Html, lang: str) -> Html:
    amount, least, most = difference(gain)
    marks = (
        tag("i", class_="zero", style=f"left:{zero}%"),
        bar,
        tag("i", class_="dot", style=f"left:{place}%"),
    )
    return tag(
        "div",
        tag("b", say(f"card.{role}", lang)),
        tag("span", f"{amount} [{least}, {most}]" if least else amount, class_="number"),
        tag("div", *marks, class_="track"),
        class_=f"gain {role.replace('_', '-')}",
    )


def _bar(gain: Comparison, percent: Callable[[float], float]) -> Html:
    if not math.isfinite(gain.low):
        return Html("")
    start, end = percent(gain.low), percent(gain.high)
    return tag("i", class_="bar", style=f"left:{start}%;width:{round(end - start, 2)}%")


def _source(gain: Comparison, lang: str) -> Html:
    """Where the intervals come from."""
    if gain.means == "paired lanes":
        return say("intervals.paired", lang)
    return say("intervals.rows", lang) if gain.means == "standard errors" else Html("")
