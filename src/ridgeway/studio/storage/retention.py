"""Forgetting: what is older than the teacher's number of days goes."""

from __future__ import annotations

import datetime

from sqlalchemy import delete, exists, select

from ridgeway.studio.storage.clock import now
from ridgeway.studio.storage.models import Attempt, Event, Learner, TeacherSession
from ridgeway.studio.storage.store import Storage

#: A login ends after so long without a request, and in any case after so long.
IDLE = datetime.timedelta(hours=12)
LONGEST = datetime.timedelta(days=7)


def remove_old(storage: Storage, days: int, moment: datetime.datetime | None = None) -> int:
    """Removes attempts that started more than so many days ago, and learners who have none left.

    Records of what teachers did go after as many days, and logins that have ended.

    Args:
        storage: the database.
        days: how long learners' data are kept; 0 keeps them.
        moment: from which to count; now unless given.

    Returns:
        How many attempts were removed.
    """
    moment = moment or now()
    with storage.writing() as session:
        session.execute(
            delete(TeacherSession).where(
                (TeacherSession.used_at < moment - IDLE) | (TeacherSession.created_at < moment - LONGEST)
            )
        )
        if days <= 0:
            return 0
        oldest = moment - datetime.timedelta(days=days)
        removed = session.scalars(delete(Attempt).where(Attempt.started_at < oldest).returning(Attempt.id)).all()
        session.execute(delete(Event).where(Event.at < oldest))
        # A learner's row is made in one transaction with the first attempt: none without is about to get one.
        without = ~exists(select(Attempt.id).where(Attempt.learner_id == Learner.id))
        session.execute(delete(Learner).where(without, Learner.consented_at < oldest))
        return len(removed)
