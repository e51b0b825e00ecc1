"""What a learner is told of an answer after handing in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ridgeway.studio.quiz.bank import Bank, load_bank
from ridgeway.studio.quiz.draw import DrawnQuestion, Right
from ridgeway.studio.quiz.grading import Grade, grade, is_right, known_mistake, read_answer
from ridgeway.studio.quiz.numbers import shown_number
from ridgeway.studio.quiz.questions import Code, Match, Number, Order, Several, Single, Text
from ridgeway.studio.quiz.shown import left_texts, option_texts, unit_text
from ridgeway.studio.quiz.text import fill, inline, paragraphs
from ridgeway.studio.quiz.words import Language, word

_ARROW = Markup("{left} → {right}")


@dataclass(frozen=True)
class Mistake:
    """A wrong choice and the misconception behind it."""

    what: Markup
    why: Markup


@dataclass(frozen=True)
class ExplainedOption:
    """One option of a single or several choice, as it was shown."""

    id: str
    text: Markup
    chosen: bool
    right: bool


@dataclass(frozen=True)
class Reference:
    """Where a fact stands."""

    text: str
    url: str | None


@dataclass(frozen=True)
class Explained:
    """An answer beside the right one. All texts are HTML and safe.

    Attributes:
        grade: its points.
        yours: the own answer, a line a part; empty without one.
        right: the right answer, a line a part.
        options: of a single or several choice, in the order in which they were shown.
        explanation: why it is right, with the arithmetic worked out; paragraphs.
        mistakes: the misconceptions behind what was chosen.
        lesson: where to read on.
        topic: what it counts for.
        sources: where it stands.
    """

    grade: Grade
    yours: tuple[Markup, ...]
    right: tuple[Markup, ...]
    options: tuple[ExplainedOption, ...]
    explanation: Markup
    mistakes: tuple[Mistake, ...]
    lesson: str
    topic: str
    sources: tuple[Reference, ...]


def explained(drawn: DrawnQuestion, answer: Any, lang: Language, bank: Bank | None = None) -> Explained:
    """The own and the right answer, the worked arithmetic, and the misconceptions behind what was chosen.

    Args:
        drawn: the question.
        answer: as it was stored; None without one.
        lang: of the texts.
        bank: whose sources are named; ridgeway's own without.

    Raises:
        MalformedAnswer: the answer has not the form of its question.
    """
    question = drawn.question
    sources = (bank or load_bank()).sources
    read = read_answer(drawn, answer)
    right = drawn.right
    options: tuple[ExplainedOption, ...] = ()
    if isinstance(question, Single | Several):
        assert isinstance(right, tuple) and (read is None or isinstance(read, tuple))
        texts = option_texts(drawn, lang)
        options = tuple(
            ExplainedOption(drawn.opaque("option", key), texts[key], key in (read or ()), key in right)
            for key in drawn.order
        )
    return Explained(
        grade(drawn, answer),
        () if read is None else tuple(_lines(drawn, read, answer, lang)),
        tuple(_lines(drawn, right, None, lang)),
        options,
        paragraphs(fill(question.explanation.in_language(lang), drawn.values)),
        () if read is None else tuple(_mistakes(drawn, read, lang)),
        question.lesson,
        question.topic,
        tuple(Reference(sources[key].text.in_language(lang), sources[key].url) for key in question.source),
    )


def _lines(drawn: DrawnQuestion, read: Right, typed: str | None, lang: Language) -> Iterator[Markup]:
    """An answer in words, a line a part."""
    question = drawn.question
    if isinstance(read, float):
        value = shown_number(read)
        if typed is None:
            yield Markup.escape(f"{value} {unit_text(question, lang)}".strip())
        elif typed.strip() == value:
            yield Markup.escape(value)
        else:
            yield Markup.escape(word("answer.read_as", lang, text=typed.strip(), value=value))
        return
    texts = option_texts(drawn, lang)
    if isinstance(read, dict):
        left = left_texts(drawn, lang) if isinstance(question, Match) else {}
        for one in drawn.left or tuple(question.gaps if isinstance(question, Code) else ()):
            partner = texts[read[one]] if one in read else Markup.escape(word("answer.nothing", lang))
            if isinstance(question, Code) and len(question.gaps) == 1:
                yield partner
            else:
                yield _ARROW.format(left=left.get(one, Markup.escape(one)), right=partner)
        return
    shown = drawn.order if drawn.kind == "several" else read
    yield from (texts[key] for key in shown if key in read)


def _mistakes(drawn: DrawnQuestion, read: Right, lang: Language) -> Iterator[Mistake]:
    question = drawn.question
    texts = option_texts(drawn, lang)

    def mistake(what: Markup, why: Text) -> Mistake:
        return Mistake(what, inline(fill(why.in_language(lang), drawn.values)))

    match question:
        case Number():
            assert isinstance(read, float)
            place = None if is_right(drawn, read) else known_mistake(drawn, read)
            if place is not None and place < len(question.wrong):
                yield mistake(Markup.escape(shown_number(drawn.wrong[place])), question.wrong[place].misconception)
        case Single(options=options) | Several(options=options):
            assert isinstance(read, tuple) and isinstance(drawn.right, tuple)
            for one in options:
                if one.id in read and one.id not in drawn.right and one.misconception:
                    yield mistake(texts[one.id], one.misconception)
        case Order():
            assert isinstance(read, tuple)
            for swap in question.wrong:
                if swap.first in read and swap.then in read and read.index(swap.first) < read.index(swap.then):
                    what = _ARROW.format(left=texts[swap.first], right=texts[swap.then])
                    yield mistake(what, swap.misconception)
        case Match(pairs=pairs, distractors=distractors):
            assert isinstance(read, dict)
            why = {one.id: one.misconception for one in pairs} | {one.id: one.misconception for one in distractors}
            yield from _joined_wrong(drawn, read, why, lang)
        case Code(tokens=tokens):
            assert isinstance(read, dict) and isinstance(drawn.right, dict)
            for gap, key in read.items():
                token = next(one for one in tokens if one.id == key)
                if drawn.right[gap] != key and token.misconception:
                    yield mistake(texts[key], token.misconception)


def _joined_wrong(
    drawn: DrawnQuestion, read: Mapping[str, str], why: Mapping[str, Text], lang: Language
) -> Iterator[Mistake]:
    texts, left = option_texts(drawn, lang), left_texts(drawn, lang)
    for one in drawn.left:
        partner = read.get(one)
        if partner is not None and partner != one:
            what = _ARROW.format(left=left[one], right=texts[partner])
            yield Mistake(what, inline(fill(why[partner].in_language(lang), drawn.values)))
