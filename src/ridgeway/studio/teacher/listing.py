"""What a teacher looks for: attempts by class, affiliation and words, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session, contains_eager

from ridgeway.studio.quiz.attempts import BANK
from ridgeway.studio.quiz.identity import key
from ridgeway.studio.storage import Answer, Attempt, Classroom, Learner
from ridgeway.studio.teacher.analysis import Graded

#: Attempts on a page.
PAGE = 50

#: What stands for "outside all classes" in a filter.
NONE = "none"

_STATES = ("open", "done")
_NUMBER = re.compile(r"(\d{1,9})-[0-9a-f]{8}")


@dataclass(frozen=True)
class Filter:
    """What to list.

    Attributes:
        classroom: number of a class, `NONE` for outside all classes, empty for all.
        affiliation: exactly this one, without regard to case; empty for all.
        words: a part of a name or an affiliation, or a certificate's number; empty for all.
        state: `open`, `done` or empty for both.
        sort: `started`, `name` or `points`.
    """

    classroom: str = ""
    affiliation: str = ""
    words: str = ""
    state: str = ""
    sort: str = "started"

    @property
    def query(self) -> str:
        """As it stands in an address."""
        given = {name: value for name, value in vars(self).items() if value and (name, value) != ("sort", "started")}
        return urlencode(given)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row must meet."""
        # What the bank closed was not taken.
        found: list[ColumnElement[bool]] = [Attempt.closed_by.is_distinct_from(BANK)]
        if self.classroom == NONE:
            found.append(Learner.class_id.is_(None))
        elif self.classroom:
            number = int(self.classroom) if self.classroom.isdecimal() and len(self.classroom) < 10 else 0
            found.append(Learner.class_id == number)
        # No row holds a NUL, and PostgreSQL takes none.
        affiliation, words = (" ".join(text.replace("\0", " ").split()) for text in (self.affiliation, self.words))
        if affiliation:
            found.append(Learner.affiliation_key == key(affiliation))
        if number_of := _NUMBER.fullmatch(words):
            found.append((Attempt.id == int(number_of[1])) & (Attempt.certificate == words.partition("-")[2]))
        elif words:
            text = key(words[:200])
            found.append(
                Learner.name_key.contains(text, autoescape=True)
                | Learner.affiliation_key.contains(text, autoescape=True)
            )
        if self.state in _STATES:
            done = Attempt.handed_in_at.is_not(None)
            found.append(done if self.state == "done" else ~done)
        return found

    def order(self) -> list[Any]:
        """How the rows are sorted."""
        newest = [Attempt.started_at.desc(), Attempt.id.desc()]
        return {
            "name": [Learner.name_key, *newest],
            "points": [
                case((Attempt.points.is_(None), 1), else_=0),
                (Attempt.points / func.nullif(_length(), 0)).desc(),
                *newest,
            ],
        }.get(self.sort, newest)


def _wanted(
    classroom: str = "", affiliation: str = "", words: str = "", state: str = "", sort: str = "started"
) -> Filter:
    return Filter(classroom, affiliation, words, state, sort)


#: A dependency: the filter that an address asks for.
Wanted = Annotated[Filter, Depends(_wanted)]


def _length() -> Any:
    """Questions of an attempt: those handed in have a row for each."""
    return select(func.count(Answer.id)).where(Answer.attempt_id == Attempt.id).correlate(Attempt).scalar_subquery()


@dataclass(frozen=True)
class Listed:
    """A page of attempts.

    Attributes:
        attempts: with their learners and classes.
        count: on all pages.
        page: which one, from 1.
        pages: how many.
    """

    attempts: list[Attempt]
    count: int
    page: int
    pages: int


def _attempts() -> Select[Attempt]:
    return (
        select(Attempt)
        .join(Attempt.learner)
        .outerjoin(Learner.classroom)
        .options(contains_eager(Attempt.learner).contains_eager(Learner.classroom))
    )


def listed(session: Session, wanted: Filter, page: int = 1) -> Listed:
    """A page of what a filter finds; the last one where there are not so many."""
    conditions = wanted.conditions()
    count = session.scalar(select(func.count(Attempt.id)).join(Attempt.learner).where(*conditions)) or 0
    pages = max(1, -(-count // PAGE))
    page = min(max(page, 1), pages)
    query = _attempts().where(*conditions).order_by(*wanted.order()).limit(PAGE).offset((page - 1) * PAGE)
    return Listed(list(session.scalars(query)), count, page, pages)


def every(session: Session, wanted: Filter) -> Iterator[Attempt]:
    """All that a filter finds, a few at a time."""
    return iter(
        session.scalars(
            _attempts().where(*wanted.conditions()).order_by(*wanted.order()).execution_options(yield_per=200)
        )
    )


def affiliations(session: Session, classroom: str = "") -> list[str]:
    """The affiliations there are, one of each spelling without regard to case."""
    conditions = Filter(classroom=classroom).conditions()
    query = (
        select(func.min(Learner.affiliation))
        .join(Attempt.learner)
        .where(*conditions, Learner.anonymized_at.is_(None))
        .group_by(Learner.affiliation_key)
        .order_by(Learner.affiliation_key)
        .limit(500)
    )
    return [one for one in session.scalars(query.select_from(Attempt)) if one]


@dataclass(frozen=True)
class Counts:
    """What there is of a class.

    Attributes:
        learners: who have started.
        attempts: open or handed in.
        done: attempts that are handed in.
    """

    learners: int = 0
    attempts: int = 0
    done: int = 0


def counts(session: Session) -> tuple[list[tuple[Classroom, Counts]], Counts]:
    """Each class, newest first, with its counts; and the counts outside all classes."""
    taken = Attempt.closed_by.is_distinct_from(BANK)
    query = (
        select(Learner.class_id, func.count(Learner.id.distinct()), func.count(Attempt.id), func.count(Attempt.points))
        .outerjoin(Attempt, (Attempt.learner_id == Learner.id) & taken)
        .group_by(Learner.class_id)
    )
    by_class = {class_id: Counts(*numbers) for class_id, *numbers in session.execute(query)}
    classes = session.scalars(select(Classroom).order_by(Classroom.created_at.desc(), Classroom.id.desc()))
    return [(one, by_class.get(one.id, Counts())) for one in classes], by_class.get(None, Counts())


def first_answers(session: Session, wanted: Filter) -> list[Graded]:
    """The graded answers of each learner's first attempt that is handed in.

    A learner whose first one was opened again after its result had been seen knew the key, and has no first attempt.
    """
    conditions = [*wanted.conditions(), Attempt.points.is_not(None)]
    attempts = session.execute(
        select(Attempt.id, Attempt.learner_id, Attempt.handed_in_at, Attempt.result_seen_at)
        .join(Attempt.learner)
        .where(*conditions)
        .order_by(Attempt.started_at, Attempt.id)
    )
    first: dict[int, int | None] = {}
    for attempt_id, learner_id, handed_in_at, seen_at in attempts:
        knew = seen_at is not None and handed_in_at is not None and seen_at < handed_in_at
        first.setdefault(learner_id, None if knew else attempt_id)
    wanted_ids = set(first.values())
    answers = session.execute(
        select(Answer.attempt_id, Answer.question, Answer.points, Answer.chosen)
        .join(Answer.attempt)
        .join(Attempt.learner)
        .where(*conditions, Answer.points.is_not(None))
        .execution_options(yield_per=1000)
    )
    return [
        Graded(attempt_id, question, points or 0.0, tuple(chosen or ()))
        for attempt_id, question, points, chosen in answers
        if attempt_id in wanted_ids
    ]
