"""The page of one learner: what is kept of them, to hand out, to make anonymous, to delete."""

from __future__ import annotations

import datetime
import json

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from starlette.responses import Response

from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.pages import render
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.security import settings_of
from ridgeway.studio.storage import NUMBERS, Attempt, Learner, storage_of
from ridgeway.studio.teacher import privacy
from ridgeway.studio.teacher.entry import Entered
from ridgeway.studio.teacher.pages import lang_of, record

router = APIRouter()


def _learner(session: Session, learner_id: int) -> tuple[Learner, list[Attempt]]:
    query = select(Learner).options(joinedload(Learner.classroom)).where(Learner.id == learner_id)
    learner = session.scalars(query).one_or_none() if learner_id < NUMBERS else None
    if learner is None:
        raise HTTPException(404)
    found = session.scalars(
        select(Attempt).where(Attempt.learner_id == learner_id).order_by(Attempt.started_at, Attempt.id)
    )
    return learner, list(found)


def _page(request: Request, teacher: Entered, template: str, learner_id: int) -> Response:
    with storage_of(request.app).reading() as session:
        learner, taken = _learner(session, learner_id)
        answers = privacy.answers_of(session, learner_id)
    days = privacy.days_kept(learner.classroom, settings_of(request).retention_days)
    last = max((one.started_at for one in taken), default=learner.consented_at)
    return render(
        request,
        template,
        teacher=teacher,
        learner=learner,
        attempts=taken,
        answers=answers,
        days=days,
        until=last + datetime.timedelta(days=days) if days else None,
    )


@router.get("/learners/{learner_id:int}")
def learner_page(request: Request, teacher: Entered, learner_id: int) -> Response:
    """A learner: what is kept, until when, and what can be done with it."""
    return _page(request, teacher, "teacher/learner.html", learner_id)


@router.get("/learners/{learner_id:int}/data.json")
def export_learner(request: Request, teacher: Entered, learner_id: int) -> Response:
    """All that is kept of a learner, as JSON, to give to them."""
    with storage_of(request.app).reading() as session:
        learner, _ = _learner(session, learner_id)
        days = privacy.days_kept(learner.classroom, settings_of(request).retention_days)
        kept = privacy.all_kept(session, learner, bank_of(request.app), lang_of(request), days)
    record(request, teacher, "export learner", f"learner {learner_id}")
    headers = {
        "Content-Disposition": f'attachment; filename="ridgeway-learner-{learner_id}.json"',
        "Cache-Control": "no-store",
    }
    return Response(json.dumps(kept, ensure_ascii=False, indent=2), media_type="application/json", headers=headers)


@router.post("/learners/{learner_id:int}/anonymize", dependencies=[CSRF])
def anonymize(request: Request, teacher: Entered, learner_id: int, form: Posted) -> Response:
    """Takes a learner's name and affiliation out, where the box is ticked."""
    if field(form, "sure") and not (
        learner_id < NUMBERS and privacy.anonymize_learner(storage_of(request.app), teacher, learner_id)
    ):
        raise HTTPException(404)
    return see(f"/teacher/learners/{learner_id}")


@router.get("/learners/{learner_id:int}/delete")
def delete_page(request: Request, teacher: Entered, learner_id: int) -> Response:
    """Says what would be deleted, and asks."""
    return _page(request, teacher, "teacher/delete.html", learner_id)


@router.post("/learners/{learner_id:int}/delete", dependencies=[CSRF])
def delete(request: Request, teacher: Entered, learner_id: int, form: Posted) -> Response:
    """Deletes a learner with all attempts, after the page that asks."""
    if not field(form, "sure"):
        return see(f"/teacher/learners/{learner_id}/delete")
    if learner_id >= NUMBERS or not privacy.delete_learner(storage_of(request.app), teacher, learner_id):
        raise HTTPException(404)
    return see("/teacher/attempts")
