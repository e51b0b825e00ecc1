"""A learner's data handed out, deleted or made anonymous, at their wish; and the record of what teachers did."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from ridgeway.studio.quiz import attempts
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.result import in_short
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.storage import Answer, Attempt, Base, Classroom, Event, Learner, Storage, Teacher, now
from ridgeway.studio.teacher.classes import Entered

#: What stands in the place of a name that was taken out.
NOBODY = "–"


# What opens an attempt, what tells its key, and what is made of name and affiliation to look them up.
_NOT_HANDED_OUT = {
    "learners": {"name_key", "affiliation_key", "identity"},
    "attempts": {"code", "seed", "drawn"},
    "answers": {"id", "attempt_id"},
}


def record(session: Session, teacher: Teacher, what: str, about: str = "") -> None:
    """Writes down what a teacher did; no learner's name is kept in it."""
    session.add(Event(teacher=teacher.name, what=what, about=about[:200]))


def delete_learner(storage: Storage, teacher: Teacher, learner_id: int) -> bool:
    """Removes a learner with all attempts and answers; whether there was one."""
    with storage.writing() as session:
        learner = session.get(Learner, learner_id)
        if learner is None:
            return False
        session.delete(learner)
        record(session, teacher, "delete learner", f"learner {learner_id}")
        return True


def anonymize_learner(storage: Storage, teacher: Teacher, learner_id: int) -> bool:
    """Takes name and affiliation out and leaves the answers, for item analysis; whether there was such a learner."""
    with storage.writing() as session:
        learner = session.scalars(select(Learner).where(Learner.id == learner_id).with_for_update()).one_or_none()
        if learner is None:
            return False
        learner.name = learner.affiliation = NOBODY
        learner.name_key = learner.affiliation_key = ""
        learner.identity = f"anonymous:{learner.id}"
        learner.anonymized_at = now()
        record(session, teacher, "anonymize learner", f"learner {learner_id}")
        return True


def days_kept(of: Classroom | Entered | None, studio_days: int) -> int:
    """For how many days from an attempt's start data are kept; 0 until a teacher deletes them.

    Args:
        of: a class, as it is or as it was entered; None for learners outside all classes.
        studio_days: where the class doesn't say.
    """
    own = of.retention_days if of else None
    return studio_days if own is None else own


def answers_of(session: Session, learner_id: int) -> int:
    """How many answers a learner gave, in all attempts."""
    query = select(func.count(Answer.id)).join(Answer.attempt)
    return session.scalar(query.where(Attempt.learner_id == learner_id, Answer.value.is_not(None))) or 0


def all_kept(session: Session, learner: Learner, bank: Bank, lang: Language, days: int) -> dict[str, Any]:
    """All that is kept of a learner, by the names of the database, and what each question was.

    Whatever a table gets in future is in it without a change here. Left out is only what opens an attempt, what tells
    its key, and what is computed of name and affiliation.

    Args:
        session: a transaction.
        learner: whose data.
        bank: for the questions' texts.
        lang: of these.
        days: of retention; 0 for no end.
    """
    taken = session.scalars(
        select(Attempt).where(Attempt.learner_id == learner.id).order_by(Attempt.started_at, Attempt.id)
    ).all()
    abouts = [f"learner {learner.id}", *(f"attempt {one.id}" for one in taken)]
    events = session.scalars(select(Event).order_by(Event.at, Event.id)).all()
    return {
        "learner": _row(learner),
        "class": {"name": learner.classroom.name, "code": learner.classroom.code} if learner.classroom else None,
        "days_kept": days or None,
        "attempts": [{**_row(one), "answers": _answers(session, one, bank, lang)} for one in taken],
        "what_teachers_did": [_row(one) for one in events if one.about.partition(":")[0] in abouts],
    }


def _answers(session: Session, attempt: Attempt, bank: Bank, lang: Language) -> list[dict[str, Any]]:
    rows = {one.question: one for one in session.scalars(select(Answer).where(Answer.attempt_id == attempt.id))}
    try:
        texts = {one.id: str(in_short(one.shown(lang).text)) for one in attempts.drawn_for(bank, attempt)}
    except attempts.BankChanged:
        texts = {}
    return [
        {"text": texts.get(question), "question": question, **(_row(rows[question]) if question in rows else {})}
        for question in attempt.questions
    ]


def _row(row: Base) -> dict[str, Any]:
    hidden = _NOT_HANDED_OUT.get(row.__tablename__, set())
    values = {one.key: getattr(row, one.key) for one in inspect(type(row)).columns if one.key not in hidden}
    return {
        name: value.isoformat() if isinstance(value, datetime.datetime) else value for name, value in values.items()
    }
