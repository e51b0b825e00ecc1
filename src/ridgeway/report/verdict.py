"""What won, and by how much: the report's first paragraph, three cards and the intervals."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ridgeway.report.labels import metric_label
from ridgeway.report.marks import one_se
from ridgeway.report.markup import Html, joined, say, tag
from ridgeway.selection import Choice, Comparison, baseline, compare, shown
from ridgeway.selection.rounding import decimals, with_error

if TYPE_CHECKING:
    from ridgeway.path import Path


@dataclass(frozen=True)
class Verdict:
    """The three configurations that the report talks about, compared.

    Attributes:
        best: the best mean.
        simple: the one-SE choice, None when no standard error is known.
        base: what they are compared with.
        own: whether `base` is the user's own model (else the family's least regularized configuration).
        gain: best over base.
        simple_gain: one-SE choice over base.
        configurations: how many were trained.
    """

    best: Choice
    simple: Choice | None
    base: Choice
    own: bool
    gain: Comparison
    simple_gain: Comparison | None
    configurations: int


def verdict(path: "Path") -> Verdict:
    """Compare the best and the one-SE choice with the baseline."""
    table = path.table()
    best, simple = path.select("best"), one_se(path)
    base, own = baseline(table, path.record)
    return Verdict(
        best=best,
        simple=simple,
        base=base,
        own=own,
        gain=compare(table, best, base, path.record),
        simple_gain=None if simple is None else compare(table, simple, base, path.record),
        configurations=len(path.configurations()),
    )


def kept_epoch(path: "Path", lane: int) -> int:
    """The epoch, from 1, whose weights a lane kept; its last one where it kept none."""
    table = path.table()
    row = table[table["lane"] == lane][["best_epoch", "epochs"]].astype("Int64")
    return int(row["best_epoch"].fillna(row["epochs"]).iloc[0])


def value(choice: Choice) -> str:
    """A choice's mean with its standard error."""
    return with_error(choice.mean, choice.standard_error)


def _value(choice: Choice, strong: bool = True) -> Html:
    return tag("b" if strong else "span", value(choice), class_="nowrap")


def signed(number: float, places: int) -> str:
    """A difference to so many decimals, with a true minus sign."""
    shown = f"{abs(number):.{places}f}"
    return f"−{shown}" if number < 0 and float(shown) != 0 else shown


def difference(comparison: Comparison) -> tuple[str, str, str]:
    """Gain, lower and upper end, all to the decimals that the interval supports."""
    half = (comparison.high - comparison.low) / 2
    if not math.isfinite(half) or half <= 0:
        places = decimals(abs(comparison.gain) / 10) if comparison.gain else 3
        return signed(comparison.gain, places), "", ""
    places = decimals(half / 2)
    return tuple(signed(number, places) for number in (comparison.gain, comparison.low, comparison.high))  # type: ignore[return-value]


def configuration_markup(choice: Choice, strong: bool = True) -> Html:
    """A configuration in a sentence: names and values that do not break apart."""
    parts = (tag("span", f"{name} {shown(given, 4)}", class_="nowrap") for name, given in choice.configuration.items())
    return tag("b" if strong else "span", Html(" · ".join(parts)))


def paragraph(path: "Path", found: Verdict, lang: str) -> Html:
    """The answer in plain words."""
    lanes, runs = len(path.table()), path.table().groupby(path.hyperparameters, dropna=False).size().max()
    sentences = []
    if found.configurations == 1:
        sentences.append(say("verdict.trained_one", lang, runs=runs, configuration=configuration_markup(found.best)))
    elif runs == 1:
        sentences.append(say("verdict.trained_once", lang, lanes=lanes))
    else:
        sentences.append(say("verdict.trained", lang, lanes=lanes, configurations=found.configurations, runs=runs))
    metric = metric_label(path.metric, lang)
    if found.configurations == 1:
        sentences.append(say("verdict.only", lang, metric=metric, value=_value(found.best)))
        return tag("p", Html(" ".join(sentences)), class_="answer")
    sentences.append(
        say(
            "verdict.best",
            lang,
            configuration=configuration_markup(found.best),
            metric=metric,
            value=_value(found.best),
        )
    )
    sentences.append(_against(found, lang))
    if found.simple is None:
        sentences.append(say("verdict.one_se_unknown", lang))
    elif found.simple.configuration == found.best.configuration:
        sentences.append(say("verdict.one_se_same", lang))
    else:
        chosen = configuration_markup(found.simple)
        sentences.append(say("verdict.one_se", lang, configuration=chosen, value=_value(found.simple, strong=False)))
    return tag("p", Html(" ".join(sentences)), class_="answer")


def _against(found: Verdict, lang: str) -> Html:
    who = say(
        "verdict.own" if found.own else "verdict.weakest",
        lang,
        configuration=configuration_markup(found.base, strong=False),
    )
    gain, low, high = difference(found.gain)
    if found.gain.means == "same":
        return say("verdict.same_own" if found.own else "verdict.same_weakest", lang)
    if found.gain.means == "unequal epochs":
        return say("verdict.unequal_epochs", lang, base=who, gain=gain)
    if found.gain.means == "unknown":
        return say("verdict.unknown", lang, base=who, gain=gain)
    if found.gain.low > 0:
        # Which chance is ruled out depends on what the interval was made of.
        key = "verdict.clear" if found.gain.means == "paired lanes" else "verdict.clear_rows"
    else:
        key = "verdict.noise" if found.gain.gain > 0 else "verdict.not_better"
    return say(key, lang, base=who, gain=tag("b", gain), low=low, high=high)


def cards(path: "Path", found: Verdict, lang: str) -> Html:
    """Best, one-SE choice and baseline side by side."""
    same = found.simple is not None and found.simple.configuration == found.best.configuration
    several = found.configurations > 1
    shown = [
        _card(
            path,
            found.best,
            "only" if not several else "best_and_one_se" if same else "best",
            found.gain,
            lang,
        )
    ]
    if found.simple is not None and several and not same:
        shown.append(_card(path, found.simple, "one_se", found.simple_gain, lang))
    if several and found.base.configuration != found.best.configuration:
        shown.append(_card(path, found.base, "own" if found.own else "weakest", None, lang))
    return tag("div", *shown, class_="cards")


def _card(path: "Path", choice: Choice, role: str, gain: Comparison | None, lang: str) -> Html:
    terms = [joined(tag("dt", name), tag("dd", shown(given, 4))) for name, given in choice.configuration.items()]
    lines = [say("card.lane", lang, lane=choice.lane, epoch=kept_epoch(path, choice.lane), n=choice.n)]
    if gain is not None and gain.means != "same":
        amount, low, high = difference(gain)
        key = "card.gain" if low else "card.gain_only"
        lines.append(say(key, lang, gain=tag("b", amount), low=low, high=high))
    return tag(
        "section",
        tag("h3", say(f"card.{role}", lang)),
        tag("dl", *terms),
        tag("p", value(choice), class_="figure"),
        tag("p", metric_label(path.metric, lang), class_="unit"),
        *(tag("p", line, class_="note") for line in lines),
        class_=f"card {'best' if role in ('only', 'best_and_one_se') else role.replace('_', '-')}",
    )
