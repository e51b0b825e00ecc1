"""The learner's pages: start, questions, review, result, certificate. Each works without a script."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from starlette.responses import JSONResponse, Response

from ridgeway.studio.app import error_page
from ridgeway.studio.forms import CSRF, Posted, field, see
from ridgeway.studio.i18n import LANGUAGES, N_, language, translator
from ridgeway.studio.pages import environment, render
from ridgeway.studio.quiz import attempts, codes, result, saving, starting
from ridgeway.studio.quiz.asking import asked
from ridgeway.studio.quiz.attempts import Standing
from ridgeway.studio.quiz.bank import Bank, load_bank
from ridgeway.studio.quiz.forms import given, given_by
from ridgeway.studio.quiz.held import MOST, forget, held, hold
from ridgeway.studio.quiz.identity import NameRefused, clean
from ridgeway.studio.quiz.shown import question_text
from ridgeway.studio.quiz.words import Language, MalformedAnswer
from ridgeway.studio.security import browser, limited, settings_of
from ridgeway.studio.storage import Attempt, Storage, storage_of
from ridgeway.studio.storage.retention import remove_old

router = APIRouter(prefix="/quiz", tags=["quiz"])

# Seconds between two rounds of forgetting and of closing what is over time.
_ROUND = 24 * 3600.0

_TOO_MANY = N_("This browser holds too many open attempts. Hand one in, or take them off this browser.")

_logger = logging.getLogger(__name__)


def prepare(app: FastAPI) -> None:
    """Says what a browser is answered that asks for an attempt it has no code of, or that is closed."""
    app.add_exception_handler(attempts.NoAttempt, _no_attempt)
    app.add_exception_handler(attempts.Closed, _closed)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Opens the database, and forgets what is too old: at once and every day."""
    storage = await asyncio.to_thread(storage_of, app)
    await asyncio.to_thread(_warm, app)
    rounds = asyncio.create_task(_rounds(app, storage))
    try:
        yield
    finally:
        rounds.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await rounds
        await asyncio.to_thread(storage.close)


def _warm(app: FastAPI) -> None:
    """Reads what every page needs before the first comes: after a crash all learners come back in the same second."""
    bank_of(app)
    for lang in LANGUAGES:
        environment(lang).get_template("quiz/question.html")


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
    return _start_page(request, values, mine=mine)


def _start_page(
    request: Request,
    values: dict[str, str],
    wrong: dict[str, str] | None = None,
    mine: list[Attempt] | None = None,
) -> Response:
    errors = wrong or {}
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
        status=422 if wrong else 200,
        rules=rules,
        values={place: values.get(place, "") for place in places},
        errors={place: errors.get(place, "") for place in places} if errors else {},
        mine=attempts.held_attempts(storage, held(request)) if mine is None else mine,
    )


@router.post("/start", dependencies=[CSRF, LIMITED])
def start(request: Request, form: Posted) -> Response:
    """Starts an attempt, or goes on with the one that this browser has open for the same learner."""
    values = {name: field(form, name) for name in ("name", "affiliation", "class_code", "consent")}
    days = field(form, "retention_days")
    errors: dict[str, str] = {}
    entered = {}
    for name in ("name", "affiliation"):
        try:
            entered[name] = clean(values[name])
        except NameRefused as error:
            errors[name] = str(error)
    if not values["consent"]:
        errors["consent"] = N_("Without your consent the quiz can't be started: it has to keep your answers.")
    opened = _open_hashes(request)
    if len(opened) >= MOST - 1:
        errors["refused"] = _TOO_MANY
    if not errors:
        try:
            attempt_id, code = starting.start(
                storage_of(request.app),
                bank_of(request.app),
                settings_of(request),
                **entered,
                class_code=values["class_code"],
                language=language(request),
                browser=browser(request),
                held=held(request),
                agreed_days=int(days) if days.isascii() and days.isdigit() and len(days) < 9 else None,
            )
        except starting.ClassRefused as error:
            errors["class_code"] = str(error)
        except starting.ConsentOutdated as error:
            errors["consent"], values["consent"] = str(error), ""
        except attempts.Refused as error:
            errors["refused"] = str(error)
        else:
            response = see(f"/quiz/{attempt_id}")
            hold(request, response, code, opened)
            return response
    values = {name: value[:200] for name, value in values.items()}
    return _start_page(request, values, errors)


@router.post("/resume", dependencies=[CSRF, LIMITED])
def resume(request: Request, form: Posted) -> Response:
    """Opens an attempt in this browser by its code."""
    code = codes.read(field(form, "resume_code"), codes.ATTEMPT)
    attempt = attempts.opened_by(storage_of(request.app), code) if code else None
    if code is None or attempt is None:
        said = N_("No attempt has this code. It has 16 letters and digits; look it up where the attempt was started.")
        return _start_page(request, {"resume_code": field(form, "resume_code")[:40]}, {"resume_code": said})
    opened = _open_hashes(request)
    if len(opened) >= MOST - 1:
        return _start_page(request, {}, {"refused": _TOO_MANY})
    response = see(f"/quiz/{attempt.id}")
    hold(request, response, code, opened)
    return response


