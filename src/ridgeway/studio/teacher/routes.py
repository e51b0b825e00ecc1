"""The teacher's pages: login, classes, attempts, items, deletion."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.i18n import N_, language
from ridgeway.studio.pages import render
from ridgeway.studio.quiz import attempts, result
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.security import limited, renew_browser, settings_of
from ridgeway.studio.storage import NUMBERS, Attempt, Classroom, Event, storage_of
from ridgeway.studio.teacher import accounts, classes, downloads, listing, privacy
from ridgeway.studio.teacher.analysis import analyse
from ridgeway.studio.teacher.entry import COOKIE, Entered, enter, leave, safe_next, teacher_of
from ridgeway.studio.teacher.labels import example, label
from ridgeway.studio.teacher.listing import Wanted

router = APIRouter(prefix="/teacher", tags=["teacher"])
router.include_router(downloads.router)

_MOST_MORE_MINUTES = 600
_EVENTS = 200

_EVENT_NAMES = {
    "log in": N_("logged in"),
    "export": N_("exported data"),
    "delete learner": N_("deleted a learner's data"),
    "anonymize learner": N_("made a learner anonymous"),
    "create class": N_("made a class"),
    "change class": N_("changed a class"),
    "delete class": N_("deleted a class and its learners' data"),
    "more time": N_("gave more time"),
    "grade again": N_("graded again"),
}


def prepare(app: FastAPI) -> None:
    """Tells the rest of the studio how to know a teacher."""
    app.state.is_teacher = lambda request: teacher_of(request) is not None


def _lang(request: Request) -> Language:
    return cast(Language, language(request))


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


@router.get("")
def overview(request: Request, teacher: Entered) -> Response:
    """The classes."""
    return _overview(request, teacher)


def _overview(
    request: Request, teacher: Entered, entered: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    settings = settings_of(request)
    with storage_of(request.app).reading() as session:
        by_class, outside = listing.counts(session)
    fresh = {"name": "", "attempts": "1", "minutes": "", "questions": str(settings.questions)}
    return render(
        request,
        "teacher/overview.html",
        status=422 if errors else 200,
        teacher=teacher,
        by_class=by_class,
        outside=outside,
        settings=settings,
        entered=entered or fresh,
        errors=errors or {},
        most_questions=_most_questions(request),
    )


def _most_questions(request: Request) -> int:
    return min(classes.MOST_QUESTIONS, len(bank_of(request.app).questions))


def _class_fields(form: FormData) -> dict[str, str]:
    return {name: field(form, name)[:200] for name in ("name", "attempts", "minutes", "questions", "closed")}


@router.post("/classes", dependencies=[CSRF])
def create_class(request: Request, teacher: Entered, form: Posted) -> Response:
    """Makes a class."""
    entered, errors = classes.read(fields := _class_fields(form), _most_questions(request))
    if entered is None:
        return _overview(request, teacher, fields, errors)
    made = classes.create(storage_of(request.app), entered)
    _record(request, teacher, "create class", f"class {made}")
    return see(f"/teacher/classes/{made}")


@router.get("/classes/{class_id:int}")
def class_page(request: Request, teacher: Entered, class_id: int) -> Response:
    """A class: its code and link, its rules, and where to go on."""
    with storage_of(request.app).reading() as session:
        classroom = _class(session, class_id)
    fields = {
        "name": classroom.name,
        "attempts": "" if classroom.attempts is None else str(classroom.attempts),
        "minutes": "" if classroom.minutes is None else str(classroom.minutes),
        "questions": str(classroom.questions),
        "closed": "yes" if classroom.closed else "",
    }
    return _class_page(request, teacher, classroom, fields, {})


def _class_page(
    request: Request, teacher: Entered, classroom: Classroom, fields: dict[str, str], errors: dict[str, str]
) -> Response:
    with storage_of(request.app).reading() as session:
        by_class, _ = listing.counts(session)
    counts = next(row for one, row in by_class if one.id == classroom.id)
    return render(
        request,
        "teacher/class.html",
        status=422 if errors else 200,
        teacher=teacher,
        classroom=classroom,
        counts=counts,
        link=f"{request.base_url}quiz?code={classroom.code}",
        entered=fields,
        errors=errors,
        most_questions=_most_questions(request),
    )


def _class(session: Session, class_id: int, lock: bool = False) -> Classroom:
    query = select(Classroom).where(Classroom.id == class_id)
    found = session.scalars(query.with_for_update() if lock else query).one_or_none() if class_id < NUMBERS else None
    if found is None:
        raise HTTPException(404)
    return found


@router.post("/classes/{class_id:int}", dependencies=[CSRF])
def change_class(request: Request, teacher: Entered, class_id: int, form: Posted) -> Response:
    """Changes a class's name and rules; attempts that are open keep theirs."""
    fields = _class_fields(form)
    entered, errors = classes.read(fields, _most_questions(request))
    with storage_of(request.app).writing() as session:
        classroom = _class(session, class_id, lock=True)
        if entered is not None:
            for name, value in vars(entered).items():
                setattr(classroom, name, value)
            privacy.record(session, teacher, "change class", f"class {class_id}")
    if entered is None:
        return _class_page(request, teacher, classroom, fields, errors)
    return see(f"/teacher/classes/{class_id}")


