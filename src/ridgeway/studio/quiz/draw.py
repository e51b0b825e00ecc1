"""Which questions an attempt gets, in which order, with which numbers: all of it a function of a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from ridgeway.errors import InputError
from ridgeway.studio.quiz.bank import Bank, FigureData
from ridgeway.studio.quiz.chance import Chance, opaque_id
from ridgeway.studio.quiz.expressions import Value, evaluate
from ridgeway.studio.quiz.questions import Code, Match, Number, Order, Question, Several, Single
from ridgeway.studio.quiz.shown import Shown, show
from ridgeway.studio.quiz.words import Language

_TRIES = 500

Right = tuple[str, ...] | dict[str, str] | float


@dataclass(frozen=True)
class DrawnQuestion:
    """A question of one attempt: the server's side, key included. Only what `shown` gives may leave the server.

    Attributes:
        question: as the bank has it.
        seed: of the attempt.
        values: the parameters that were drawn, the rows of its figure, and what is computed from them; a number's
            right value is `answer`.
        wrong: a number's known wrong values, in the order of the bank.
        order: keys of options, items, right sides or tokens in the order in which they are shown.
        left: keys of left sides in the order in which they are shown.
        figure: the real run it shows.
        right: the key: keys of options or items, partners by left side, tokens by gap, or the number.
    """

    question: Question
    seed: int
    values: Mapping[str, Value]
    wrong: tuple[float, ...]
    order: tuple[str, ...]
    left: tuple[str, ...]
    figure: FigureData | None
    right: Right

    @property
    def id(self) -> str:
        """The question's id in the bank, to store with the attempt."""
        return self.question.id

    @property
    def kind(self) -> str:
        """One of single, several, number, order, match, code. Any of them may have a figure to read."""
        return self.question.kind

    @property
    def topic(self) -> str:
        """What it counts for in the result."""
        return self.question.topic

    @property
    def lesson(self) -> str:
        """Where to read on."""
        return self.question.lesson

    def opaque(self, side: str, key: str) -> str:
        """What the browser calls an option, item, token, left or right side: nothing can be read from it."""
        return opaque_id(self.seed, self.id, side, key)

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """The key of each opaque id of options, items, tokens and right sides."""
        return MappingProxyType({self.opaque("option", key): key for key in self.order})

    @cached_property
    def left_keys(self) -> Mapping[str, str]:
        """The key of each opaque id of left sides."""
        return MappingProxyType({self.opaque("left", key): key for key in self.left})

    def shown(self, lang: Language) -> Shown:
        """What the learner sees, and nothing of what is right."""
        return show(self, lang)


def draw(bank: Bank, seed: int, count: int = 15) -> tuple[DrawnQuestion, ...]:
    """The questions of an attempt, in order.

    Topics take turns in a random order, so that their numbers differ by one at most while all have questions to take;
    of questions with the same `alternatives` one is taken as long as there are others. The same seed and bank give the
    same attempt on every machine.

    Args:
        bank: the questions.
        seed: of the attempt; whoever knows it can compute the ids of the options, so it stays on the server.
        count: how many.

    Raises:
        InputError: the bank has not so many questions.
    """
    if not 1 <= count <= len(bank.questions):
        raise InputError(f"{count} questions can't be drawn. Ask for 1 to {len(bank.questions)}, which the bank has.")
    chance = Chance(seed, "questions")
    pools = {topic: chance.shuffled(_of_topic(bank, topic)) for topic in chance.shuffled(list(bank.topics))}
    chosen: list[Question] = []
    taken: set[str] = set()
    while len(chosen) < count:
        before = len(chosen)
        for pool in pools.values():
            at = next((place for place, one in enumerate(pool) if taken.isdisjoint(one.alternatives)), None)
            if at is not None and len(chosen) < count:
                question = pool.pop(at)
                chosen.append(question)
                taken.update(question.alternatives)
        if len(chosen) == before:
            # Only alternatives of questions that were taken are left.
            taken.clear()
    return tuple(draw_question(bank, seed, question.id) for question in chance.shuffled(chosen))


