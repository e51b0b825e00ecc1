"""The learner's pages: start, questions, review, result, certificate. Each works without a script."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from starlette.responses import JSONResponse, Response

from ridgeway.studio.app import error_page
from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.i18n import N_, language, translator
from ridgeway.studio.pages import render
from ridgeway.studio.quiz import attempts, codes, result, starting
from ridgeway.studio.quiz.attempts import Standing
from ridgeway.studio.quiz.bank import Bank, load_bank
from ridgeway.studio.quiz.forms import given
from ridgeway.studio.quiz.held import forget, held, hold
from ridgeway.studio.quiz.identity import NameRefused, clean
from ridgeway.studio.quiz.words import Language, MalformedAnswer
from ridgeway.studio.security import limited, settings_of
from ridgeway.studio.storage import Storage, storage_of
from ridgeway.studio.storage.retention import remove_old

router = APIRouter(prefix="/quiz", tags=["quiz"])

# Seconds between two rounds of forgetting and of closing what is over time.
_ROUND = 24 * 3600.0

_logger = logging.getLogger(__name__)


def prepare(app: FastAPI) -> None:
    """Says what a browser is answered that asks for an attempt it has no code of, or that is closed."""
    app.add_exception_handler(attempts.NoAttempt, _no_attempt)
    app.add_exception_handler(attempts.Closed, _closed)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Opens the database, and forgets what is too old: at once and every day."""
    storage = await asyncio.to_thread(storage_of, app)
    rounds = asyncio.create_task(_rounds(app, storage))
    try:
        yield
    finally:
        rounds.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await rounds
        await asyncio.to_thread(storage.close)


async def _rounds(app: FastAPI, storage: Storage) -> None:
    while True:
        try:
            await asyncio.to_thread(remove_old, storage, app.state.settings.retention_days)
            await asyncio.to_thread(attempts.close_overdue, storage, bank_of(app))
        except Exception:
            # The next round tries again; the studio goes on meanwhile.
            _logger.exception("Old attempts could not be removed.")
        await asyncio.sleep(_ROUND)


def bank_of(app: FastAPI) -> Bank:
    """The application's bank: `app.state.bank` where it has one of its own."""
    found: Bank | None = getattr(app.state, "bank", None)
    return load_bank() if found is None else found


LIMITED = Depends(limited("quiz"))


def _lang(request: Request) -> Language:
    return cast(Language, language(request))


def _standing(request: Request, attempt_id: int) -> Standing:
    return attempts.standing(storage_of(request.app), bank_of(request.app), attempt_id, held(request))


@router.get("")
def start_page(request: Request, code: str = "", again: str = "") -> Response:
    """Name, affiliation and the rules; and the attempts that this browser holds."""
    values = {"class_code": code[:40]}
    mine = attempts.held_attempts(storage_of(request.app), held(request))
    if again.isdecimal():
        last = next((one for one in mine if str(one.id) == again and one.learner.anonymized_at is None), None)
        if last:
            values |= {"name": last.learner.name, "affiliation": last.learner.affiliation}
    return _start_page(request, values)


def _start_page(request: Request, values: dict[str, str], status: int = 200, **errors: str) -> Response:
    storage, settings = storage_of(request.app), settings_of(request)
    refused = ""
    with storage.reading() as session:
        try:
            rules = starting.rules(session, settings, values.get("class_code", ""))
        except attempts.Refused as error:
            refused = str(error)
            rules = starting.rules(session, settings, "")
    if refused:
        errors = {"class_code": refused, **errors}
    places = ("name", "affiliation", "class_code", "consent", "resume_code", "refused")
    return render(
        request,
        "quiz/start.html",
        status=status,
        rules=rules,
        values={place: values.get(place, "") for place in places},
        errors={place: errors.get(place, "") for place in places} if errors else {},
        mine=attempts.held_attempts(storage, held(request)),
        retention_days=settings.retention_days,
    )


