"""The pages of attempts: all that a filter finds, and one with what can be done with it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from starlette.responses import Response

from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.i18n import N_
from ridgeway.studio.pages import render
from ridgeway.studio.quiz import attempts, codes, result
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.storage import NUMBERS, Attempt, storage_of
from ridgeway.studio.teacher import listing, privacy
from ridgeway.studio.teacher.entry import Entered
from ridgeway.studio.teacher.listing import Wanted
from ridgeway.studio.teacher.pages import all_classes, lang_of, record

router = APIRouter()

_MOST_MORE_MINUTES = 600


@router.get("/attempts")
def attempts_page(request: Request, teacher: Entered, wanted: Wanted, page: str = "1") -> Response:
    """Attempts by class, affiliation and words, a page at a time."""
    attempts.close_overdue(storage_of(request.app), bank_of(request.app))
    with storage_of(request.app).reading() as session:
        found = listing.listed(session, wanted, int(page) if page.isdecimal() and len(page) < 8 else 1)
        return render(
            request,
            "teacher/attempts.html",
            teacher=teacher,
            wanted=wanted,
            found=found,
            classes=all_classes(session),
            affiliations=listing.affiliations(session, wanted.classroom),
        )


@router.get("/attempts/{attempt_id:int}")
def attempt_page(request: Request, teacher: Entered, attempt_id: int) -> Response:
    """One attempt: when what was answered, how it was graded, and what can be done with it."""
    return _attempt_page(request, teacher, attempt_id)


def _attempt_page(
    request: Request, teacher: Entered, attempt_id: int, error: str = "", notice: str = "", code: str = ""
) -> Response:
    bank, lang = bank_of(request.app), lang_of(request)
    stands = attempts.standing(storage_of(request.app), bank, attempt_id, None)
    with storage_of(request.app).reading() as session:
        others = session.scalar(
            select(func.count(Attempt.id)).where(
                Attempt.learner_id == stands.attempt.learner_id, Attempt.id != attempt_id
            )
        )
    return render(
        request,
        "teacher/attempt.html",
        status=422 if error else 200,
        teacher=teacher,
        stands=stands,
        rows=result.rows(stands, bank, lang) if not stands.open else [],
        texts=[result.in_short(one.shown(lang).text) for one in stands.questions],
        others=others or 0,
        error=error,
        notice=notice,
        code=code,
    )


@router.post("/attempts/{attempt_id:int}/time", dependencies=[CSRF])
def more_time(request: Request, teacher: Entered, attempt_id: int, form: Posted) -> Response:
    """Gives an attempt more minutes."""
    text = field(form, "minutes").strip()
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= minutes <= _MOST_MORE_MINUTES:
        return _attempt_page(request, teacher, attempt_id, N_("Enter a whole number of minutes from 1 to 600."))
    try:
        attempts.more_time(storage_of(request.app), attempt_id, minutes)
    except attempts.Refused as error:
        return _attempt_page(request, teacher, attempt_id, str(error))
    record(request, teacher, "more time", f"attempt {attempt_id}: {minutes} min")
    return see(f"/teacher/attempts/{attempt_id}")


@router.post("/attempts/{attempt_id:int}/code", dependencies=[CSRF])
def new_code(request: Request, teacher: Entered, attempt_id: int) -> Response:
    """Gives an attempt another code, and shows it this once: only its hash is kept."""
    if not 0 < attempt_id < NUMBERS:
        raise attempts.NoAttempt
    with storage_of(request.app).writing() as session:
        if session.get(Attempt, attempt_id) is None:
            raise attempts.NoAttempt
        code = codes.renew(session, attempt_id)
        privacy.record(session, teacher, "new code", f"attempt {attempt_id}")
    return _attempt_page(request, teacher, attempt_id, code=codes.shown(code))


@router.post("/attempts/{attempt_id:int}/grade", dependencies=[CSRF])
def grade_again(request: Request, teacher: Entered, attempt_id: int) -> Response:
    """Grades an attempt again, after a key was mended."""
    try:
        before, after = attempts.regrade(storage_of(request.app), bank_of(request.app), attempt_id)
    except attempts.BankChanged:
        said = N_("Questions of this attempt aren't in the bank any more; its grades stay as they are.")
        return _attempt_page(request, teacher, attempt_id, said)
    record(request, teacher, "grade again", f"attempt {attempt_id}: {before} → {after}")
    changed = before != after
    return _attempt_page(
        request,
        teacher,
        attempt_id,
        notice=N_("Graded again: the points have changed.")
        if changed
        else N_("Graded again: the points are the same."),
    )
