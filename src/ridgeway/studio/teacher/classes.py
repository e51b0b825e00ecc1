"""Classes: their names, codes and rules, as a teacher enters them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from ridgeway.studio.i18n import N_
from ridgeway.studio.quiz import codes
from ridgeway.studio.quiz.identity import NameRefused, clean
from ridgeway.studio.storage import Classroom, Storage

#: Most that a field takes.
MOST_ATTEMPTS, MOST_MINUTES, MOST_QUESTIONS = 1000, 600, 60


@dataclass(frozen=True)
class Entered:
    """A class as it was entered.

    Attributes:
        name: of the class.
        attempts: allowed; None for as many as they like.
        minutes: time limit; None for none.
        questions: of an attempt.
        closed: takes no new attempts.
    """

    name: str
    attempts: int | None
    minutes: int | None
    questions: int
    closed: bool


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
    most = {"attempts": MOST_ATTEMPTS, "minutes": MOST_MINUTES, "questions": min(MOST_QUESTIONS, most_questions)}
    for field, bound in most.items():
        text = fields.get(field, "").strip()
        numbers[field] = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
        empty_allowed = field != "questions"
        number = numbers[field]
        if (number is None and (text or not empty_allowed)) or (number is not None and not 1 <= number <= bound):
            errors[field] = _RANGES[field]
    questions = numbers["questions"]
    if errors or questions is None:
        return None, errors
    return Entered(name, numbers["attempts"], numbers["minutes"], questions, bool(fields.get("closed"))), {}


_RANGES = {
    "attempts": N_("Enter a whole number from 1 to 1000, or nothing for no limit."),
    "minutes": N_("Enter a whole number from 1 to 600, or nothing for no limit."),
    "questions": N_("Enter a whole number from 1 to as many questions as there are, 60 at most."),
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
