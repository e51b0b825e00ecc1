"""Attempts and answers as CSV, for whoever analyses them elsewhere."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from ridgeway.studio.i18n import N_, language, translator
from ridgeway.studio.quiz import attempts
from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.numbers import parse_number
from ridgeway.studio.quiz.questions import Number
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.quiz.words import MalformedAnswer
from ridgeway.studio.storage import Answer, Attempt, Storage, Teacher, storage_of
from ridgeway.studio.teacher import listing, privacy
from ridgeway.studio.teacher.entry import Entered
from ridgeway.studio.teacher.export import csv_lines
from ridgeway.studio.teacher.listing import Filter, Wanted

router = APIRouter()

_WHO = (N_("attempt"), N_("class"), N_("name"), N_("affiliation"))
_ATTEMPTS = (
    *_WHO,
    N_("language"),
    N_("started (UTC)"),
    N_("handed in (UTC)"),
    N_("closed by"),
    N_("time limit (min)"),
    N_("extra minutes"),
    N_("questions"),
    N_("points"),
    N_("per cent"),
)
_ANSWERS = (
    *_WHO,
    N_("place"),
    N_("question"),
    N_("answer"),
    N_("answer as a number"),
    N_("saved (UTC)"),
    N_("points"),
    N_("correct answer"),
)


@router.get("/attempts.csv")
def export_attempts(request: Request, teacher: Entered, wanted: Wanted) -> Response:
    """Attempts as CSV, one a row."""
    attempts.close_overdue(storage_of(request.app), bank_of(request.app))
    return _csv(request, teacher, "attempts", _ATTEMPTS, _attempts(storage_of(request.app), wanted))


@router.get("/answers.csv")
def export_answers(request: Request, teacher: Entered, wanted: Wanted) -> Response:
    """Answers as CSV, one a row."""
    storage, bank = storage_of(request.app), bank_of(request.app)
    attempts.close_overdue(storage, bank)
    return _csv(request, teacher, "answers", _ANSWERS, _answers(storage, wanted, bank))


def _who(attempt: Attempt) -> tuple[object, ...]:
    learner = attempt.learner
    return attempt.id, learner.classroom.name if learner.classroom else None, learner.name, learner.affiliation


def _attempts(storage: Storage, wanted: Filter) -> Iterator[tuple[object, ...]]:
    with storage.reading() as session:
        for one in listing.every(session, wanted):
            count = len(one.questions)
            yield (
                *_who(one),
                one.language,
                _moment(one.started_at),
                _moment(one.handed_in_at),
                one.closed_by,
                one.minutes,
                one.extra_minutes,
                count,
                None if one.points is None else round(one.points, 4),
                None if one.points is None else round(100 * one.points / count, 2),
            )


def _answers(storage: Storage, wanted: Filter, bank: Bank) -> Iterator[tuple[object, ...]]:
    numeric = {key: one for key, one in bank.questions.items() if isinstance(one, Number)}
    with storage.reading() as session:
        for one in listing.every(session, wanted):
            rows = {row.question: row for row in session.scalars(select(Answer).where(Answer.attempt_id == one.id))}
            for place, question in enumerate(one.questions, 1):
                row = rows.get(question)
                if row is None:
                    yield (*_who(one), place, question, None, None, None, None, None)
                    continue
                # A number as it was typed and as it was read; of the rest the words that mean the same in all attempts.
                typed = row.value if question in numeric else " ".join(row.chosen or ())
                yield (
                    *_who(one),
                    place,
                    question,
                    typed or None,
                    _read(typed, numeric[question]) if question in numeric else None,
                    _moment(row.saved_at),
                    None if row.points is None else round(row.points, 4),
                    None if row.correct is None else int(row.correct),
                )


def _read(typed: object, question: Number) -> float | None:
    if not isinstance(typed, str) or not typed.strip():
        return None
    try:
        return parse_number(typed, question.unit.words() if question.unit else ())
    except MalformedAnswer:
        # The bank's unit has changed since.
        return None


def _moment(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _csv(
    request: Request, teacher: Teacher, name: str, header: tuple[str, ...], rows: Iterator[tuple[object, ...]]
) -> Response:
    translate = translator(language(request))
    with storage_of(request.app).writing() as session:
        privacy.record(session, teacher, "export", name)
    file = f"ridgeway-{name}-{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    lines = csv_lines([translate(one) for one in header], rows)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
