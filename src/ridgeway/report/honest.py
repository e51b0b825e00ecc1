"""The score of the best configuration on rows that did not choose it, beside the one that chose it."""

from typing import TYPE_CHECKING

from ridgeway.report.labels import metric_label
from ridgeway.report.markup import Html, joined, say, tag
from ridgeway.selection.rounding import decimals

if TYPE_CHECKING:
    from ridgeway.path import Path


def honest(path: "Path", lang: str) -> Html:
    """A paragraph; nothing where no rows were set aside."""
    found = (path.record.get("honest") or {}).get("best")
    if not found:
        return Html("")
    places = decimals((found["high"] - found["low"]) / 2)

    def number(name: str) -> Html:
        return tag("span", f"{abs(found[name]) if name == 'optimism' else found[name]:.{places}f}", class_="nowrap")

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
    if nested:
        key = "honest.nested_optimism" if found["optimism"] > 0 else "honest.nested_no_optimism"
    else:
        key = "honest.optimism" if found["optimism"] > 0 else "honest.no_optimism"
    return tag("p", joined(line, " ", say(key, lang, optimism=number("optimism"))), class_="honest")
