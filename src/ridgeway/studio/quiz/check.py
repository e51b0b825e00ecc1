"""What can be wrong with a question bank: form, languages, arithmetic, misconceptions, coverage of the lecture."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from ridgeway.errors import InputError
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import draw_question, linked_questions, told_apart, values_from
from ridgeway.studio.quiz.explaining import explained
from ridgeway.studio.quiz.expressions import Value, evaluate
from ridgeway.studio.quiz.questions import Code, Match, Number, Order, Question, Several, Single, Text
from ridgeway.studio.quiz.shown import left_texts, option_texts
from ridgeway.studio.quiz.text import placeholders, stray_braces
from ridgeway.studio.quiz.words import LANGUAGES
from ridgeway.studio.topics import LESSONS

#: An attempt asks 15, and many attempts should not be alike.
FEWEST = 60
#: Questions of COURSE.md that the bank grew from.
COURSE = range(1, 44)

_HANGUL = re.compile(r"[가-힣]")
_GAP = re.compile(r"\[\[(\w+)\]\]")
_DRAWS = 60
# Of the sets of numbers that are declared, the share that has to be fit to be drawn.
_DRAWABLE = 0.75
# Stated values are written with six or seven digits.
_STATED = 2e-6


def problems(bank: Bank) -> list[str]:
    """Every fault of a bank, a sentence each, beginning with the question's id."""
    found = list(_of_the_whole(bank))
    for question in bank.questions.values():
        found += question_problems(bank, question)
    return found


def question_problems(bank: Bank, question: Question) -> list[str]:
    """Every fault of one question."""
    found: list[str] = []
    for check in _CHECKS:
        if check is _drawn and found:
            # What is known to be wrong can't be drawn.
            break
        try:
            found += [f"{question.id}: {problem}" for problem in check(bank, question)]
        except InputError as error:
            found.append(f"{question.id}: {error}")
    return found


def _of_the_whole(bank: Bank) -> Iterator[str]:
    if tuple(bank.topics) != LESSONS:
        yield f"topics.yaml names {', '.join(bank.topics)}. Name {', '.join(LESSONS)}, in this order."
    if len(bank.questions) < FEWEST:
        yield f"The bank has {len(bank.questions)} questions. Write {FEWEST} at least."
    counts = Counter(question.topic for question in bank.questions.values())
    for topic in LESSONS:
        if counts[topic] < 5:
            yield f"{topic}.yaml has {counts[topic]} questions. Write 5 at least."
    covered = {line for question in bank.questions.values() for line in question.covers}
    for line, text in bank.statements.items():
        if line in covered and line in bank.unasked:
            yield f"Line {line} of the lecture is asked about and stands under unasked. Remove it there."
        if line not in covered and line not in bank.unasked:
            yield f"No question covers line {line} of the lecture: {text} Ask about it, or say why not under unasked."
    for line in sorted(set(bank.unasked) - set(bank.statements)):
        yield f"The lecture has no line {line}, which stands under unasked. Mend the number."
    grown = {question.course for question in bank.questions.values()}
    for number in sorted(set(COURSE) - grown):
        yield f"No question grew from number {number} of COURSE.md. Write one, and say so by `course`."
    used = {key for question in bank.questions.values() for key in question.source}
    for key in sorted(set(bank.sources) - used):
        yield f"No question names the source {key!r}. Remove it."
    shared = Counter(word for question in bank.questions.values() for word in question.alternatives)
    for name, count in shared.items():
        if count == 1:
            yield f"Only one question has alternatives {name!r}. Name it in others, or remove it."


def _references(bank: Bank, question: Question) -> Iterator[str]:
    for key in question.source:
        if key not in bank.sources:
            yield f"sources.yaml has no {key!r}. Add it."
    for line in question.covers:
        if line not in bank.statements:
            yield f"the lecture has no line {line}. Mend `covers`."
    if question.figure:
        data = bank.figures[question.figure]
        if any(len(series.values) != len(data.at) for series in data.series):
            yield f"figure {question.figure!r} has lines of other lengths than its axis. Make it again."


