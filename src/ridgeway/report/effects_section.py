"""Each strength against the method's absence, drawn on one scale; or the importance of each hyperparameter."""

import math
from collections.abc import Callable

import numpy as np

from ridgeway.report.gains import Evidence, Gain, written
from ridgeway.report.labels import hyperparameter_label, metric_label
from ridgeway.report.markup import Html, joined, say, tag
from ridgeway.report.verdict import difference, signed
from ridgeway.selection.rounding import decimals


def effects_section(found: Evidence, metric: str, mode: str, lang: str) -> Html:
    """The section's content; nothing where nothing was compared.

    Args:
        found: what is known.
        metric: the column that lanes were compared by.
        mode: which way it is better, `"min"` or `"max"`.
        lang: `"en"` or `"ko"`.
    """
    if found.gains:
        return joined(_gains(found, metric, lang), _together(found, mode, lang))
    return _shares(found, lang) if not found.importance.empty else Html("")


def _gains(found: Evidence, metric: str, lang: str) -> Html:
    # An interval of two repeats can be so wide that nothing else would be seen beside it.
    reach = _reach(found.gains)

    def percent(number: float) -> float:
        return round(50 + 50 * max(-1.0, min(1.0, number / reach)), 2)

    rows, last = [], ""
    for gain in found.gains:
        if gain.name != last:
            last = gain.name
            head = say("effects.against", lang, name=tag("b", hyperparameter_label(last, lang)), against=_against(gain))
            rows.append(tag("div", head, class_="effect-name"))
        rows.append(_row(gain, percent, lang))
    ends = tag(
        "div",
        tag(
            "div",
            tag("span", say("effects.worse", lang)),
            tag("span", say("effects.better", lang)),
            class_="track ends",
        ),
        class_="effect",
    )
    return joined(
        tag("p", say("effects.intro", lang, metric=metric_label(metric, lang)), class_="note"),
        tag("div", *rows, ends, class_="effects"),
    )


def _against(gain: Gain) -> str:
    return written(gain.against)


def _reach(gains: tuple[Gain, ...]) -> float:
    sizes = sorted(abs(gain.gain.gain) for gain in gains if math.isfinite(gain.gain.gain))
    ends = [abs(end) for one in gains for end in (one.gain.low, one.gain.high) if math.isfinite(end)]
    largest = sizes[-1] if sizes else 0.0
    return 1.05 * min(max([largest, *ends]), max(3 * largest, 1e-300)) or 1.0


def _row(gain: Gain, percent: Callable[[float], float], lang: str) -> Html:
    amount, low, high = difference(gain.gain) if math.isfinite(gain.gain.gain) else ("–", "", "")
    kind = gain.verdict.replace(" ", "-")
    marks = [tag("i", class_="zero", style="left:50%")]
    if math.isfinite(gain.gain.low):
        start, end = percent(gain.gain.low), percent(gain.gain.high)
        marks.append(tag("i", class_="bar", style=f"left:{start}%;width:{round(end - start, 2)}%"))
    if math.isfinite(gain.gain.gain):
        marks.append(tag("i", class_="dot", style=f"left:{percent(gain.gain.gain)}%"))
    return tag(
        "div",
        tag("span", written(gain.value), class_="strength"),
        tag("div", *marks, class_="track"),
        tag("span", f"{amount} [{low}, {high}]" if low else amount, class_="number"),
        tag("span", say(f"effects.{kind.replace('-', '_')}", lang), class_="said"),
        class_=f"effect {kind}",
    )


def _together(found: Evidence, mode: str, lang: str) -> Html:
    """The largest interaction that is beyond chance, or that there is no evidence of any."""
    rows = found.interactions
    if rows.empty or not rows["low"].notna().any():
        return Html("")
    sign = 1.0 if mode == "max" else -1.0
    names = {"first": rows["first"].iloc[0], "second": rows["second"].iloc[0]}
    sure = rows[rows["verdict"] != "no evidence"]
    if sure.empty:
        return tag("p", say("effects.no_interaction", lang, **names), class_="note")
    row = sure.iloc[int(np.argmax(sure["difference"].abs()))]
    low, high = sorted((sign * row["low"], sign * row["high"]))
    places = decimals((high - low) / 4) if high > low else 3
    key = "effects.more_together" if row["verdict"] == "helps" else "effects.less_together"
    said = say(
        key,
        lang,
        first=tag("b", f"{names['first']} {written(row['first_value'])}", class_="nowrap"),
        second=tag("b", f"{names['second']} {written(row['second_value'])}", class_="nowrap"),
        gain=signed(abs(row["difference"]), places),
        low=signed(low if row["verdict"] == "helps" else -high, places),
        high=signed(high if row["verdict"] == "helps" else -low, places),
    )
    return tag("p", said, class_="note")


def _shares(found: Evidence, lang: str) -> Html:
    rows = [
        tag(
            "div",
            tag("span", hyperparameter_label(str(row["hyperparameter"]), lang), class_="strength"),
            tag(
                "div",
                tag("i", class_="share", style=f"left:0;width:{round(100 * float(row['importance']), 2)}%"),
                class_="track",
            ),
            tag("span", f"{row['importance']:.0%}", class_="number"),
            class_="effect importance",
        )
        for row in found.importance.to_dict("records")
    ]
    note = say("effects.importance", lang)
    if found.rung is not None:
        note = joined(note, " ", say("effects.at_rung", lang, epochs=found.rung))
    return joined(tag("p", note, class_="note"), tag("div", *rows, class_="effects"))
