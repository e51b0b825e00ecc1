"""Forgetting: what is older than a class's number of days goes, or than the studio's where the class has none."""

from __future__ import annotations

import datetime

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from ridgeway.studio.storage.clock import now
from ridgeway.studio.storage.models import Attempt, Classroom, Event, Learner, TeacherSession
from ridgeway.studio.storage.store import Storage

#: A login ends after so long without a request, and in any case after so long.
IDLE = datetime.timedelta(hours=12)
LONGEST = datetime.timedelta(days=7)


def remove_old(storage: Storage, days: int, moment: datetime.datetime | None = None) -> int:
    """Removes attempts that started more than so many days ago, and learners who have none left.

    Records of what teachers did go after the studio's days, and logins that have ended.

    Args:
        storage: the database.
        days: how long the studio keeps learners' data where their class doesn't say otherwise; 0 keeps them.
        moment: from which to count; now unless given.

    Returns:
        How many attempts were removed.
    """
    moment = moment or now()
    removed = 0
    with storage.writing() as session:
        session.execute(
            delete(TeacherSession).where(
                (TeacherSession.used_at < moment - IDLE) | (TeacherSession.created_at < moment - LONGEST)
            )
        )
        for own in {None, *session.scalars(select(Classroom.retention_days))}:
            kept = days if own is None else own
            if kept > 0:
                removed += _remove(session, _learners_of(own), moment - datetime.timedelta(days=kept))
        if days > 0:
            session.execute(delete(Event).where(Event.at < moment - datetime.timedelta(days=days)))
    return removed


def _learners_of(days: int | None) -> ColumnElement[bool]:
    """Learners whose class keeps their data so long; None: those whose class doesn't say, or who have none."""
    classes = select(Classroom.id).where(Classroom.retention_days.is_not_distinct_from(days))
    of_class = Learner.class_id.in_(classes)
    return of_class if days is not None else of_class | Learner.class_id.is_(None)


def _remove(session: Session, whose: ColumnElement[bool], oldest: datetime.datetime) -> int:
    learners = select(Learner.id).where(whose)
    old = delete(Attempt).where(Attempt.started_at < oldest, Attempt.learner_id.in_(learners))
    removed = session.scalars(old.returning(Attempt.id)).all()
    # A learner's row is made in one transaction with the first attempt: none without is about to get one.
    without = ~exists(select(Attempt.id).where(Attempt.learner_id == Learner.id))
    session.execute(delete(Learner).where(whose, without, Learner.consented_at < oldest))
    return len(removed)