def _open_hashes(request: Request) -> set[str]:
    """Hashes of the codes that this browser holds of open attempts."""
    mine = attempts.held_attempts(storage_of(request.app), held(request))
    return {one.code for one in mine if one.handed_in_at is None}


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
def question(request: Request, attempt_id: int, number: int, changed: str = "") -> Response:
    """One question."""
    return _question_page(request, _standing(request, attempt_id), number, changed=bool(changed))


def _question_page(
    request: Request,
    stands: Standing,
    number: int,
    *,
    status: int = 200,
    value: Any = None,
    error: str = "",
    changed: bool = False,
) -> Response:
    if not stands.open:
        raise attempts.Closed
    if not 1 <= number <= len(stands.questions):
        raise HTTPException(404)
    return render(
        request,
        "quiz/question.html",
        status=status,
        stands=stands,
        one=asked(stands, number, _lang(request), value=value, error=error, changed=changed),
        code=_code(request, stands),
    )


@router.get("/{attempt_id:int}/all")
def all_questions(request: Request, attempt_id: int, changed: str = "") -> Response:
    """All questions on one page, each with a form of its own."""
    return _all_page(request, _standing(request, attempt_id), changed=changed)


def _all_page(
    request: Request,
    stands: Standing,
    *,
    status: int = 200,
    at: int = 0,
    value: Any = None,
    error: str = "",
    changed: str = "",
) -> Response:
    if not stands.open:
        raise attempts.Closed
    lang = _lang(request)
    questions = [
        asked(stands, number, lang, value=value, error=error)
        if number == at
        else asked(stands, number, lang, changed=changed == str(number))
        for number in range(1, len(stands.questions) + 1)
    ]
    return render(
        request, "quiz/all.html", status=status, stands=stands, questions=questions, code=_code(request, stands)
    )


@router.post("/{attempt_id:int}/{number:int}", dependencies=[CSRF])
def answer(request: Request, attempt_id: int, number: int, form: Posted) -> Response:
    """Saves what the form holds, then goes where its button says; a script that saves is answered in JSON."""
    storage, bank, whose = storage_of(request.app), bank_of(request.app), held(request)
    on_all = field(form, "on") == "all"
    try:
        saved = saving.save(storage, bank, attempt_id, whose, number, lambda drawn: given_by(form, drawn))
    except MalformedAnswer as error:
        said = error.message(_lang(request))
        if _wants_json(request):
            return JSONResponse({"detail": said}, 422)
        stands = _standing(request, attempt_id)
        entered = given(stands.questions[number - 1], form) if stands.open else None
        if on_all:
            return _all_page(request, stands, status=422, at=number, value=entered, error=said)
        return _question_page(request, stands, number, status=422, value=entered, error=said)
    here = f"/quiz/{attempt_id}/{'all' if on_all else number}"
    there = f"#question-{number}" if on_all else ""
    changed = f"{here}?changed={number}{there}"
    if _wants_json(request):
        if saved.refused:
            return JSONResponse({"location": changed}, 409)
        return JSONResponse(_told(saved), headers={"Cache-Control": "no-store"})
    if saved.refused:
        return see(changed)
    go = field(form, "go")
    if (go in ("review", "all") and not on_all) or (go.isascii() and go.isdigit() and len(go) < 4):
        return see(f"/quiz/{attempt_id}/{go}")
    return see(here + there)


def _told(saved: saving.Saved) -> dict[str, Any]:
    """What the page's script is told."""
    return {**vars(saved), "saved_at": saved.saved_at and saved.saved_at.isoformat(), "seen": saved.seen or ""}


@router.get("/{attempt_id:int}/review")
def review(request: Request, attempt_id: int) -> Response:
    """What is answered, open and flagged, before handing in."""
    stands = _standing(request, attempt_id)
    if not stands.open:
        raise attempts.Closed
    lang = _lang(request)
    texts = [result.in_short(question_text(one, lang)) for one in stands.questions]
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
    left = starting.attempts_left(storage_of(request.app), settings_of(request), stands.attempt)
    code = _code(request, stands)
    if stands.attempt.points is not None and not stands.attempt.shows_result:
        return render(request, "quiz/handed-in.html", stands=stands, left=left, code=code)
    if not stands.questions:
        return render(request, "quiz/gone.html", stands=stands)
    if stands.attempt.result_seen_at is None and not attempts.show_result(storage_of(request.app), attempt_id):
        return see(f"/quiz/{attempt_id}")
    bank, lang = bank_of(request.app), _lang(request)
    graded = result.rows(stands, bank, lang)
    return render(
        request,
        "quiz/result.html",
        stands=stands,
        rows=graded,
        topics=result.topics(graded, bank, lang),
        left=left,
        code=code,
    )


@router.get("/{attempt_id:int}/certificate")
def certificate(request: Request, attempt_id: int) -> Response:
    """A page to print: who, when, and how many points."""
    stands = _standing(request, attempt_id)
    if stands.open or stands.attempt.points is None or not stands.attempt.shows_result:
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
