"""The pages of classes: all of them, and one with its rules."""

from __future__ import annotations

import math

from fastapi import APIRouter, Request
from sqlalchemy import exists, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.pages import render
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.security import settings_of
from ridgeway.studio.storage import Classroom, Learner, now, storage_of
from ridgeway.studio.teacher import classes, listing, privacy
from ridgeway.studio.teacher.entry import Entered
from ridgeway.studio.teacher.pages import class_of, record

router = APIRouter()


def overview(
    request: Request, teacher: Entered, entered: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    """All classes, and the form of a new one."""
    settings = settings_of(request)
    with storage_of(request.app).reading() as session:
        by_class, outside = listing.counts(session)
    return render(
        request,
        "teacher/overview.html",
        status=422 if errors else 200,
        teacher=teacher,
        by_class=by_class,
        outside=outside,
        settings=settings,
        entered=entered or classes.fresh(settings.questions),
        errors=errors or {},
        most_questions=_most_questions(request),
    )


def _most_questions(request: Request) -> int:
    return min(classes.MOST_QUESTIONS, len(bank_of(request.app).questions))


def _class_fields(form: FormData) -> dict[str, str]:
    return {name: field(form, name)[:200] for name in classes.FIELDS}


@router.post("/classes", dependencies=[CSRF])
def create_class(request: Request, teacher: Entered, form: Posted) -> Response:
    """Makes a class."""
    entered, errors = classes.read(fields := _class_fields(form), _most_questions(request))
    if entered is None:
        return overview(request, teacher, fields, errors)
    made = classes.create(storage_of(request.app), entered)
    record(request, teacher, "create class", f"class {made}")
    return see(f"/teacher/classes/{made}")


@router.get("/classes/{class_id:int}")
def class_page(request: Request, teacher: Entered, class_id: int) -> Response:
    """A class: its code and link, its rules, and where to go on."""
    with storage_of(request.app).reading() as session:
        classroom = class_of(session, class_id)
    return _class_page(request, teacher, classroom, classes.fields_of(classroom), {})


def _class_page(
    request: Request, teacher: Entered, classroom: Classroom, fields: dict[str, str], errors: dict[str, str]
) -> Response:
    with storage_of(request.app).reading() as session:
        by_class, _ = listing.counts(session)
    counts = next((row for one, row in by_class if one.id == classroom.id), listing.Counts())
    return render(
        request,
        "teacher/class.html",
        status=422 if errors else 200,
        teacher=teacher,
        classroom=classroom,
        counts=counts,
        link=f"{request.base_url}quiz?code={classroom.code}",
        settings=settings_of(request),
        days=privacy.days_kept(classroom, settings_of(request).retention_days),
        entered=fields,
        errors=errors,
        most_questions=_most_questions(request),
    )


@router.post("/classes/{class_id:int}", dependencies=[CSRF])
def change_class(request: Request, teacher: Entered, class_id: int, form: Posted) -> Response:
    """Changes a class's name and rules; attempts that are open keep theirs."""
    fields = _class_fields(form)
    entered, errors = classes.read(fields, _most_questions(request))
    with storage_of(request.app).writing() as session:
        classroom = class_of(session, class_id, lock=True)
        if entered is not None and _longer_than_agreed(request, session, classroom, entered):
            entered, errors = None, {"retention_days": classes.AGREED}
        if entered is not None:
            classes.change(classroom, entered)
            privacy.record(session, teacher, "change class", f"class {class_id}")
    if entered is None:
        return _class_page(request, teacher, classroom, fields, errors)
    return see(f"/teacher/classes/{class_id}")


def _longer_than_agreed(request: Request, session: Session, classroom: Classroom, entered: classes.Entered) -> bool:
    """Whether data would be kept for longer than the learners that there are were told."""
    studio_days = settings_of(request).retention_days
    told, wanted = (privacy.days_kept(one, studio_days) or math.inf for one in (classroom, entered))
    return wanted > told and bool(session.scalar(select(exists(select(Learner.id).filter_by(class_id=classroom.id)))))


@router.post("/classes/{class_id:int}/results", dependencies=[CSRF])
def release_results(request: Request, teacher: Entered, class_id: int, form: Posted) -> Response:
    """Shows the learners of a class their results from now on, or holds them back again."""
    held = field(form, "do") == "hold"
    with storage_of(request.app).writing() as session:
        classroom = class_of(session, class_id, lock=True)
        classroom.released_at = None if held else classroom.released_at or now()
        privacy.record(session, teacher, "hold results" if held else "release results", f"class {class_id}")
    return see(f"/teacher/classes/{class_id}")


@router.post("/classes/{class_id:int}/delete", dependencies=[CSRF])
def delete_class(request: Request, teacher: Entered, class_id: int, form: Posted) -> Response:
    """Deletes a class with its learners and their attempts, where the box is ticked."""
    if not field(form, "sure"):
        return see(f"/teacher/classes/{class_id}")
    with storage_of(request.app).writing() as session:
        session.delete(class_of(session, class_id, lock=True))
        privacy.record(session, teacher, "delete class", f"class {class_id}")
    return see("/teacher")