def texts(question: Question) -> Iterator[tuple[str, Text, bool]]:
    """Each text of a question, where it stands, and whether it is shown before handing in."""
    yield "text", question.text, True
    yield "explanation", question.explanation, False
    match question:
        case Single(options=options) | Several(options=options):
            for one in options:
                yield f"option {one.id}", one.text, True
                if one.misconception:
                    yield f"misconception of {one.id}", one.misconception, False
        case Number(wrong=wrong):
            for place, value in enumerate(wrong, start=1):
                yield f"misconception {place}", value.misconception, False
        case Order(items=items, wrong=swaps):
            for item in items:
                yield f"item {item.id}", item.text, True
            for swap in swaps:
                yield f"misconception of {swap.first} before {swap.then}", swap.misconception, False
        case Match(pairs=pairs, distractors=distractors):
            for pair in pairs:
                yield f"left {pair.id}", pair.text, True
                yield f"right {pair.id}", pair.right, True
                yield f"misconception of {pair.id}", pair.misconception, False
            for other in distractors:
                yield f"distractor {other.id}", other.text, True
                yield f"misconception of {other.id}", other.misconception, False
        case Code(tokens=tokens):
            for token in tokens:
                if token.misconception:
                    yield f"misconception of {token.id}", token.misconception, False


def _languages(bank: Bank, question: Question) -> Iterator[str]:
    known = set(_names(bank, question))
    for where, text, shown in texts(question):
        if placeholders(text.ko) != placeholders(text.en):
            yield f"{where}: Korean and English show different values. Use the same placeholders."
        allowed = set(question.parameters) if shown else known
        for name in sorted({*placeholders(text.ko), *placeholders(text.en)} - allowed):
            yield f"{where}: shows {name!r}, which {'is not drawn' if shown else 'has no value'}. Use what is declared."
        for lang, words in (("Korean", text.ko), ("English", text.en)):
            if stray_braces(words):
                yield f"{where}: a brace in {lang} belongs to no placeholder. Mend it."
            if words.count("`") % 2 or words.count("**") % 2:
                yield f"{where}: a mark of code or emphasis in {lang} is not closed. Close it."
        if _HANGUL.search(text.en):
            yield f"{where}: the English is Korean. Translate it."
        if text.ko != text.en and not _HANGUL.search(text.ko):
            yield f"{where}: the Korean has no Korean letter. Translate it."
    if not (_HANGUL.search(question.text.ko) and _HANGUL.search(question.explanation.ko)):
        yield "text or explanation is not Korean. Translate it."


def _names(bank: Bank, question: Question) -> Iterator[str]:
    yield from question.parameters
    yield from question.computed
    if isinstance(question, Number):
        yield "answer"
    if question.figure:
        yield from (series.id for series in bank.figures[question.figure].series)


def _choices(bank: Bank, question: Question) -> Iterator[str]:
    match question:
        case Single(options=options) | Several(options=options):
            right = [one for one in options if one.right]
            if isinstance(question, Single) and len(right) != 1:
                yield f"{len(right)} options are right. Make it one."
            if isinstance(question, Several) and not 0 < len(right) < len(options):
                yield f"{len(right)} of {len(options)} options are right. Have some of both kinds."
            for one in options:
                if not one.right and one.misconception is None:
                    yield f"option {one.id} is wrong and names no misconception. Say what leads to it."
                if one.right and one.misconception is not None:
                    yield f"option {one.id} is right and names a misconception. Remove it."
            yield from _unique([one.id for one in options])
        case Order(items=items, wrong=swaps):
            place = {one.id: number for number, one in enumerate(items)}
            yield from _unique([one.id for one in items])
            for swap in swaps:
                if swap.first not in place or swap.then not in place:
                    yield f"the mistake {swap.first} before {swap.then} names no item. Mend it."
                elif place[swap.first] < place[swap.then]:
                    yield f"the mistake {swap.first} before {swap.then} is the right order. Turn it round."
        case Match(pairs=pairs, distractors=distractors):
            yield from _unique([one.id for one in (*pairs, *distractors)])
        case Code(code=code, gaps=gaps, tokens=tokens):
            yield from _unique([one.id for one in tokens])
            if sorted(_GAP.findall(code)) != sorted(gaps):
                yield "gaps of the code and of the key differ. Mend one of them."
            for gap, key in gaps.items():
                if key not in {one.id for one in tokens}:
                    yield f"gap {gap} needs the token {key!r}, which there is not. Add it."
            for token in tokens:
                needed = len(gaps) > 1 or token.id not in gaps.values()
                if needed and token.misconception is None:
                    yield f"token {token.id} can stand where it is wrong and names no misconception. Add it."


