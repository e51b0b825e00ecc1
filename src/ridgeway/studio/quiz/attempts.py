"""An attempt's life once it is started: looked at, handed in once, graded by the server. `saving` takes its answers.

Nothing here knows of pages. What opens an attempt is its code, which the browser's cookie holds; a number alone opens
nothing. Each function is one transaction.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload, undefer

from ridgeway.errors import InputError
from ridgeway.studio.i18n import N_
from ridgeway.studio.quiz import codes
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import DrawnQuestion, draw_question
from ridgeway.studio.quiz.grading import chosen, grade
from ridgeway.studio.quiz.kept import drawn_from, kept, mended
from ridgeway.studio.storage import NUMBERS, Answer, Attempt, Learner, Storage, now

LEARNER, CLOCK, BANK = "learner", "clock", "bank"

# What the network may take after the last second.
_GRACE = datetime.timedelta(seconds=10)

# An attempt with its learner and the class.
_WHOLE = select(Attempt).options(joinedload(Attempt.learner).joinedload(Learner.classroom))


class NoAttempt(LookupError):
    """There is no such attempt, or the browser doesn't hold its code: nobody is told which."""


class Refused(Exception):
    """What a learner asked for can't be done now; the message is in English, for a translator."""


class Closed(Exception):
    """The attempt is handed in already, or its time is over: there is a result."""


class BankChanged(Exception):
    """The bank doesn't give this attempt's questions any more."""


@dataclass(frozen=True)
class Standing:
    """An attempt as it stands.

    Attributes:
        attempt: its row, with the learner and the class.
        questions: as drawn for it; empty where the bank doesn't give them any more.
        answers: rows by the question's id.
        moment: when this was read.
    """

    attempt: Attempt
    questions: tuple[DrawnQuestion, ...]
    answers: Mapping[str, Answer]
    moment: datetime.datetime

    @property
    def open(self) -> bool:
        """Whether answers are still taken."""
        return self.attempt.handed_in_at is None

    @property
    def answered(self) -> int:
        """How many questions have an answer."""
        return sum(one.value is not None for one in self.answers.values())

    @property
    def seconds_left(self) -> int | None:
        """Until the time is over; None without a limit."""
        return seconds_left(self.attempt, self.moment)

    def value(self, question: str) -> Any:
        """The saved answer to a question, or None."""
        row = self.answers.get(question)
        return None if row is None else row.value

    def flagged(self, question: str) -> bool:
        """Whether the learner marked a question to come back to."""
        row = self.answers.get(question)
        return row is not None and row.flagged


