"""An attempt's beginning: the rules of the class, the learner, the questions drawn."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ridgeway.studio.i18n import N_
from ridgeway.studio.quiz import codes
from ridgeway.studio.quiz.attempts import BANK, Refused, insert_into, is_over
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import draw
from ridgeway.studio.quiz.identity import identity, key
from ridgeway.studio.quiz.kept import kept
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import Attempt, Classroom, Learner, Storage, now


class ClassRefused(Refused):
    """There is no class of that code, or it is closed."""


class ConsentOutdated(Refused):
    """The learner agreed to other days of retention than the class has."""


@dataclass(frozen=True)
class Rules:
    """How a quiz is taken.

    Attributes:
        classroom: the class, or None outside all classes.
        attempts: how many; None for as many as they like.
        minutes: time limit; None for none.
        questions: how many are drawn.
        retention_days: how long learners' data are kept; 0: until a teacher deletes them.
    """

    classroom: Classroom | None
    attempts: int | None
    minutes: int | None
    questions: int
    retention_days: int


def rules(session: Session, settings: Settings, class_code: str) -> Rules:
    """The rules of a class, or of the studio where no code is given.

    Raises:
        ClassRefused: no class has that code, or it is closed.
    """
    if not class_code.strip():
        return Rules(None, settings.attempts, settings.minutes, settings.questions, settings.retention_days)
    code = codes.read(class_code, codes.CLASS)
    found = code and session.scalars(select(Classroom).where(Classroom.code == code)).one_or_none()
    if not found:
        raise ClassRefused(N_("No class has this code. Check it with your teacher, or leave the field empty."))
    if found.closed:
        raise ClassRefused(N_("This class is closed: its quiz can't be started any more. Ask your teacher."))
    days = settings.retention_days if found.retention_days is None else found.retention_days
    return Rules(found, found.attempts, found.minutes, found.questions, days)


def start(
    storage: Storage,
    bank: Bank,
    settings: Settings,
    *,
    name: str,
    affiliation: str,
    class_code: str,
    language: str,
    browser: str,
    held: Iterable[str],
    agreed_days: int | None = None,
) -> tuple[int, str]:
    """Starts an attempt, or goes on with the open one of the same learner in the same browser.

    A start whose answer was lost on the way may be sent again: the browser's number leads to the attempt and its code.

    Args:
        storage: the database.
        bank: to draw from.
        settings: the studio's rules.
        name: of the learner, as `clean` gives it.
        affiliation: likewise.
        class_code: as typed; empty for none.
        language: of the page.
        browser: its opaque number.
        held: codes that the browser's cookie holds.
        agreed_days: of retention that the page named to which the learner agreed; None leaves it unchecked.

    Returns:
        The attempt's number and its code.

    Raises:
        Refused: no such class, the learner has no attempts left, or must agree anew.
    """
    by_hash = {codes.hashed(code): code for code in held}
    with storage.writing() as session:
        rule = rules(session, settings, class_code)
        if agreed_days is not None and agreed_days != rule.retention_days:
            raise ConsentOutdated(
                N_(
                    "This class keeps your data for another time than the page said. "
                    "Read below for how long, and agree."
                )
            )
        learner = _learner(session, rule.classroom, name, affiliation)
        attempts = session.scalars(select(Attempt).where(Attempt.learner_id == learner.id)).all()
        moment = now()
        for one in attempts:
            if one.handed_in_at is None and not is_over(one, moment):
                own = codes.of_browser(settings.secret, browser, one.seed)
                code = by_hash.get(one.code) or (own if codes.hashed(own) == one.code else None)
                if code:
                    return one.id, code
        used = [one for one in attempts if one.closed_by != BANK]
        if rule.attempts is not None and len(used) >= rule.attempts:
            if any(one.handed_in_at is None and not is_over(one, moment) for one in used):
                raise Refused(
                    N_(
                        "No attempt is left under this name and affiliation, but one is not handed in yet. "
                        "Go on with it by its code."
                    )
                )
            raise Refused(N_("No attempt is left under this name and affiliation. Ask your teacher for another."))
        seed = secrets.randbits(63)
        code = codes.of_browser(settings.secret, browser, seed)
        drawn = draw(bank, seed, rule.questions)
        attempt = Attempt(
            learner_id=learner.id,
            code=codes.hashed(code),
            seed=seed,
            questions=[one.id for one in drawn],
            drawn=[kept(one) for one in drawn],
            language=language,
            started_at=moment,
            minutes=rule.minutes,
        )
        session.add(attempt)
        session.flush()
        return attempt.id, code


def _learner(session: Session, classroom: Classroom | None, name: str, affiliation: str) -> Learner:
    """The learner's row, made where there is none, and locked, so that attempts are counted one start after another."""
    class_id = classroom.id if classroom else None
    who = identity(class_id, name, affiliation)
    fresh = {"name": name, "affiliation": affiliation, "consented_at": now()}
    insert = insert_into(session)(Learner).values(
        class_id=class_id, name_key=key(name), affiliation_key=key(affiliation), identity=who, **fresh
    )
    session.execute(insert.on_conflict_do_update(index_elements=["identity"], set_=fresh))
    return session.scalars(select(Learner).where(Learner.identity == who).with_for_update()).one()


def attempts_left(storage: Storage, settings: Settings, attempt: Attempt) -> int | None:
    """How often the learner of an attempt may start again; None without a limit."""
    classroom = attempt.learner.classroom
    if classroom and classroom.closed:
        return 0
    allowed = classroom.attempts if classroom else settings.attempts
    if allowed is None:
        return None
    query = select(func.count()).where(
        Attempt.learner_id == attempt.learner_id, Attempt.closed_by.is_distinct_from(BANK)
    )
    with storage.reading() as session:
        return max(0, allowed - (session.scalar(query) or 0))