def _unique(keys: list[str]) -> Iterator[str]:
    for key, count in Counter(keys).items():
        if count > 1:
            yield f"the id {key!r} stands {count} times. Give each its own."


def combinations(question: Question) -> Iterator[dict[str, Value]]:
    """All sets of parameters that can be drawn."""
    names = list(question.parameters)
    for chosen in product(*(question.choices(name) for name in names)):
        yield dict(zip(names, chosen, strict=True))


def _arithmetic(bank: Bank, question: Question) -> Iterator[str]:
    for other in linked_questions(bank, question):
        for name in question.parameters:
            if name not in other.parameters or question.choices(name) != other.choices(name):
                yield f"is linked with {other.id}, which draws {name} otherwise. Declare it alike."
    if not isinstance(question, Number):
        return
    every = list(combinations(question))
    apart = sum(_drawable(bank, question, parameters) for parameters in every)
    # Fewer, and learners who sit side by side would get the same numbers, however many are declared.
    if apart < _DRAWABLE * len(every):
        yield f"only {apart} of {len(every)} sets of numbers keep its wrong values apart. Widen them."
    if question.example is None:
        yield "has no example to check the arithmetic by. Add one."
        return
    stated = dict(question.example)
    given = {name: stated.pop(name, None) for name in question.parameters}
    if None in given.values():
        yield "the example leaves a parameter out. Add it."
        return
    parameters: Mapping[str, Value] = {name: value for name, value in given.items() if value is not None}
    if parameters not in every:
        yield "the example's parameters can't be drawn. Take ones that can."
    yield from _stated(question, values_from(bank, question, parameters), stated)


def _drawable(bank: Bank, question: Question, parameters: Mapping[str, Value]) -> bool:
    """Whether a set of numbers suits the question and those that get the same numbers."""
    return all(
        told_apart(one, values_from(bank, one, parameters))
        for one in linked_questions(bank, question)
        if isinstance(one, Number)
    )


def _stated(
    question: Number, values: Mapping[str, Value], stated: dict[str, float | tuple[float, ...]]
) -> Iterator[str]:
    if not told_apart(question, values):
        yield "the example's wrong values are not apart. Take other parameters."
    wrong = stated.pop("wrong", ())
    computed = tuple(evaluate(one.value, values) for one in question.wrong)
    if not isinstance(wrong, tuple) or len(wrong) != len(computed):
        yield f"the example states {wrong} as wrong values. State all {len(computed)}."
        return
    pairs = [("answer", stated.pop("answer", math.nan), values["answer"])]
    pairs += [
        (f"wrong value {place}", one, other) for place, (one, other) in enumerate(zip(wrong, computed, strict=True), 1)
    ]
    for what, one, other in pairs:
        close = (
            not isinstance(one, tuple)
            and not isinstance(other, tuple)
            and abs(one - other) <= max(_STATED * abs(other), 1e-6)
        )
        if not close:
            yield f"the example states {one} as {what}, and {other} is computed. Mend one of them."
    if stated:
        yield f"the example states {', '.join(stated)}, which it doesn't know. Remove it."


def _drawn(bank: Bank, question: Question) -> Iterator[str]:
    """Draws as attempts do: all texts can be filled, and no two choices look the same."""
    for seed in range(_DRAWS if question.parameters else 1):
        drawn = draw_question(bank, seed, question.id)
        for lang in LANGUAGES:
            drawn.shown(lang)
            explained(drawn, None, lang, bank)
            for side in (option_texts(drawn, lang), left_texts(drawn, lang)):
                if len({str(text) for text in side.values()}) < len(side):
                    yield f"with the seed {seed} two choices read the same in {lang}. Change one."
                    return


_CHECKS: tuple[Callable[[Bank, Question], Iterator[str]], ...] = (
    _references,
    _languages,
    _choices,
    _arithmetic,
    _drawn,
)