def draw_question(bank: Bank, seed: int, question_id: str) -> DrawnQuestion:
    """One question as an attempt with that seed gets it.

    What is drawn depends on the seed, on the question and on those that it is linked with: other questions of the bank
    change nothing.

    Raises:
        InputError: the bank has no question of that id, or no numbers are to be found for it.
    """
    question = bank.question(question_id)
    figure = bank.figures[question.figure] if question.figure else None
    values = _drawn_values(bank, question, seed)
    chance = Chance(seed, question.id, "order")
    keys, left = keys_of(question)
    order = chance.shuffled(keys)
    while isinstance(question, Order) and order == keys:
        order = chance.shuffled(keys)
    wrong = tuple(evaluate(one.value, values) for one in question.wrong) if isinstance(question, Number) else ()
    shown_left = tuple(chance.shuffled(left))
    right = _right(question, values)
    return DrawnQuestion(question, seed, MappingProxyType(values), wrong, tuple(order), shown_left, figure, right)


def values_from(bank: Bank, question: Question, parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Parameters, rows of the figure, what is computed from them, and a number's right value as `answer`.

    Raises:
        InputError: something can't be computed.
    """
    values: dict[str, Value] = {}
    if question.figure:
        figure = bank.figures[question.figure]
        values = {"at": figure.at, **{series.id: series.values for series in figure.series}}
    values.update(parameters)
    for name, expression in question.computed.items():
        values[name] = evaluate(expression, values)
    if isinstance(question, Number):
        values["answer"] = evaluate(question.answer, values)
    return values


def told_apart(question: Number, values: Mapping[str, Value]) -> bool:
    """Whether no number counts as right and as a known mistake at once, or as two known mistakes."""
    numbers = [values["answer"], *(evaluate(one.value, values) for one in question.wrong)]
    found = [float(one) for one in numbers if not isinstance(one, tuple)]
    reach = [question.tolerance.around(one) for one in found]
    return all(
        abs(found[one] - found[other]) > reach[one] + reach[other]
        for one in range(len(found))
        for other in range(one + 1, len(found))
    )


def linked_questions(bank: Bank, question: Question) -> tuple[Question, ...]:
    """The question and those that get the same values."""
    if question.linked is None:
        return (question,)
    return tuple(one for one in bank.questions.values() if one.linked == question.linked)


def _drawn_values(bank: Bank, question: Question, seed: int) -> dict[str, Value]:
    group = linked_questions(bank, question)
    stream = question.linked or question.id
    for attempt in range(_TRIES):
        drawn = [
            (
                one,
                values_from(
                    bank,
                    one,
                    {
                        name: Chance(seed, stream, "values", attempt, name).pick(one.choices(name))
                        for name in one.parameters
                    },
                ),
            )
            for one in group
        ]
        # Linked questions keep or draw anew together, or their numbers would part.
        if all(told_apart(one, values) for one, values in drawn if isinstance(one, Number)):
            return next(values for one, values in drawn if one.id == question.id)
    raise InputError(f"No numbers for question {question.id!r} keep its wrong values apart. Widen its parameters.")


def _of_topic(bank: Bank, topic: str) -> list[Question]:
    return [question for question in bank.questions.values() if question.topic == topic]


def _right(question: Question, values: Mapping[str, Value]) -> Right:
    match question:
        case Single(options=options) | Several(options=options):
            return tuple(one.id for one in options if one.right)
        case Order(items=items):
            return tuple(one.id for one in items)
        case Match(pairs=pairs):
            return {one.id: one.id for one in pairs}
        case Code(gaps=gaps):
            return dict(gaps)
    value = values["answer"]
    assert not isinstance(value, tuple)
    return value


def keys_of(question: Question) -> tuple[list[str], list[str]]:
    """Keys of options, items, right sides or tokens, and those of left sides, in the order of the bank."""
    match question:
        case Single() | Several():
            return [one.id for one in question.options], []
        case Order():
            return [one.id for one in question.items], []
        case Match():
            pairs = [one.id for one in question.pairs]
            return [*pairs, *(one.id for one in question.distractors)], pairs
        case Code():
            return [one.id for one in question.tokens], []
    return [], []