@router.post("/start", dependencies=[CSRF, LIMITED])
def start(request: Request, form: Posted) -> Response:
    """Starts an attempt, or goes on with the one that this browser has open for the same learner."""
    values = {name: field(form, name) for name in ("name", "affiliation", "class_code", "consent")}
    errors: dict[str, str] = {}
    entered = {}
    for name in ("name", "affiliation"):
        try:
            entered[name] = clean(values[name])
        except NameRefused as error:
            errors[name] = str(error)
    if not values["consent"]:
        errors["consent"] = N_("Without your consent the quiz can't be started: it has to keep your answers.")
    if not errors:
        try:
            attempt_id, code = starting.start(
                storage_of(request.app),
                bank_of(request.app),
                settings_of(request),
                **entered,
                class_code=values["class_code"],
                language=language(request),
                held=held(request),
            )
        except starting.ClassRefused as error:
            errors["class_code"] = str(error)
        except attempts.Refused as error:
            errors["refused"] = str(error)
        else:
            response = see(f"/quiz/{attempt_id}")
            hold(request, response, code)
            return response
    values = {name: value[:200] for name, value in values.items()}
    return _start_page(request, values, 422, **errors)


@router.post("/resume", dependencies=[CSRF, LIMITED])
def resume(request: Request, form: Posted) -> Response:
    """Opens an attempt in this browser by its code."""
    code = codes.read(field(form, "resume_code"), codes.ATTEMPT)
    attempt = attempts.opened_by(storage_of(request.app), code) if code else None
    if code is None or attempt is None:
        said = N_("No attempt has this code. It has 16 letters and digits; look it up where the attempt was started.")
        return _start_page(request, {"resume_code": field(form, "resume_code")[:40]}, 422, resume_code=said)
    response = see(f"/quiz/{attempt.id}")
    hold(request, response, code)
    return response


@router.post("/forget", dependencies=[CSRF])
def forget_all(request: Request) -> Response:
    """Takes the attempts off this browser; they stay with the teacher, and open again by their codes."""
    response = see("/quiz")
    forget(request, response)
    return response


@router.get("/{attempt_id:int}")
def go_on(request: Request, attempt_id: int) -> Response:
    """Leads to the first question without an answer, to the review, or to the result."""
    stands = _standing(request, attempt_id)
    if not stands.open:
        return see(f"/quiz/{attempt_id}/result")
    for place, drawn in enumerate(stands.questions):
        if stands.value(drawn.id) is None:
            return see(f"/quiz/{attempt_id}/{place + 1}")
    return see(f"/quiz/{attempt_id}/review")


@router.get("/{attempt_id:int}/{number:int}")
def question(request: Request, attempt_id: int, number: int) -> Response:
    """One question."""
    return _question_page(request, _standing(request, attempt_id), number)


def _question_page(
    request: Request, stands: Standing, number: int, *, status: int = 200, value: Any = None, error: str = ""
) -> Response:
    if not stands.open:
        raise attempts.Closed
    if not 1 <= number <= len(stands.questions):
        raise HTTPException(404)
    drawn = stands.questions[number - 1]
    shown = drawn.shown(_lang(request))
    saved = stands.value(drawn.id)
    order: list[tuple[str, Any]] = []
    if shown.kind == "order":
        texts = dict(shown.options)
        rest = [one for one, _ in shown.options if one not in (saved or ())]
        order = [(one, texts[one]) for one in [*(saved or ()), *rest] if one in texts]
    return render(
        request,
        "quiz/question.html",
        status=status,
        stands=stands,
        number=number,
        drawn=drawn,
        shown=shown,
        value=saved if value is None else value,
        saved=stands.answers.get(drawn.id),
        order=order,
        error=error,
    )


