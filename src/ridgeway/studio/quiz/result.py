"""What a learner is shown after handing in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from ridgeway.errors import InputError
from ridgeway.studio.quiz.attempts import Standing
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.explaining import Explained, explained
from ridgeway.studio.quiz.shown import Shown
from ridgeway.studio.quiz.words import Language

_BLOCKS = re.compile(r"</(?:p|pre)>|<br>")

RIGHT, PARTLY, WRONG, OPEN = "right", "partly", "wrong", "open"


@dataclass(frozen=True)
class Row:
    """One question of the result.

    Attributes:
        number: from 1.
        shown: the question as it stood there.
        explained: own and right answer, explanation, misconceptions.
        points: as graded at handing in.
        outcome: `RIGHT`, `PARTLY`, `WRONG` or `OPEN`.
    """

    number: int
    shown: Shown
    explained: Explained
    points: float
    outcome: str


@dataclass(frozen=True)
class Topic:
    """Points of one topic.

    Attributes:
        name: in the language of the page.
        lesson: where to read on.
        points: reached.
        questions: most that could be reached.
    """

    name: str
    lesson: str
    points: float
    questions: int

    @property
    def share(self) -> float:
        """Of the points."""
        return self.points / self.questions


def rows(standing: Standing, bank: Bank, lang: Language) -> list[Row]:
    """Each question of a closed attempt, in order."""
    found = []
    for place, drawn in enumerate(standing.questions):
        value = standing.value(drawn.id)
        try:
            told = explained(drawn, value, lang, bank)
        except InputError:
            # An option that the bank has no more.
            value, told = None, explained(drawn, None, lang, bank)
        row = standing.answers.get(drawn.id)
        points = (row.points or 0.0) if row else 0.0
        outcome = OPEN if value is None else RIGHT if row and row.correct else PARTLY if points > 0 else WRONG
        found.append(Row(place + 1, drawn.shown(lang), told, points, outcome))
    return found


def in_short(text: Markup) -> str:
    """A question's text in one line, without its tags."""
    # A paragraph's end parts words; the end of `code` or **strong** doesn't.
    # As a plain string: pieces of Markup would be escaped when they are joined.
    return Markup(_BLOCKS.sub(r"\g<0> ", str(text))).striptags()


def topics(graded: list[Row], bank: Bank, lang: Language) -> list[Topic]:
    """Points by topic, in the order of the lecture."""
    found = []
    for topic, name in bank.topics.items():
        of_topic = [one for one in graded if one.explained.topic == topic]
        if of_topic:
            points = sum(one.points for one in of_topic)
            found.append(Topic(name.in_language(lang), of_topic[0].explained.lesson, points, len(of_topic)))
    return found
