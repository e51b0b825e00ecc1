"""Questions of the bank in the terms that other systems know.

They have no numbers of their own for each attempt: what a question draws is drawn once here, by a seed that its title
names. Code with one gap becomes a choice of tokens, code with several a matching of gaps and tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import DrawnQuestion, draw_question
from ridgeway.studio.quiz.figures import Figure
from ridgeway.studio.quiz.questions import Code, Match, Number, Order, Several, Single, Text, Unit
from ridgeway.studio.quiz.result import in_short
from ridgeway.studio.quiz.shown import left_texts, note, option_texts
from ridgeway.studio.quiz.text import fill, inline, paragraphs
from ridgeway.studio.quiz.words import Language, word

# Moodle takes 255 characters; a list of questions is read more easily with fewer.
_TITLE = 100


@dataclass(frozen=True)
class Choice:
    """One of the answers to choose from.

    Attributes:
        text: HTML.
        share: per cent of the points that choosing it gives, or takes away.
        feedback: the misconception behind a wrong one, HTML.
    """

    text: Markup
    share: float
    feedback: Markup


@dataclass(frozen=True)
class Choices:
    """One answer to choose, or several."""

    single: bool
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Value:
    """A number that is recognized, right or a known mistake."""

    value: float
    tolerance: float
    share: float
    feedback: Markup


@dataclass(frozen=True)
class Numeric:
    """A number to give; the right one first."""

    values: tuple[Value, ...]
    units: tuple[str, ...]


@dataclass(frozen=True)
class Matching:
    """Left sides and what belongs to each; a left side that is empty stands before what belongs to none."""

    pairs: tuple[tuple[Markup, str], ...]


@dataclass(frozen=True)
class Ordering:
    """Things in their right order."""

    items: tuple[Markup, ...]


@dataclass(frozen=True)
class Item:
    """A question.

    Attributes:
        id: of the bank.
        title: what lists show of it: id, seed where numbers were drawn, and the text's beginning.
        topic: key of the topic.
        text: HTML, without the figure.
        explanation: HTML.
        figure: the real run it shows.
        answer: what is asked for.
    """

    id: str
    title: str
    topic: str
    text: Markup
    explanation: Markup
    figure: Figure | None
    answer: Choices | Numeric | Matching | Ordering


def items(bank: Bank, lang: Language, seed: int) -> Iterator[Item]:
    """All questions of a bank, topic by topic."""
    for question in bank.questions.values():
        drawn = draw_question(bank, seed, question.id)
        shown = drawn.shown(lang)
        numbers = f" (seed {seed})" if question.parameters else ""
        yield Item(
            question.id,
            f"{question.id}{numbers}: {in_short(shown.text)}"[:_TITLE],
            question.topic,
            shown.text + _code(drawn) + _note(drawn, lang),
            paragraphs(fill(question.explanation.in_language(lang), drawn.values)),
            shown.figure,
            _answer(drawn, lang),
        )


def _code(drawn: DrawnQuestion) -> Markup:
    if not isinstance(drawn.question, Code):
        return Markup("")
    parts = drawn.shown("en").code
    return Markup("<pre>{}</pre>").format("".join(f"[{one.gap}]" if one.gap else one.text or "" for one in parts))


def _note(drawn: DrawnQuestion, lang: Language) -> Markup:
    """What others don't say by themselves: the tolerance, and that wrong choices cost points."""
    if drawn.kind == "number":
        # They read no fractions, of which the rest of the note speaks.
        said = note(drawn.question, lang).removeprefix(word("note.number", lang)).strip()
    else:
        said = note(drawn.question, lang) if drawn.kind == "several" else ""
    return Markup("<p><em>{}</em></p>").format(said) if said else Markup("")


def _answer(drawn: DrawnQuestion, lang: Language) -> Choices | Numeric | Matching | Ordering:
    texts = option_texts(drawn, lang)

    def why(misconception: Text | None) -> Markup:
        return inline(fill(misconception.in_language(lang), drawn.values)) if misconception else Markup("")

    match drawn.question:
        case Single(options=options) | Several(options=options):
            right = sum(one.right for one in options)
            # As the studio grades: hits / right − false / wrong.
            shares = {True: 100 / right, False: -100 / max(1, len(options) - right) if drawn.kind == "several" else 0.0}
            choices = (Choice(texts[one.id], shares[one.right], why(one.misconception)) for one in options)
            return Choices(drawn.kind == "single", tuple(choices))
        case Code(gaps=gaps, tokens=tokens) if len(gaps) == 1:
            (right_token,) = gaps.values()
            return Choices(
                True,
                tuple(
                    Choice(texts[one.id], 100.0, Markup(""))
                    if one.id == right_token
                    else Choice(texts[one.id], 0.0, why(one.misconception))
                    for one in tokens
                ),
            )
        case Number(unit=unit, tolerance=tolerance, wrong=wrong):
            value = drawn.right
            assert isinstance(value, int | float)
            mistakes = zip(drawn.wrong, wrong, strict=True)
            known = (Value(one, tolerance.around(one), 0.0, why(told.misconception)) for one, told in mistakes)
            right_one = Value(value, tolerance.around(value), 100.0, Markup(""))
            return Numeric((right_one, *known), _units(unit, lang))
        case Order(items=things):
            return Ordering(tuple(texts[one.id] for one in things))
        case Code(gaps=gaps):
            left = {gap: Markup("[{}]").format(gap) for gap in gaps}
            return _matching(left, dict(gaps), texts)
        case Match(pairs=pairs):
            return _matching(left_texts(drawn, lang), {one.id: one.id for one in pairs}, texts)
    raise AssertionError(drawn.kind)


def _matching(left: dict[str, Markup], right: dict[str, str], texts: dict[str, Markup]) -> Matching:
    # Right sides are chosen from a list, which shows plain text.
    pairs = [(left[one], texts[other].striptags()) for one, other in right.items()]
    rest = [(Markup(""), text.striptags()) for key, text in texts.items() if key not in right.values()]
    return Matching((*pairs, *rest))


def _units(unit: Unit | None, lang: Language) -> tuple[str, ...]:
    """The unit in the language of the file first: it is what a system shows behind the right answer."""
    if unit is None:
        return ()
    first = unit.ko if lang == "ko" else unit.en
    return tuple(dict.fromkeys((first, *unit.words())))
