"""Classes: their names, codes and rules, as a teacher enters them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from ridgeway.studio.i18n import N_
from ridgeway.studio.quiz import codes
from ridgeway.studio.quiz.identity import NameRefused, clean
from ridgeway.studio.storage import AT_ONCE, BY_TEACHER, Classroom, Storage

#: Most that a field takes.
MOST_ATTEMPTS, MOST_MINUTES, MOST_QUESTIONS, MOST_DAYS = 1000, 600, 60, 3650

#: Why days of retention can't grow.
AGREED = N_("Learners of this class have agreed to fewer days. Make another class for longer ones.")

#: Names of the fields of a form.
FIELDS = ("name", "attempts", "minutes", "questions", "release", "retention_days", "closed")

# One attempt is used up by a wrong name or a lost connection, and each such learner has to come to the teacher.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Entered:
    """A class as it was entered.

    Attributes:
        name: of the class.
        attempts: allowed; None for as many as they like.
        minutes: time limit; None for none.
        questions: of an attempt.
        release: when learners see their results: `AT_ONCE` or `BY_TEACHER`.
        retention_days: how long data are kept; None for as long as the studio does, 0 until a teacher deletes them.
        closed: takes no new attempts.
    """

    name: str
    attempts: int | None
    minutes: int | None
    questions: int
    release: str
    retention_days: int | None
    closed: bool


def fresh(questions: int) -> dict[str, str]:
    """The form of a class that isn't made yet.

    Args:
        questions: of an attempt, as the studio is set.
    """
    given = {"attempts": str(_ATTEMPTS), "questions": str(questions), "release": AT_ONCE}
    return {name: given.get(name, "") for name in FIELDS}


def fields_of(classroom: Classroom) -> dict[str, str]:
    """The form of a class that there is."""
    values = {name: getattr(classroom, name) for name in FIELDS}
    return {name: "" if value is None or value is False else str(value) for name, value in values.items()}


def read(fields: Mapping[str, str], most_questions: int) -> tuple[Entered | None, dict[str, str]]:
    """The class, or what is wrong by field, in English for a translator.

    Args:
        fields: as the form sends them.
        most_questions: that the bank has.
    """
    errors: dict[str, str] = {}
    name = ""
    try:
        name = clean(fields.get("name", ""))
    except NameRefused as error:
        errors["name"] = str(error)
    numbers: dict[str, int | None] = {}
    bounds = {
        "attempts": (1, MOST_ATTEMPTS),
        "minutes": (1, MOST_MINUTES),
        "questions": (1, min(MOST_QUESTIONS, most_questions)),
        "retention_days": (0, MOST_DAYS),
    }
    for field, (least, most) in bounds.items():
        text = fields.get(field, "").strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
        numbers[field] = number
        may_be_empty = field != "questions" and not text
        if not may_be_empty and (number is None or not least <= number <= most):
            errors[field] = _RANGES[field]
    release = fields.get("release") or AT_ONCE
    if release not in (AT_ONCE, BY_TEACHER):
        errors["release"] = N_("Choose one of the two.")
    questions = numbers["questions"]
    if errors or questions is None:
        return None, errors
    closed = bool(fields.get("closed"))
    return Entered(
        name, numbers["attempts"], numbers["minutes"], questions, release, numbers["retention_days"], closed
    ), {}


_RANGES = {
    "attempts": N_("Enter a whole number from 1 to 1000, or nothing for no limit."),
    "minutes": N_("Enter a whole number from 1 to 600, or nothing for no limit."),
    "questions": N_("Enter a whole number from 1 to as many questions as there are, 60 at most."),
    "retention_days": N_("Enter a whole number of days from 0 to 3650, or nothing."),
}


def create(storage: Storage, entered: Entered) -> int:
    """Makes a class with a code of its own; its number."""
    with storage.writing() as session:
        code = codes.new(codes.CLASS)
        while session.scalars(select(Classroom).where(Classroom.code == code)).one_or_none():
            code = codes.new(codes.CLASS)
        made = Classroom(code=code, **vars(entered))
        session.add(made)
        session.flush()
        return made.id


def change(classroom: Classroom, entered: Entered) -> None:
    """Gives a class what was entered; a new rule of release begins with nothing released."""
    if classroom.release != entered.release:
        classroom.released_at = None
    for name, value in vars(entered).items():
        setattr(classroom, name, value)
