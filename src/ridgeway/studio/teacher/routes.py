"""The teacher's pages: the first one, login and record; the others stand in modules of their own."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Request
from sqlalchemy import select
from starlette.responses import Response

from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.i18n import N_
from ridgeway.studio.pages import render
from ridgeway.studio.security import limited, renew_browser
from ridgeway.studio.storage import Event, storage_of
from ridgeway.studio.teacher import (
    accounts,
    attempt_pages,
    bank_pages,
    class_pages,
    downloads,
    item_pages,
    learner_pages,
)
from ridgeway.studio.teacher.entry import COOKIE, Entered, enter, leave, safe_next, teacher_of

router = APIRouter(prefix="/teacher", tags=["teacher"])
for _part in (class_pages, attempt_pages, learner_pages, item_pages, bank_pages, downloads):
    router.include_router(_part.router)

_EVENTS = 200

_EVENT_NAMES = {
    "log in": N_("logged in"),
    "export": N_("exported data"),
    "export learner": N_("exported a learner's data"),
    "delete learner": N_("deleted a learner's data"),
    "anonymize learner": N_("made a learner anonymous"),
    "create class": N_("made a class"),
    "change class": N_("changed a class"),
    "release results": N_("released results"),
    "hold results": N_("held results back"),
    "delete class": N_("deleted a class and its learners' data"),
    "more time": N_("gave more time"),
    "new code": N_("gave a new code"),
    "grade again": N_("graded again"),
}


def prepare(app: FastAPI) -> None:
    """Tells the rest of the studio how to know a teacher."""
    app.state.is_teacher = lambda request: teacher_of(request) is not None


@router.get("")
def first_page(request: Request, teacher: Entered) -> Response:
    """The classes."""
    return class_pages.overview(request, teacher)


@router.get("/login")
def login_page(request: Request, next: str = "") -> Response:
    """Name and password."""
    if teacher_of(request):
        return see(safe_next(next))
    return render(request, "teacher/login.html", error="", name="", next=safe_next(next))


@router.post("/login", dependencies=[CSRF, Depends(limited("login"))])
def log_in(request: Request, form: Posted) -> Response:
    """Logs in by a new session, and gives the browser a new number."""
    name, following = field(form, "name"), safe_next(field(form, "next"))
    token = accounts.log_in(storage_of(request.app), name, field(form, "password"))
    if token is None:
        said = N_("Name and password don't belong together. Try again.")
        return render(request, "teacher/login.html", status=422, error=said, name=name[:80], next=following)
    accounts.log_out(storage_of(request.app), request.cookies.get(COOKIE, ""))
    renew_browser(request)
    response = see(following)
    enter(request, response, token)
    return response


@router.post("/logout", dependencies=[CSRF])
def log_out(request: Request) -> Response:
    """Ends the session."""
    accounts.log_out(storage_of(request.app), request.cookies.get(COOKIE, ""))
    renew_browser(request)
    response = see("/teacher/login")
    leave(request, response)
    return response


@router.get("/record")
def record_page(request: Request, teacher: Entered) -> Response:
    """What teachers did last with learners' data."""
    with storage_of(request.app).reading() as session:
        events = list(session.scalars(select(Event).order_by(Event.at.desc(), Event.id.desc()).limit(_EVENTS)))
    return render(request, "teacher/record.html", teacher=teacher, events=events, names=_EVENT_NAMES)
