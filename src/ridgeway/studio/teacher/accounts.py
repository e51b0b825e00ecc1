"""Teachers' accounts and logins.

A login is a row of its own, so that logging out ends it, and the cookie holds a random number of which the database
keeps only the hash. Each login makes a new one: a number planted before is worth nothing.
"""

from __future__ import annotations

import datetime
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import selectinload

from ridgeway.errors import InputError
from ridgeway.studio.quiz.codes import hashed
from ridgeway.studio.quiz.identity import NameRefused, clean
from ridgeway.studio.storage import Event, Storage, Teacher, TeacherSession, now
from ridgeway.studio.storage.retention import IDLE, LONGEST

#: Fewest characters of a password, and most: argon2 takes any number, a server's time doesn't.
SHORTEST, LONGEST_PASSWORD = 10, 200

# How often a login's last use is written down.
_STEP = datetime.timedelta(minutes=5)


@cache
def _hasher() -> PasswordHasher:
    # RFC 9106's second choice: 64 MiB, three passes.
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex())


def add(storage: Storage, name: str, password: str, replace: bool = False) -> None:
    """Makes an account, or with `replace` gives it a new password and ends its logins.

    Raises:
        InputError: the name is taken or no name, there is none to replace, or the password is too short or too long.
    """
    try:
        name = clean(name)
    except NameRefused as error:
        raise InputError(f"{name!r} can't be a teacher's name: {error}") from error
    if not SHORTEST <= len(password) <= LONGEST_PASSWORD:
        raise InputError(
            f"The password has {len(password)} characters; choose one of {SHORTEST} to {LONGEST_PASSWORD}."
        )
    secret = _hasher().hash(password)
    with storage.writing() as session:
        found = session.scalars(select(Teacher).where(Teacher.name == name).with_for_update()).one_or_none()
        if found and not replace:
            raise InputError(f"There is a teacher {name!r} already. Choose another name.")
        if replace and not found:
            raise InputError(f"There is no teacher {name!r} to give a new password. Check the name.")
        if found:
            found.password = secret
            session.execute(delete(TeacherSession).where(TeacherSession.teacher_id == found.id))
        else:
            session.add(Teacher(name=name, password=secret))


def exists_account(storage: Storage, name: str) -> bool:
    """Whether there is a teacher of a name."""
    with storage.reading() as session:
        return bool(session.scalar(select(exists(select(Teacher.id).where(Teacher.name == name)))))


def any_account(storage: Storage) -> bool:
    """Whether there is a teacher at all."""
    with storage.reading() as session:
        return bool(session.scalar(select(exists(select(Teacher.id)))))


def log_in(storage: Storage, name: str, password: str) -> str | None:
    """A new login's number for the cookie, or None where name and password don't belong together.

    It takes as long for a name that there isn't.
    """
    try:
        name = clean(name)
    except NameRefused:
        name = ""
    with storage.reading() as session:
        teacher = session.scalars(select(Teacher).where(Teacher.name == name)).one_or_none()
    stored = teacher.password if teacher else _nobody()
    try:
        _hasher().verify(stored, password[: LONGEST_PASSWORD + 1])
    except (Argon2Error, InvalidHashError):
        return None
    if teacher is None:
        return None
    token = secrets.token_urlsafe(32)
    with storage.writing() as session:
        if _hasher().check_needs_rehash(stored):
            session.get_one(Teacher, teacher.id).password = _hasher().hash(password)
        session.add(TeacherSession(token=hashed(token), teacher_id=teacher.id))
        session.add(Event(teacher=teacher.name, what="log in"))
    return token


def logged_in(storage: Storage, token: str) -> Teacher | None:
    """The teacher of a login that has not ended."""
    moment = now()
    query = select(TeacherSession).options(selectinload(TeacherSession.teacher))
    with storage.reading() as session:
        found = session.scalars(query.where(TeacherSession.token == hashed(token))).one_or_none()
    if found is None or found.used_at < moment - IDLE or found.created_at < moment - LONGEST:
        return None
    if found.used_at < moment - _STEP:
        with storage.writing() as session:
            row = session.get(TeacherSession, found.token)
            if row is not None:
                row.used_at = moment
    return found.teacher


def log_out(storage: Storage, token: str) -> None:
    """Ends a login."""
    with storage.writing() as session:
        session.execute(delete(TeacherSession).where(TeacherSession.token == hashed(token)))
