"""The score of the best configuration on rows that did not choose it, beside the one that chose it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ridgeway.report.labels import metric_label
from ridgeway.report.markup import Html, say, tag
from ridgeway.report.verdict import signed
from ridgeway.selection.rounding import decimals

if TYPE_CHECKING:
    from ridgeway.path import Path


def honest(path: "Path", lang: str) -> Html:
    """A paragraph; nothing where no rows were set aside."""
    found = (path.record.get("honest") or {}).get("best")
    if not found:
        return Html("")
    # A digit more than the width supports: the ends of two intervals beside each other must not look alike.
    places = decimals((found["high"] - found["low"]) / 8) if found["high"] > found["low"] else 4

    def number(name: str) -> Html:
        return tag("span", signed(found[name], places), class_="nowrap")

    nested = len(found.get("folds", ()))
    line = say(
        "honest.nested" if nested else "honest.line",
        lang,
        rows=found["rows"],
        folds=nested,
        metric=metric_label(found["metric"].replace("val_", "test_", 1), lang),
        estimate=tag("b", number("estimate")),
        low=number("low"),
        high=number("high"),
        naive=number("naive"),
    )
    sentences = [line, _optimism(found, number, lang)]
    if nested and found["optimism"] > 0:
        sentences.append(say("honest.fewer_rows", lang))
    return tag("p", Html(" ".join(sentences)), class_="honest")


def _optimism(found: Mapping[str, Any], number: Callable[[str], Html], lang: str) -> Html:
    """What the difference of the two values says: no more than its interval does."""
    # Runs of before have no interval of it.
    low = found.get("optimism_low")
    if found["optimism"] <= 0:
        return say("honest.no_optimism", lang)
    if low is None:
        return say("honest.optimism_unknown", lang, optimism=number("optimism"))
    key = "honest.optimism" if low > 0 else "honest.optimism_unclear"
    return say(key, lang, optimism=number("optimism"), from_=number("optimism_low"), to=number("optimism_high"))
