"""Answers as they are given: the last one counts, and no page overwrites what it doesn't know of."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ridgeway.studio.quiz.attempts import (
    CLOCK,
    BankChanged,
    Closed,
    NoAttempt,
    found,
    hand_in,
    insert_into,
    is_over,
    question_of,
    seconds_left,
)
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.draw import DrawnQuestion
from ridgeway.studio.quiz.grading import check_answer
from ridgeway.studio.quiz.words import MalformedAnswer
from ridgeway.studio.storage import Answer, Storage, now


@dataclass(frozen=True)
class Page:
    """The page that gives an answer, and what it knew when it did.

    An answer's version is the page that wrote it and how many times that page had sent by then. A page may overwrite
    the version that it showed, and its own earlier ones. So an answer that came from another device stays, and so does
    a newer one when an older request of the same page arrives after it.

    Attributes:
        number: the page's own, drawn for each.
        sent: how many times its script has sent; 0 for a form that was sent without.
        seen: the version that it showed; None where there was none.
        shown: `digest` of the answer that it showed.
    """

    number: str
    sent: int = 0
    seen: str | None = None
    shown: str = ""

    @property
    def version(self) -> str:
        """Of an answer that it gives."""
        return f"{self.number}.{self.sent}"

    def may_overwrite(self, version: str | None) -> bool:
        """Whether an answer of that version is one that the page knows of."""
        number, _, sent = (version or "").partition(".")
        # A form without a script may be sent again from the browser's history.
        mine = number == self.number and (self.sent == 0 or int(sent) < self.sent)
        return version == self.seen or mine


@dataclass(frozen=True)
class Given:
    """What a page sends for one question.

    Attributes:
        value: the answer as JSON; None takes it back.
        page: that sends it.
        flagged: whether to come back to it; None leaves that as it is.
        keep: leaves the answer as it is, for a flag alone.
    """

    value: Any
    page: Page
    flagged: bool | None = None
    keep: bool = False


@dataclass(frozen=True)
class Saved:
    """What a learner is told who gave an answer.

    Attributes:
        saved_at: when the answer was given that counts now; None without one.
        has_answer: whether the question has one.
        flagged: whether it is marked to come back to.
        answered: how many questions of the attempt have an answer.
        seconds_left: until the time is over; None without a limit.
        seen: the version of the answer.
        shown: its `digest`.
        refused: the page was out of date, and another answer than it gave counts.
    """

    saved_at: datetime.datetime | None
    has_answer: bool
    flagged: bool
    answered: int
    seconds_left: int | None
    seen: str | None
    shown: str
    refused: bool


def digest(value: Any) -> str:
    """Equal for two answers that are equal; empty for none."""
    return "" if value is None else hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def save(
    storage: Storage,
    bank: Bank,
    attempt_id: int,
    held: Iterable[str],
    place: int,
    read: Callable[[DrawnQuestion], Given],
) -> Saved:
    """Saves an answer, in one transaction.

    Args:
        storage: the database.
        bank: that the attempt was drawn from.
        attempt_id: the attempt's number.
        held: codes that the browser's cookie holds.
        place: of the question in the attempt, from 1.
        read: gives what was sent for the question.

    Raises:
        NoAttempt: there is none that one of the codes opens, or it has no such question.
        Closed: it is handed in, or its time is over.
        MalformedAnswer: the answer doesn't have the form that its question asks for; the flag is saved.
    """
    moment = now()
    malformed: MalformedAnswer | None = None
    with storage.writing() as session:
        attempt = found(session, attempt_id, held, lock=True)
        over = is_over(attempt, moment)
        if attempt.handed_in_at is None and not over:
            if not 1 <= place <= len(attempt.questions):
                raise NoAttempt
            try:
                drawn = question_of(bank, attempt, place)
            except BankChanged:
                raise NoAttempt from None
            columns = (Answer.question, Answer.value, Answer.version, Answer.flagged, Answer.saved_at)
            rows = session.execute(select(*columns).where(Answer.attempt_id == attempt_id)).all()
            row = next((one for one in rows if one.question == drawn.id), None)
            was: dict[str, Any] = {"value": None, "version": None, "flagged": False, "saved_at": None}
            if row is not None:
                was = {name: getattr(row, name) for name in was}
            given = read(drawn)
            changed, refused = _changed(given, was)
            if changed.get("value") is not None:
                try:
                    check_answer(drawn, changed["value"])
                except MalformedAnswer as error:
                    malformed, changed = error, {}
            if "value" in changed:
                changed["saved_at"] = moment
            if given.flagged is not None:
                changed["flagged"] = given.flagged
            if changed:
                values = {"attempt_id": attempt_id, "question": drawn.id, "flagged": False, **changed}
                insert = insert_into(session)(Answer).values(values)
                session.execute(insert.on_conflict_do_update(index_elements=["attempt_id", "question"], set_=changed))
            counts = {**was, **changed}
            others = sum(one.value is not None for one in rows if one.question != drawn.id)
            saved = Saved(
                counts["saved_at"] if counts["value"] is not None else None,
                counts["value"] is not None,
                counts["flagged"],
                others + (counts["value"] is not None),
                seconds_left(attempt, moment),
                counts["version"],
                digest(counts["value"]),
                refused,
            )
    if over:
        hand_in(storage, bank, attempt_id, held, by=CLOCK)
    if attempt.handed_in_at is not None or over:
        raise Closed
    if malformed:
        raise malformed
    return saved


def _changed(given: Given, was: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The columns that change, and whether an answer that differs was refused."""
    page = given.page
    # A form goes on from its page with all its fields, whether the learner has touched them or not.
    untouched = page.sent == 0 and digest(given.value) == page.shown
    if given.keep or untouched:
        return {}, False
    same = given.value == was["value"]
    if not page.may_overwrite(was["version"]):
        return {}, not same
    if same:
        # The same answer again: older requests of the page that are still on their way must not undo it.
        return ({"version": page.version} if page.sent else {}), False
    return {"value": given.value, "version": page.version}, False
