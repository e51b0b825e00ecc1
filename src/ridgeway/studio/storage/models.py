"""The tables.

    teachers ─< teacher_sessions
    classes  ─< learners ─< attempts ─< answers
    events     what teachers did with learners' data

A learner is a name and an affiliation within one class, or outside all classes. What opens an attempt (the learner's
cookie, which is also the code to go on elsewhere) is kept only as its SHA-256; passwords only as argon2.
"""

from __future__ import annotations

import datetime
import secrets
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from ridgeway.studio.storage.clock import UTCDateTime, now

#: Rows have numbers below it: beyond it databases have none.
NUMBERS = 1 << 31

#: When learners of a class see their results: right after handing in, or once a teacher has released them.
AT_ONCE, BY_TEACHER = "at once", "teacher"

#: Each constraint has a name, so that a migration can change it.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables of the studio."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime.datetime: UTCDateTime}


class Teacher(Base):
    """Someone who sees every class and attempt of this studio."""

    __tablename__ = "teachers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime.datetime] = mapped_column(default=now)


class TeacherSession(Base):
    """A teacher logged in at one browser, whose cookie holds what `token` is the SHA-256 of."""

    __tablename__ = "teacher_sessions"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    teacher_id: Mapped[int] = mapped_column(ForeignKey("teachers.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime.datetime] = mapped_column(default=now)
    used_at: Mapped[datetime.datetime] = mapped_column(default=now)

    teacher: Mapped[Teacher] = relationship()


class Classroom(Base):
    """A class: its code, and the rules of its quiz.

    `attempts` None: as many as they like; `minutes` None: no time limit; `release`: `AT_ONCE` or `BY_TEACHER`, who sets
    `released_at`; `retention_days` None: as long as the studio keeps data, 0: until a teacher deletes them.
    """

    __tablename__ = "classes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    code: Mapped[str] = mapped_column(String(16), unique=True)
    attempts: Mapped[int | None] = mapped_column(Integer)
    minutes: Mapped[int | None] = mapped_column(Integer)
    questions: Mapped[int] = mapped_column(Integer)
    release: Mapped[str] = mapped_column(String(16), default=AT_ONCE, server_default=AT_ONCE)
    released_at: Mapped[datetime.datetime | None] = mapped_column()
    retention_days: Mapped[int | None] = mapped_column(Integer)
    closed: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime.datetime] = mapped_column(default=now)

    @property
    def shows_results(self) -> bool:
        """Whether learners may see their results."""
        return self.release == AT_ONCE or self.released_at is not None


class Learner(Base):
    """A name and an affiliation in a class.

    `identity` is what makes two entries the same person: class, name and affiliation without regard to case. The keys
    are what a search looks in, for SQLite folds only ASCII letters.
    """

    __tablename__ = "learners"

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int | None] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    affiliation: Mapped[str] = mapped_column(String(80))
    name_key: Mapped[str] = mapped_column(Text)
    affiliation_key: Mapped[str] = mapped_column(Text, index=True)
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    consented_at: Mapped[datetime.datetime] = mapped_column()
    anonymized_at: Mapped[datetime.datetime | None] = mapped_column()

    classroom: Mapped[Classroom | None] = relationship()
    attempts: Mapped[list[Attempt]] = relationship(
        back_populates="learner", cascade="all, delete-orphan", passive_deletes=True
    )


class Attempt(Base):
    """One drawing of questions for one learner.

    `questions` are the drawn ids in the order shown; `drawn` has for each what was drawn, key included, so that a bank
    that changes changes nothing (None in attempts older than this column: those are drawn again from `seed`). `points`
    is None until the attempt is handed in; `closed_by` says by whom: the learner or the clock. `result_seen_at` is when
    the learner first saw the key. `certificate` is a part of the certificate's number that can't be guessed.
    """

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(ForeignKey("learners.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    seed: Mapped[int] = mapped_column(BigInteger)
    questions: Mapped[list[str]] = mapped_column(JSON)
    # Some kilobytes, which lists of attempts have no use for.
    drawn: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    language: Mapped[str] = mapped_column(String(8))
    started_at: Mapped[datetime.datetime] = mapped_column(index=True)
    minutes: Mapped[int | None] = mapped_column(Integer)
    extra_minutes: Mapped[int] = mapped_column(Integer, default=0)
    handed_in_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    closed_by: Mapped[str | None] = mapped_column(String(16))
    points: Mapped[float | None] = mapped_column(Float)
    result_seen_at: Mapped[datetime.datetime | None] = mapped_column()
    certificate: Mapped[str] = mapped_column(String(8), default=lambda: secrets.token_hex(4), server_default="-")

    learner: Mapped[Learner] = relationship(back_populates="attempts")
    answers: Mapped[list[Answer]] = relationship(
        back_populates="attempt", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def deadline(self) -> datetime.datetime | None:
        """When time is over, or None where there is no limit."""
        if self.minutes is None:
            return None
        return self.started_at + datetime.timedelta(minutes=self.minutes + self.extra_minutes)

    @property
    def shows_result(self) -> bool:
        """Whether the learner may see key and score once it is handed in."""
        return self.learner.classroom is None or self.learner.classroom.shows_results


class Answer(Base):
    """What a learner gave to one question of one attempt, once.

    `value` is the answer as JSON, or NULL where the question is only flagged, or was left open; `version` says which
    page wrote it, None until one has. `points`, `correct` and
    `chosen` (the answer in words that mean the same in all attempts, for counting) are filled at handing in.
    """

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("attempt_id", "question"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="CASCADE"))
    question: Mapped[str] = mapped_column(String(80), index=True)
    value: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[str | None] = mapped_column(String(40))
    flagged: Mapped[bool] = mapped_column(Boolean, default=False)
    saved_at: Mapped[datetime.datetime | None] = mapped_column()
    points: Mapped[float | None] = mapped_column(Float)
    correct: Mapped[bool | None] = mapped_column(Boolean)
    chosen: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))

    attempt: Mapped[Attempt] = relationship(back_populates="answers")


class Event(Base):
    """What a teacher did with learners' data: logins, exports, deletions, more time."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(default=now, index=True)
    teacher: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(200), default="")