@router.post("/classes/{class_id:int}/delete", dependencies=[CSRF])
def delete_class(request: Request, teacher: Entered, class_id: int, form: Posted) -> Response:
    """Deletes a class with its learners and their attempts, where the box is ticked."""
    if not field(form, "sure"):
        return see(f"/teacher/classes/{class_id}")
    with storage_of(request.app).writing() as session:
        session.delete(_class(session, class_id, lock=True))
        privacy.record(session, teacher, "delete class", f"class {class_id}")
    return see("/teacher")


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
            classes=_all_classes(session),
            affiliations=listing.affiliations(session, wanted.classroom),
        )


def _all_classes(session: Session) -> list[Classroom]:
    return list(session.scalars(select(Classroom).order_by(Classroom.name, Classroom.id)))


@router.get("/attempts/{attempt_id:int}")
def attempt_page(request: Request, teacher: Entered, attempt_id: int) -> Response:
    """One attempt: when what was answered, how it was graded, and what can be done with it."""
    return _attempt_page(request, teacher, attempt_id)


def _attempt_page(request: Request, teacher: Entered, attempt_id: int, error: str = "", notice: str = "") -> Response:
    bank, lang = bank_of(request.app), _lang(request)
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
    _record(request, teacher, "more time", f"attempt {attempt_id}: {minutes} min")
    return see(f"/teacher/attempts/{attempt_id}")


@router.post("/attempts/{attempt_id:int}/grade", dependencies=[CSRF])
def grade_again(request: Request, teacher: Entered, attempt_id: int) -> Response:
    """Grades an attempt again, after a key was mended."""
    try:
        before, after = attempts.regrade(storage_of(request.app), bank_of(request.app), attempt_id)
    except attempts.BankChanged:
        said = N_("Questions of this attempt aren't in the bank any more; its grades stay as they are.")
        return _attempt_page(request, teacher, attempt_id, said)
    _record(request, teacher, "grade again", f"attempt {attempt_id}: {before} → {after}")
    changed = before != after
    return _attempt_page(
        request,
        teacher,
        attempt_id,
        notice=N_("Graded again: the points have changed.")
        if changed
        else N_("Graded again: the points are the same."),
    )


@router.post("/learners/{learner_id:int}/anonymize", dependencies=[CSRF])
def anonymize(request: Request, teacher: Entered, learner_id: int, form: Posted) -> Response:
    """Takes a learner's name and affiliation out, where the box is ticked."""
    return _learner_done(request, teacher, learner_id, form, privacy.anonymize_learner)


@router.post("/learners/{learner_id:int}/delete", dependencies=[CSRF])
def delete(request: Request, teacher: Entered, learner_id: int, form: Posted) -> Response:
    """Deletes a learner with all attempts, where the box is ticked."""
    return _learner_done(request, teacher, learner_id, form, privacy.delete_learner)


def _learner_done(request: Request, teacher: Entered, learner_id: int, form: FormData, do: Any) -> Response:
    back = field(form, "back")
    if not field(form, "sure"):
        return see(safe_next(back))
    if learner_id >= NUMBERS or not do(storage_of(request.app), teacher, learner_id):
        raise HTTPException(404)
    return see(safe_next(back) if do is privacy.anonymize_learner else "/teacher/attempts")


@router.get("/items")
def items_page(request: Request, teacher: Entered, wanted: Wanted) -> Response:
    """Item analysis of first attempts, by class and affiliation."""
    bank, lang = bank_of(request.app), _lang(request)
    storage = storage_of(request.app)
    attempts.close_overdue(storage, bank)
    with storage.reading() as session:
        answers = listing.first_answers(session, wanted)
        all_classes = _all_classes(session)
        affiliations = listing.affiliations(session, wanted.classroom)
    items = analyse(answers, {one.id: one.kind for one in bank.questions.values()})
    order = {question: place for place, question in enumerate(bank.questions)}
    items.sort(key=lambda one: order.get(one.question, len(order)))
    drawn = {one.question: example(bank, one.question) for one in items}
    return render(
        request,
        "teacher/items.html",
        teacher=teacher,
        wanted=wanted,
        classes=all_classes,
        affiliations=affiliations,
        items=items,
        attempts=len({one.attempt for one in answers}),
        shown={key: one.shown(lang) for key, one in drawn.items() if one},
        short={key: result.in_short(one.shown(lang).text) for key, one in drawn.items() if one},
        topics={key: bank.topics[one.topic].in_language(lang) for key, one in drawn.items() if one},
        labels={
            one.question: [label(drawn[one.question], choice.key, lang) for choice in one.choices] for one in items
        },
    )


@router.get("/record")
def record_page(request: Request, teacher: Entered) -> Response:
    """What teachers did last with learners' data."""
    with storage_of(request.app).reading() as session:
        events = list(session.scalars(select(Event).order_by(Event.at.desc(), Event.id.desc()).limit(_EVENTS)))
    return render(request, "teacher/record.html", teacher=teacher, events=events, names=_EVENT_NAMES)


def _record(request: Request, teacher: Entered, what: str, about: str) -> None:
    with storage_of(request.app).writing() as session:
        privacy.record(session, teacher, what, about)
