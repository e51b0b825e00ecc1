"""A learner's data deleted, or made anonymous, at their wish; and the record of what teachers did."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from ridgeway.studio.storage import Event, Learner, Storage, Teacher, now

#: What stands in the place of a name that was taken out.
NOBODY = "–"


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
