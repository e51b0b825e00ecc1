"""Lanes that are better together, beside the best of them alone."""

from typing import TYPE_CHECKING

from ridgeway.ensembling import SIZE, EnsembleChoice, noted_ensemble
from ridgeway.report.labels import configuration_label, metric_label
from ridgeway.report.markup import Html, joined, say, tag
from ridgeway.report.verdict import signed
from ridgeway.selection.rounding import decimals

if TYPE_CHECKING:
    from ridgeway.path import Path


def ensemble_section(path: "Path", lang: str) -> Html:
    """The section's content; nothing where no ensemble was made."""
    found = noted_ensemble(path)
    if found is None:
        return Html("")
    size = sum(member.count for member in found.members)
    head = say(
        "ensemble.intro",
        lang,
        candidates=found.candidates,
        size=size,
        different=len(found.members),
        metric=metric_label(found.metric, lang),
    )
    parts = [
        tag("p", head, class_="note"),
        _scores(found, lang),
        _gain(found, bool(path.record.get("nested")), lang),
        _members(found, lang),
    ]
    use = say("ensemble.use", lang, code=tag("code", f"path.ensemble({SIZE})"))
    extra = path.record.get("extra", {})
    if extra.get("predicts_by") == "ensemble":
        file = tag("code", "best.keras")
        use = joined(use, " ", say("ensemble.estimator", lang, estimator=tag("code", extra["estimator"]), file=file))
    return joined(*parts, tag("p", use, class_="note"))


def _scores(found: EnsembleChoice, lang: str) -> Html:
    heads = ["", "ensemble.validation", *(["ensemble.test", "ensemble.interval"] if found.test else [])]
    both, alone = found.test, found.single_test
    places = decimals((alone.high - alone.low) / 8) if alone and alone.high > alone.low else 4
    rows = []
    for name, validation, test in (
        ("ensemble.together", found.validation, both),
        ("ensemble.alone", found.single_validation, alone),
    ):
        cells = [tag("td", f"{validation:.{places}f}")]
        if test is not None:
            cells += [
                tag("td", f"{test.value:.{places}f}"),
                tag("td", f"{test.low:.{places}f} – {test.high:.{places}f}"),
            ]
        rows.append(tag("tr", tag("th", say(name, lang), scope="row"), *cells))
    columns = [tag("th", say(head, lang) if head else "", scope="col") for head in heads]
    return tag("div", tag("table", tag("thead", tag("tr", *columns)), tag("tbody", *rows)), class_="scroll")


def _gain(found: EnsembleChoice, nested: bool, lang: str) -> Html:
    if found.gain is None:
        return tag("p", say("ensemble.no_test_nested" if nested else "ensemble.no_test", lang), class_="note")
    gain = found.gain
    places = decimals((gain.high - gain.low) / 4) if gain.high > gain.low else 4
    key = "ensemble.better" if gain.low > 0 else "ensemble.worse" if gain.high < 0 else "ensemble.equal"
    said = say(
        key,
        lang,
        rows=found.test_rows,
        gain=tag("b", signed(abs(gain.value) if key == "ensemble.worse" else gain.value, places)),
        low=signed(gain.low, places),
        high=signed(gain.high, places),
    )
    return tag("p", said)


def _members(found: EnsembleChoice, lang: str) -> Html:
    total = sum(member.count for member in found.members)
    rows = [
        tag(
            "tr",
            tag("td", f"{member.count}/{total}"),
            tag("td", configuration_label(member.configuration), class_="text"),
            tag("td", str(member.repeat)),
            tag("td", ", ".join(map(str, member.lanes)), class_="text"),
        )
        for member in found.members
    ]
    columns = [
        tag("th", say(f"ensemble.{name}", lang), scope="col", class_=kind)
        for name, kind in (("weight", None), ("configuration", "text"), ("repeat", None), ("lanes", "text"))
    ]
    return tag("div", tag("table", tag("thead", tag("tr", *columns)), tag("tbody", *rows)), class_="scroll")