@router.post("/{attempt_id:int}/{number:int}", dependencies=[CSRF])
def answer(request: Request, attempt_id: int, number: int, form: Posted) -> Response:
    """Saves what the form holds, then goes where its button says; a script that saves is answered in JSON."""
    stands = _standing(request, attempt_id)
    if not stands.open:
        raise attempts.Closed
    if not 1 <= number <= len(stands.questions):
        raise HTTPException(404)
    drawn = stands.questions[number - 1]
    storage, bank = storage_of(request.app), bank_of(request.app)
    value = given(drawn, form)
    flag = {"on": True, "off": False}.get(field(form, "flag"))
    # The things to order stand in some order from the beginning: that is no answer until the learner says so.
    untouched = (
        drawn.kind == "order"
        and stands.value(drawn.id) is None
        and not field(form, "move")
        and field(form, "go") != "order"
    )
    try:
        saved = attempts.save(
            storage, bank, attempt_id, held(request), drawn.id, value=value, flagged=flag, keep=untouched
        )
    except MalformedAnswer as error:
        said = error.message(_lang(request))
        if flag is not None:
            attempts.save(storage, bank, attempt_id, held(request), drawn.id, flagged=flag, keep=True)
        if _wants_json(request):
            return JSONResponse({"detail": said}, 422)
        return _question_page(request, stands, number, status=422, value=value, error=said)
    if _wants_json(request):
        told = dataclasses.asdict(saved) | {"saved_at": saved.saved_at.isoformat()}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})
    go = field(form, "go")
    if go == "review":
        return see(f"/quiz/{attempt_id}/review")
    if go.isdecimal() and 1 <= int(go[:4]) <= len(stands.questions):
        return see(f"/quiz/{attempt_id}/{int(go[:4])}")
    return see(f"/quiz/{attempt_id}/{number}")


@router.get("/{attempt_id:int}/review")
def review(request: Request, attempt_id: int) -> Response:
    """What is answered, open and flagged, before handing in."""
    stands = _standing(request, attempt_id)
    if not stands.open:
        raise attempts.Closed
    lang = _lang(request)
    texts = [result.in_short(one.shown(lang).text) for one in stands.questions]
    return render(request, "quiz/review.html", stands=stands, texts=texts, code=_code(request, stands))


@router.post("/{attempt_id:int}/hand-in", dependencies=[CSRF])
def hand_in(request: Request, attempt_id: int) -> Response:
    """Hands the attempt in; a second time changes nothing."""
    attempts.hand_in(storage_of(request.app), bank_of(request.app), attempt_id, held(request))
    return see(f"/quiz/{attempt_id}/result")


@router.get("/{attempt_id:int}/result")
def result_page(request: Request, attempt_id: int) -> Response:
    """Score, share per topic, and each question explained."""
    stands = _standing(request, attempt_id)
    if stands.open:
        return see(f"/quiz/{attempt_id}")
    if not stands.questions:
        return render(request, "quiz/gone.html", stands=stands)
    bank, lang = bank_of(request.app), _lang(request)
    graded = result.rows(stands, bank, lang)
    return render(
        request,
        "quiz/result.html",
        stands=stands,
        rows=graded,
        topics=result.topics(graded, bank, lang),
        left=starting.attempts_left(storage_of(request.app), settings_of(request), stands.attempt),
        code=_code(request, stands),
    )


@router.get("/{attempt_id:int}/certificate")
def certificate(request: Request, attempt_id: int) -> Response:
    """A page to print: who, when, and how many points."""
    stands = _standing(request, attempt_id)
    if stands.open or stands.attempt.points is None:
        return see(f"/quiz/{attempt_id}")
    return render(request, "quiz/certificate.html", stands=stands, attempt=stands.attempt)


def _code(request: Request, stands: Standing) -> str:
    """The attempt's code, which this browser holds, in groups of four."""
    return next(codes.shown(one) for one in held(request) if codes.hashed(one) == stands.attempt.code)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _no_attempt(request: Request, error: Exception) -> Response:
    return error_page(
        request, 404, N_("This attempt isn't open in this browser. Go on with it by its code, or start at the quiz.")
    )


def _closed(request: Request, error: Exception) -> Response:
    place = f"/quiz/{request.path_params['attempt_id']}/result"
    if _wants_json(request):
        said = translator(language(request))(N_("This attempt is handed in: nothing more can be saved."))
        return JSONResponse({"detail": said, "location": place}, 409)
    return see(place)