def insert_into(session: Session) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases have and SQLAlchemy writes for each by itself."""
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert


def opened_by(storage: Storage, code: str) -> Attempt | None:
    """The attempt that a code opens."""
    with storage.reading() as session:
        return session.scalars(_WHOLE.where(Attempt.code == codes.hashed(code))).one_or_none()


def held_attempts(storage: Storage, held: Iterable[str]) -> list[Attempt]:
    """The attempts that a browser holds codes of, newest first, without those that the bank closed."""
    hashes = [codes.hashed(code) for code in held]
    if not hashes:
        return []
    query = _WHOLE.where(Attempt.code.in_(hashes), Attempt.closed_by.is_distinct_from(BANK))
    with storage.reading() as session:
        return list(session.scalars(query.order_by(Attempt.started_at.desc(), Attempt.id.desc())))


def standing(storage: Storage, bank: Bank, attempt_id: int, held: Iterable[str] | None) -> Standing:
    """An attempt as it stands; one whose time is over is handed in first.

    Args:
        storage: the database.
        bank: that it was drawn from.
        attempt_id: its number.
        held: codes that the browser's cookie holds; None for a teacher, who may see each.

    Raises:
        NoAttempt: there is none that one of the codes opens.
    """
    with storage.reading() as session:
        attempt = found(session, attempt_id, held)
        answers = {one.question: one for one in session.scalars(select(Answer).where(Answer.attempt_id == attempt_id))}
    moment = now()
    if attempt.handed_in_at is None and is_over(attempt, moment):
        hand_in(storage, bank, attempt_id, held, by=CLOCK)
        return standing(storage, bank, attempt_id, held)
    try:
        questions = drawn_for(bank, attempt)
    except BankChanged:
        questions = ()
        if attempt.handed_in_at is None:
            hand_in(storage, bank, attempt_id, held, by=BANK)
            return standing(storage, bank, attempt_id, held)
    return Standing(attempt, questions, answers, moment)


def hand_in(storage: Storage, bank: Bank, attempt_id: int, held: Iterable[str] | None, by: str = LEARNER) -> None:
    """Closes an attempt and grades it; one that is closed stays as it is.

    Args:
        storage: the database.
        bank: that it was drawn from.
        attempt_id: its number.
        held: codes that the browser's cookie holds; None for the server itself.
        by: `LEARNER`, `CLOCK`, or `BANK` where its questions are gone, and it doesn't count.

    Raises:
        NoAttempt: there is none that one of the codes opens.
    """
    moment = now()
    with storage.writing() as session:
        attempt = found(session, attempt_id, held, lock=True)
        if attempt.handed_in_at is not None:
            return
        deadline = attempt.deadline
        if deadline is not None and is_over(attempt, moment):
            by, moment = CLOCK, deadline
        try:
            drawn = drawn_for(bank, attempt)
        except BankChanged:
            attempt.handed_in_at, attempt.closed_by = moment, BANK
            return
        _grade(session, attempt, drawn)
        attempt.handed_in_at, attempt.closed_by = moment, by


def _grade(session: Session, attempt: Attempt, drawn: Iterable[DrawnQuestion]) -> None:
    rows = {one.question: one for one in session.scalars(select(Answer).where(Answer.attempt_id == attempt.id))}
    total = 0.0
    for one in drawn:
        row = rows.get(one.id)
        if row is None:
            row = Answer(attempt_id=attempt.id, question=one.id)
            session.add(row)
        row.points, row.correct, row.chosen = 0.0, False, []
        try:
            graded = grade(one, row.value)
            row.points, row.correct, row.chosen = graded.points, graded.right, list(chosen(one, row.value))
        except InputError:
            # The bank has changed since, and the question has no such option any more: as good as no answer.
            continue
        total += row.points
    attempt.points = total


def regrade(storage: Storage, bank: Bank, attempt_id: int) -> tuple[float | None, float | None]:
    """Grades a closed attempt again, after a mended key.

    A question that the bank asks otherwise now than the learner was asked (other numbers, options or figure) keeps its
    key: what was right of what the learner saw doesn't become wrong.

    Returns:
        Its points before and after.

    Raises:
        NoAttempt: there is none.
        BankChanged: the bank doesn't give its questions any more.
    """
    with storage.writing() as session:
        attempt = found(session, attempt_id, None, lock=True)
        before = attempt.points
        if attempt.handed_in_at is not None and attempt.closed_by != BANK:
            drawn = tuple(mended(bank, one) for one in drawn_for(bank, attempt))
            attempt.drawn = [kept(one) for one in drawn]
            _grade(session, attempt, drawn)
        return before, attempt.points


def close_overdue(storage: Storage, bank: Bank) -> int:
    """Hands in each attempt whose time is over; how many those were."""
    query = select(Attempt).where(Attempt.handed_in_at.is_(None), Attempt.minutes.is_not(None))
    moment = now()
    with storage.reading() as session:
        over = [one.id for one in session.scalars(query) if is_over(one, moment)]
    for one in over:
        hand_in(storage, bank, one, None, by=CLOCK)
    return len(over)


def show_result(storage: Storage, attempt_id: int) -> bool:
    """Records that the learner sees the key now, if for the first time; False where the attempt is open again."""
    mark = (
        update(Attempt)
        .where(Attempt.id == attempt_id, Attempt.handed_in_at.is_not(None))
        .values(result_seen_at=func.coalesce(Attempt.result_seen_at, now()))
        .returning(Attempt.id)
    )
    with storage.writing() as session:
        return session.scalars(mark).one_or_none() is not None


def more_time(storage: Storage, attempt_id: int, minutes: int) -> None:
    """Gives an attempt so many more minutes; one that the clock closed is opened again, and they count from now.

    Raises:
        NoAttempt: there is none.
        Refused: it has no time limit, its learner has handed it in, or has seen the key.
    """
    with storage.writing() as session:
        attempt = found(session, attempt_id, None, lock=True)
        if attempt.minutes is None:
            raise Refused(N_("This attempt has no time limit."))
        if attempt.closed_by not in (None, CLOCK):
            raise Refused(N_("The learner has handed this attempt in."))
        if attempt.result_seen_at is not None:
            raise Refused(
                N_(
                    "The learner has seen the result with the right answers: this attempt can't be opened again. "
                    "Allow another attempt instead."
                )
            )
        gone = (now() - attempt.started_at).total_seconds() / 60
        allowed = max(attempt.minutes + attempt.extra_minutes, gone)
        attempt.extra_minutes = -int(-(allowed - attempt.minutes + minutes) // 1)
        if attempt.closed_by == CLOCK:
            attempt.handed_in_at = attempt.closed_by = attempt.points = None
            for row in session.scalars(select(Answer).where(Answer.attempt_id == attempt_id)):
                row.points = row.correct = row.chosen = None


def drawn_for(bank: Bank, attempt: Attempt) -> tuple[DrawnQuestion, ...]:
    """The questions of an attempt, as they were drawn for it.

    Raises:
        BankChanged: the bank has one of them no more, or has another under its id.
    """
    return tuple(question_of(bank, attempt, place) for place in range(1, len(attempt.questions) + 1))


def question_of(bank: Bank, attempt: Attempt, place: int) -> DrawnQuestion:
    """One question of an attempt, by its place from 1.

    Raises:
        BankChanged: as `drawn_for`.
        IndexError: it has not so many.
    """
    question = attempt.questions[place - 1]
    try:
        if attempt.drawn is None:
            return draw_question(bank, attempt.seed, question)
        return drawn_from(bank, attempt.seed, question, attempt.drawn[place - 1])
    except InputError:
        raise BankChanged from None


def found(session: Session, attempt_id: int, held: Iterable[str] | None, lock: bool = False) -> Attempt:
    """The row of an attempt, with what was drawn for it.

    Args:
        session: a transaction.
        attempt_id: its number.
        held: codes that the browser's cookie holds; None for the server itself, and for a teacher.
        lock: whether others must wait with what they change of the attempt and its answers.

    Raises:
        NoAttempt: there is none that one of the codes opens.
    """
    if not 0 < attempt_id < NUMBERS:
        raise NoAttempt
    # Who locks the row has no use for the learner's.
    query: Select[Attempt] = select(Attempt).with_for_update() if lock else _WHOLE
    query = query.where(Attempt.id == attempt_id).options(undefer(Attempt.drawn))
    if held is not None:
        query = query.where(Attempt.code.in_([codes.hashed(code) for code in held]))
    attempt: Attempt | None = session.scalars(query).one_or_none()
    if attempt is None:
        raise NoAttempt
    return attempt


def seconds_left(attempt: Attempt, moment: datetime.datetime) -> int | None:
    """Until an attempt's time is over; None without a limit."""
    deadline = attempt.deadline
    return None if deadline is None else max(0, int((deadline - moment).total_seconds()))


def is_over(attempt: Attempt, moment: datetime.datetime) -> bool:
    """Whether an attempt's time is over, a little more being given for the way to the server."""
    return attempt.deadline is not None and moment > attempt.deadline + _GRACE
