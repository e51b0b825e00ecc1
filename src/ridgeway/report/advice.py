"""What to use, what it gains, what not to bother with, how sure: in plain words."""

import math
from collections.abc import Sequence

from ridgeway.report.gains import Evidence, Gain, written
from ridgeway.report.markup import Html, joined, say, tag
from ridgeway.report.verdict import difference


def advice(found: Evidence, lang: str) -> Html:
    """The paragraph; nothing where nothing was compared."""
    if found.gains:
        sentences = _of_gains(found, lang)
    elif not found.importance.empty:
        sentences = _of_importance(found, lang)
    else:
        return Html("")
    return tag("p", Html(" ".join(sentences)), class_="answer advice")


def _of_gains(found: Evidence, lang: str) -> list[Html]:
    if not any(math.isfinite(gain.gain.low) for gain in found.gains):
        return [say("advice.unsure", lang)]
    helping = [_strongest(found.gains, name, "helps") for name in _names(found.gains, "helps")]
    hurting = [gain for gain in found.gains if gain.verdict == "hurts"]
    diverging = [gain for gain in found.gains if gain.verdict == "diverges"]
    judged = {gain.name for gain in (*helping, *hurting, *diverging)}
    silent = [name for name in dict.fromkeys(gain.name for gain in found.gains) if name not in judged]
    sentences = []
    if helping:
        sentences.append(say("advice.use", lang, items=_list([_item(gain, lang) for gain in helping])))
    else:
        sentences.append(say("advice.use_none", lang))
    if hurting:
        sentences.append(say("advice.worse", lang, items=_list([_name(gain.label) for gain in hurting])))
    if diverging:
        sentences.append(say("advice.diverges", lang, items=_list([_name(gain.label) for gain in diverging])))
    if silent:
        sentences.append(say("advice.skip", lang, items=_list([_name(name) for name in silent])))
    key = "advice.sure_folds" if found.folds else "advice.sure_repeats"
    sentences.append(say(key, lang, units=found.units, count=len(found.gains)))
    return sentences


def _of_importance(found: Evidence, lang: str) -> list[Html]:
    rows = found.importance.to_dict("records")
    leading = [row for row in rows if row["importance"] >= 0.1] or rows[:1]
    small = [row for row in rows if row not in leading]
    items = [
        joined(_name(str(row["hyperparameter"])), tag("span", f" ({row['importance']:.0%})", class_="nowrap"))
        for row in leading
    ]
    sentences = [say("advice.important", lang, items=_list(items))]
    if small:
        names = [_name(str(row["hyperparameter"])) for row in small]
        sentences.append(say("advice.unimportant", lang, items=_list(names)))
    if found.rung is None:
        return [*sentences, say("advice.sure_importance", lang)]
    cut = say("advice.at_rung", lang, configurations=found.configurations, epochs=found.rung)
    return [*sentences, cut, say("advice.sure_halved", lang)]


def _names(gains: Sequence[Gain], verdict: str) -> list[str]:
    return list(dict.fromkeys(gain.name for gain in gains if gain.verdict == verdict))


def _strongest(gains: Sequence[Gain], name: str, verdict: str) -> Gain:
    return max((one for one in gains if one.name == name and one.verdict == verdict), key=lambda one: one.gain.gain)


def _item(gain: Gain, lang: str) -> Html:
    amount, low, high = difference(gain.gain)
    key = "advice.gain" if gain.off else "advice.gain_against"
    known = say(key, lang, gain=tag("b", amount), low=low, high=high, against=written(gain.against))
    return joined(_name(gain.label), " ", known)


def _name(label: str) -> Html:
    return tag("b", label, class_="nowrap")


def _list(items: Sequence[Html]) -> Html:
    return Html(", ".join(items))
