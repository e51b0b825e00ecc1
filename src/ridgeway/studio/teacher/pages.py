"""What the teacher's pages share."""

from __future__ import annotations

from typing import cast

from fastapi import HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from ridgeway.studio.i18n import language
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.storage import NUMBERS, Classroom, Teacher, storage_of
from ridgeway.studio.teacher import privacy


def lang_of(request: Request) -> Language:
    """The language of the page."""
    return cast(Language, language(request))


def record(request: Request, teacher: Teacher, what: str, about: str) -> None:
    """Writes down what a teacher did, in a transaction of its own."""
    with storage_of(request.app).writing() as session:
        privacy.record(session, teacher, what, about)


def class_of(session: Session, class_id: int, lock: bool = False) -> Classroom:
    """The class of a number; 404 where there is none."""
    query = select(Classroom).where(Classroom.id == class_id)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none() if class_id < NUMBERS else None
    if found is None:
        raise HTTPException(404)
    return found


def all_classes(session: Session) -> list[Classroom]:
    """The classes by name."""
    return list(session.scalars(select(Classroom).order_by(Classroom.name, Classroom.id)))
