"""What was drawn for an attempt, as its row keeps it: whatever becomes of the bank, it is shown and graded by this.

Only wording comes from the bank: texts, explanations, misconceptions, the words of a unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ridgeway.errors import InputError
from ridgeway.studio.quiz.bank import Bank, FigureData
from ridgeway.studio.quiz.draw import DrawnQuestion, draw_question, keys_of
from ridgeway.studio.quiz.expressions import Value
from ridgeway.studio.quiz.questions import Code, Number, Question, Tolerance


class QuestionChanged(InputError):
    """The bank's question doesn't go with what was drawn from it any more."""


def kept(drawn: DrawnQuestion) -> dict[str, Any]:
    """A drawn question as JSON, key included: it stays on the server."""
    question = drawn.question
    return {
        "kind": drawn.kind,
        "values": dict(drawn.values),
        "wrong": drawn.wrong,
        "order": drawn.order,
        "left": drawn.left,
        "right": drawn.right,
        "tolerance": question.tolerance.model_dump() if isinstance(question, Number) else None,
    }


def drawn_from(bank: Bank, seed: int, question_id: str, keeps: Mapping[str, Any]) -> DrawnQuestion:
    """The question again, from what `kept` gave.

    Raises:
        QuestionChanged: the bank has it no more, or none of its words for what was drawn.
    """
    question = bank.questions.get(question_id)
    values = {name: _value(one) for name, one in keeps["values"].items()}
    order, left, right = tuple(keeps["order"]), tuple(keeps["left"]), keeps["right"]
    if question is None or question.kind != keeps["kind"] or not _has_words(question, values, order, left, right):
        raise QuestionChanged(f"Question {question_id!r} is not what it was when it was drawn.")
    if isinstance(question, Number):
        question = question.model_copy(update={"tolerance": Tolerance(**keeps["tolerance"])})
    return DrawnQuestion(
        question,
        seed,
        MappingProxyType(values),
        tuple(keeps["wrong"]),
        order,
        left,
        _figure(bank.figures[question.figure], values) if question.figure else None,
        tuple(right) if isinstance(right, list | tuple) else right,
    )


def mended(bank: Bank, old: DrawnQuestion) -> DrawnQuestion:
    """The question with the key that the bank has now, where the learner was asked the same; else as it was.

    The same: it was drawn with the same numbers, options, left sides and figure. Its words may have changed.
    """
    try:
        fresh = draw_question(bank, old.seed, old.id)
    except InputError:
        return old
    asked = [*old.question.parameters, *(("at", *(one.id for one in old.figure.series)) if old.figure else ())]
    same = (
        all(fresh.values.get(name) == old.values.get(name) for name in asked)
        and set(fresh.order) == set(old.order)
        and set(fresh.left) == set(old.left)
    )
    # In the order in which they were shown.
    return replace(fresh, order=old.order, left=old.left) if same else old


def _has_words(
    question: Question, values: Mapping[str, Value], order: Iterable[str], left: Iterable[str], right: Any
) -> bool:
    options, sides = keys_of(question)
    return (
        values.keys() >= {*question.parameters, *question.computed, *(("at",) if question.figure else ())}
        and set(order) <= set(options)
        and set(left) <= set(sides)
        and (not isinstance(question, Code) or set(right) == set(question.gaps))
    )


def _value(kept_value: Any) -> Value:
    return tuple(kept_value) if isinstance(kept_value, list) else kept_value


def _figure(now: FigureData, values: Mapping[str, Value]) -> FigureData:
    """The figure with the numbers that the learner saw; a line that came to it since is left out."""
    series = tuple(
        one.model_copy(update={"values": values[one.id]}) for one in now.series if isinstance(values.get(one.id), tuple)
    )
    return now.model_copy(update={"at": values["at"], "series": series})
