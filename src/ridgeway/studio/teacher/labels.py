"""What the words of counted answers mean, for the teacher: options, pairs and orders as the learners saw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ridgeway.errors import InputError
from ridgeway.studio.i18n import N_, translator
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import DrawnQuestion, draw_question
from ridgeway.studio.quiz.questions import Code, Number
from ridgeway.studio.quiz.shown import left_texts, option_texts
from ridgeway.studio.quiz.text import fill, inline
from ridgeway.studio.quiz.words import Language

# Numbers in questions are drawn for each attempt: the teacher sees one drawing as an example.
_EXAMPLE = 0


@dataclass(frozen=True)
class Label:
    """A counted answer in words.

    Attributes:
        text: HTML, safe.
        right: whether it is, or belongs to, the right answer.
    """

    text: Markup
    right: bool


def example(bank: Bank, question: str) -> DrawnQuestion | None:
    """A question with numbers as an attempt may get them; None where the bank has it no more."""
    try:
        return draw_question(bank, _EXAMPLE, question)
    except InputError:
        return None


def label(drawn: DrawnQuestion | None, words: Sequence[str], lang: Language) -> Label:
    """What the words of `ridgeway.studio.teacher.analysis.Choice` mean."""
    if drawn is None:
        return Label(escape(" → ".join(words)), False)
    try:
        if isinstance(drawn.question, Number):
            return _number(drawn, drawn.question, words[0], lang)
        texts, right = option_texts(drawn, lang), drawn.right
        if isinstance(right, dict):
            one, _, other = words[0].partition("=")
            left = Markup("[{}]").format(one) if isinstance(drawn.question, Code) else left_texts(drawn, lang)[one]
            return Label(Markup("{} → {}").format(left, texts[other]), right[one] == other)
        assert isinstance(right, tuple)
        if drawn.kind == "order":
            return Label(Markup(" → ").join(texts[one] for one in words), tuple(words) == right)
        return Label(texts[words[0]], words[0] in right)
    except (LookupError, ValueError):
        # The bank has changed since these answers were counted.
        return Label(escape(" → ".join(words)), False)


def _number(drawn: DrawnQuestion, question: Number, word: str, lang: Language) -> Label:
    translate = translator(lang)
    if word == "right":
        return Label(Markup("{}: <code>{}</code>").format(translate(N_("correct")), question.answer), True)
    if word == "other":
        return Label(escape(translate(N_("another number"))), False)
    wrong = question.wrong[int(word.removeprefix("wrong-")) - 1]
    why = inline(fill(wrong.misconception.in_language(lang), drawn.values))
    return Label(Markup("<code>{}</code> {}").format(wrong.value, why), False)
