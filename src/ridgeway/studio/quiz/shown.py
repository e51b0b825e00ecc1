"""What a learner sees of a question before handing in: nothing here depends on which answer is right."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from ridgeway.studio.quiz.figures import Figure, draw_figure
from ridgeway.studio.quiz.numbers import shown_number
from ridgeway.studio.quiz.questions import Code, Match, Number, Order, Question, Several, Single
from ridgeway.studio.quiz.text import fill, inline, paragraphs
from ridgeway.studio.quiz.words import Language, word

if TYPE_CHECKING:
    from ridgeway.studio.quiz.draw import DrawnQuestion

_GAP = re.compile(r"\[\[(\w+)\]\]")


@dataclass(frozen=True)
class CodePart:
    """A piece of the code as it stands, or a gap."""

    text: str | None = None
    gap: str | None = None


@dataclass(frozen=True)
class Shown:
    """A question for the page. All texts are HTML and safe; `striptags()` of one gives it plain.

    Attributes:
        kind: one of single, several, number, order, match, code.
        text: the question, paragraphs.
        note: how to answer, a sentence.
        options: id and text of options (single, several), items as first shown (order) or right sides (match).
        left: id and text of left sides (match).
        code: pieces and gaps (code).
        tokens: id and text of what fills the gaps (code).
        unit: what to write behind the field (number), or nothing.
        figure: a drawing with its table, or None.
    """

    kind: str
    text: Markup
    note: Markup
    options: tuple[tuple[str, Markup], ...] = ()
    left: tuple[tuple[str, Markup], ...] = ()
    code: tuple[CodePart, ...] = ()
    tokens: tuple[tuple[str, Markup], ...] = ()
    unit: str = ""
    figure: Figure | None = None


def show(drawn: DrawnQuestion, lang: Language) -> Shown:
    """The question in a language."""
    question = drawn.question
    # Only what was drawn, never what was computed: a text that showed a computed value could show the answer.
    texts = option_texts(drawn, lang)
    ids = {key: drawn.opaque("option", key) for key in drawn.order}
    options = tuple((ids[key], texts[key]) for key in drawn.order)
    shown = Shown(
        question.kind,
        question_text(drawn, lang),
        Markup.escape(note(question, lang)),
        unit=unit_text(question, lang),
        figure=draw_figure(drawn.figure, lang) if drawn.figure else None,
    )
    if isinstance(question, Code):
        return replace(shown, code=code_parts(question.code), tokens=options)
    left = left_texts(drawn, lang)
    return replace(shown, options=options, left=tuple((drawn.opaque("left", key), left[key]) for key in drawn.left))


def question_text(drawn: DrawnQuestion, lang: Language) -> Markup:
    """The question alone, paragraphs."""
    return paragraphs(fill(drawn.question.text.in_language(lang), parameters(drawn)))


def parameters(drawn: DrawnQuestion) -> dict[str, float | tuple[float, ...]]:
    """What was drawn, and nothing that was computed from it."""
    return {name: drawn.values[name] for name in drawn.question.parameters}


def option_texts(drawn: DrawnQuestion, lang: Language) -> dict[str, Markup]:
    """The text of each option, item, right side or token by its key."""
    values = parameters(drawn)
    match drawn.question:
        case Single(options=options) | Several(options=options):
            return {one.id: inline(fill(one.text.in_language(lang), values)) for one in options}
        case Order(items=items):
            return {one.id: inline(fill(one.text.in_language(lang), values)) for one in items}
        case Match(pairs=pairs, distractors=distractors):
            right = {one.id: one.right for one in pairs} | {one.id: one.text for one in distractors}
            return {key: inline(fill(text.in_language(lang), values)) for key, text in right.items()}
        case Code(tokens=tokens):
            return {one.id: Markup("<code>{}</code>").format(one.text) for one in tokens}
    return {}


def left_texts(drawn: DrawnQuestion, lang: Language) -> dict[str, Markup]:
    """The text of each left side by its key."""
    values = parameters(drawn)
    pairs = drawn.question.pairs if isinstance(drawn.question, Match) else ()
    return {one.id: inline(fill(one.text.in_language(lang), values)) for one in pairs}


def unit_text(question: Question, lang: Language) -> str:
    """What stands behind the field of a number, or nothing."""
    if not isinstance(question, Number) or question.unit is None:
        return ""
    return question.unit.ko if lang == "ko" else question.unit.en


def code_parts(code: str) -> tuple[CodePart, ...]:
    """The code cut at its gaps."""
    pieces = _GAP.split(code.strip("\n"))
    return tuple(
        CodePart(gap=piece) if place % 2 else CodePart(text=piece) for place, piece in enumerate(pieces) if piece
    )


def note(question: Question, lang: Language) -> str:
    """How to answer, in a sentence or two."""
    text = word(f"note.{question.kind}", lang)
    if not isinstance(question, Number):
        return text
    tolerance = question.tolerance
    if tolerance.absolute:
        return f"{text} {word('note.absolute', lang, distance=shown_number(tolerance.absolute))}"
    if tolerance.relative:
        return f"{text} {word('note.relative', lang, percent=shown_number(100 * tolerance.relative))}"
    # A whole number of epochs or rows is no fraction.
    return word("note.exact", lang)
