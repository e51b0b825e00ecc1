"""Item analysis: how hard each question is, and whether it tells who knows the subject.

Pure functions of graded answers. Every learner counts once, with the first attempt: later ones have seen explanations.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: Below so many answers discrimination and correlation are noise, and are not shown.
ENOUGH = 20
#: Share of the attempts at each end that the discrimination index compares (Kelley 1939).
ENDS = 0.27

TOO_HARD, TOO_EASY, WEAK = "too_hard", "too_easy", "weak"
_HARD, _EASY, _WEAK = 0.2, 0.95, 0.1

# Orders of five things are 120: the most frequent are listed.
_MOST = 8


@dataclass(frozen=True)
class Graded:
    """One question in one attempt.

    Attributes:
        attempt: the attempt's number.
        question: the question's id.
        points: from 0 to 1.
        chosen: the answer in words that mean the same in all attempts, as `ridgeway.studio.quiz.chosen` gives it; empty
            where it was left open.
    """

    attempt: int
    question: str
    points: float
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """An answer, or a part of one, and how many gave it.

    Attributes:
        key: one word, or all words of an order.
        count: who gave it.
        share: of all who had the question.
    """

    key: tuple[str, ...]
    count: int
    share: float


@dataclass(frozen=True)
class Item:
    """What the attempts say about a question.

    Attributes:
        question: its id.
        count: attempts that had it.
        left_open: how many of them gave no answer.
        difficulty: p, the mean of the points: 0 nobody, 1 everybody.
        discrimination: D, mean points of the upper 27 % minus that of the lower 27 %; None below `ENOUGH` attempts.
        item_rest: r, correlation of the points with the share of points in the attempt's other questions; None below
            `ENOUGH` attempts or where one of the two doesn't vary.
        choices: what was answered, most frequent first.
        flags: `TOO_HARD` (p < 0.2), `TOO_EASY` (p > 0.95), `WEAK` (r < 0.1); none below `ENOUGH` attempts.
    """

    question: str
    count: int
    left_open: int
    difficulty: float
    discrimination: float | None
    item_rest: float | None
    choices: tuple[Choice, ...]
    flags: tuple[str, ...]

    @property
    def too_few(self) -> bool:
        """Whether there are too few attempts to say more than p."""
        return self.count < ENOUGH


def analyse(answers: Iterable[Graded], kinds: Mapping[str, str]) -> list[Item]:
    """Each question's figures, in the order of the ids.

    Args:
        answers: of first attempts, each attempt with all of its questions, those left open included.
        kinds: kind of each question by its id.
    """
    by_question: dict[str, list[Graded]] = defaultdict(list)
    totals: dict[int, float] = defaultdict(float)
    counts: dict[int, int] = defaultdict(int)
    for one in answers:
        by_question[one.question].append(one)
        totals[one.attempt] += one.points
        counts[one.attempt] += 1
    items = []
    for question in sorted(by_question):
        had = by_question[question]
        points = np.array([one.points for one in had])
        total = np.array([totals[one.attempt] / counts[one.attempt] for one in had])
        rest = np.array([(totals[one.attempt] - one.points) / max(counts[one.attempt] - 1, 1) for one in had])
        enough = len(had) >= ENOUGH
        difficulty = float(points.mean())
        item_rest = correlation(points, rest) if enough else None
        items.append(
            Item(
                question=question,
                count=len(had),
                left_open=sum(not one.chosen for one in had),
                difficulty=difficulty,
                discrimination=discrimination(points, total) if enough else None,
                item_rest=item_rest,
                choices=choices([one.chosen for one in had], kinds.get(question, "")),
                flags=_flags(difficulty, item_rest) if enough else (),
            )
        )
    return items


@dataclass(frozen=True)
class OfTopic:
    """What the attempts say about a topic.

    Attributes:
        questions: of it that were drawn.
        count: answers, those left open included.
        share: of the points.
    """

    questions: int
    count: int
    share: float


def by_topic(answers: Iterable[Graded], topics: Mapping[str, str]) -> dict[str, OfTopic]:
    """Each topic's share of the points. A topic has many more answers than one of its questions.

    Args:
        answers: of first attempts.
        topics: of each question by its id; questions without are left out.
    """
    found: dict[str, list[Graded]] = defaultdict(list)
    for one in answers:
        if one.question in topics:
            found[topics[one.question]].append(one)
    return {
        topic: OfTopic(len({one.question for one in had}), len(had), sum(one.points for one in had) / len(had))
        for topic, had in found.items()
    }


def discrimination(points: np.ndarray, totals: np.ndarray) -> float:
    """Mean points of the upper 27 % by total minus that of the lower 27 %.

    Attempts that tie at the border of a group share its last places, so that the order of the rows plays no part.
    """
    size = max(1, round(ENDS * len(points)))
    return float((_last_places(totals, size) - _last_places(-totals, size)) @ points / size)


def _last_places(values: np.ndarray, size: int) -> np.ndarray:
    """Weights of the `size` largest values, 1 each, those that tie for the last places less."""
    values = np.round(values, 9)
    border = np.sort(values)[-size]
    above, at = values > border, values == border
    return above + at * (size - above.sum()) / at.sum()


def correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Pearson's r; None where one of the two doesn't vary."""
    one, other = one - one.mean(), other - other.mean()
    length = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / length if length > 1e-12 else None


def choices(answers: Sequence[tuple[str, ...]], kind: str) -> tuple[Choice, ...]:
    """How often each option, pair, number or order was given.

    Args:
        answers: words of each answer; empty for none.
        kind: of the question: an order is counted whole, and only the most frequent ones are listed.
    """
    counted: Counter[tuple[str, ...]] = Counter()
    for words in answers:
        counted.update([words] if kind == "order" and words else [(one,) for one in words])
    listed = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    if kind == "order":
        listed = listed[:_MOST]
    return tuple(Choice(key, count, count / len(answers)) for key, count in listed)


def _flags(difficulty: float, item_rest: float | None) -> tuple[str, ...]:
    found = []
    if difficulty < _HARD:
        found.append(TOO_HARD)
    if difficulty > _EASY:
        found.append(TOO_EASY)
    if item_rest is not None and item_rest < _WEAK:
        found.append(WEAK)
    return tuple(found)
