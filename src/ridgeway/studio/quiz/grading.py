"""Answers: their form checked, and their points.

An answer is JSON, by kind:

- single: the id of an option;
- several: a list of ids of options;
- number: the text that was typed;
- order: a list of ids of items, the first one first; items may be missing while it is being filled in;
- match: an object from ids of left sides to ids of right sides; left sides may be missing;
- code: an object from gaps to ids of tokens; gaps may be missing.

None, and a blank text for a number, stand for a question that is not answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ridgeway.studio.quiz.draw import DrawnQuestion, Right
from ridgeway.studio.quiz.numbers import parse_number
from ridgeway.studio.quiz.questions import Code, Match, Number, Order, Several, Single
from ridgeway.studio.quiz.words import MalformedAnswer


@dataclass(frozen=True)
class Grade:
    """What an answer is worth.

    Attributes:
        points: from 0 to 1.
        right: wholly right.
        answered: whether there was an answer.
    """

    points: float
    right: bool
    answered: bool


def check_answer(drawn: DrawnQuestion, answer: Any) -> None:
    """Refuses an answer that has not the form of its question; whether it is right plays no part.

    Raises:
        MalformedAnswer: an `InputError` with a message in both languages.
    """
    _read(drawn, answer)


def grade(drawn: DrawnQuestion, answer: Any) -> Grade:
    """Points for an answer.

    - single, number: all or nothing. A number is right within the question's tolerance.
    - several: with c right options and i wrong ones, max(0, hits/c − false/i): ticking everything gives nothing.
    - order: of all pairs of items, (pairs in the right order − pairs in the wrong one) / pairs, at least 0; items that
      are missing are in no order.
    - match, code: the share of left sides, or gaps, that got what belongs to them.

    Raises:
        MalformedAnswer: it has not the form of its question.
    """
    read = _read(drawn, answer)
    if read is None:
        return Grade(0.0, False, False)
    points = _points(drawn, read)
    return Grade(points, points == 1, True)


def chosen(drawn: DrawnQuestion, answer: Any) -> tuple[str, ...]:
    """What was chosen, by keys that are the same in all attempts, for counting.

    Keys of options for single, several and order; `left=right` for match, `gap=token` for code; for a number `right`,
    `wrong-1`, `wrong-2`, … for the known mistakes in the order of the bank, else `other`.

    Raises:
        MalformedAnswer: it has not the form of its question.
    """
    read = _read(drawn, answer)
    if read is None:
        return ()
    if isinstance(read, float):
        if is_right(drawn, read):
            return ("right",)
        mistake = known_mistake(drawn, read)
        return ("other",) if mistake is None else (f"wrong-{mistake + 1}",)
    if isinstance(read, dict):
        return tuple(f"{one}={other}" for one, other in sorted(read.items()))
    return tuple(sorted(read)) if drawn.kind == "several" else tuple(read)


def is_right(drawn: DrawnQuestion, value: float) -> bool:
    """Whether a number lies within the tolerance of the right one."""
    right = drawn.right
    assert isinstance(right, int | float) and isinstance(drawn.question, Number)
    return abs(value - right) <= drawn.question.tolerance.around(right)


def known_mistake(drawn: DrawnQuestion, value: float) -> int | None:
    """The place of the known mistake that leads to a number."""
    assert isinstance(drawn.question, Number)
    tolerance = drawn.question.tolerance
    near = [place for place, wrong in enumerate(drawn.wrong) if abs(value - wrong) <= tolerance.around(wrong)]
    return near[0] if near else None


def read_answer(drawn: DrawnQuestion, answer: Any) -> Right | None:
    """An answer in the terms of the key; None where there is none.

    Raises:
        MalformedAnswer: it has not the form of its question.
    """
    return _read(drawn, answer)


def _read(drawn: DrawnQuestion, answer: Any) -> Right | None:
    if answer is None:
        return None
    match drawn.question:
        case Single():
            return (_key(drawn.keys, answer),)
        case Several() | Order():
            if not isinstance(answer, list | tuple):
                raise MalformedAnswer("form")
            keys = tuple(_key(drawn.keys, one) for one in answer)
            if len(set(keys)) < len(keys):
                raise MalformedAnswer("twice")
            return keys or None
        case Match():
            return _joined(answer, drawn.left_keys, drawn.keys)
        case Code(gaps=gaps):
            return _joined(answer, {gap: gap for gap in gaps}, drawn.keys)
        case Number(unit=unit):
            if not isinstance(answer, str):
                raise MalformedAnswer("form")
            return parse_number(answer, unit.words() if unit else ()) if answer.strip() else None
    raise MalformedAnswer("form")


def _joined(answer: Any, left: Mapping[str, str], right: Mapping[str, str]) -> dict[str, str] | None:
    if not isinstance(answer, dict):
        raise MalformedAnswer("form")
    return {_key(left, one): _key(right, other) for one, other in answer.items()} or None


def _key(keys: Mapping[str, str], given: Any) -> str:
    if not isinstance(given, str):
        raise MalformedAnswer("form")
    if given not in keys:
        raise MalformedAnswer("choice")
    return keys[given]


def _points(drawn: DrawnQuestion, read: Right) -> float:
    right = drawn.right
    if isinstance(read, float):
        return float(is_right(drawn, read))
    if isinstance(read, dict):
        assert isinstance(right, dict)
        return sum(read.get(one) == other for one, other in right.items()) / len(right)
    assert isinstance(right, tuple)
    if drawn.kind == "order":
        place = {key: number for number, key in enumerate(read)}
        pairs = list(combinations(right, 2))
        there = [(one, other) for one, other in pairs if one in place and other in place]
        agree = sum(place[one] < place[other] for one, other in there)
        return max(0, 2 * agree - len(there)) / len(pairs)
    if drawn.kind == "several":
        hits = sum(key in right for key in read)
        return max(0.0, hits / len(right) - (len(read) - hits) / (len(drawn.order) - len(right)))
    return float(read == right)
