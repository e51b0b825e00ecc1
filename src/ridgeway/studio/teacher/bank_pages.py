"""The page of the question bank, and its files for Moodle and others."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from ridgeway.studio.i18n import N_
from ridgeway.studio.pages import render
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.quiz.words import LANGUAGES
from ridgeway.studio.teacher.entry import Entered
from ridgeway.studio.teacher.exchange import FORMATS
from ridgeway.studio.teacher.pages import lang_of

router = APIRouter()

_KINDS = {
    "single": N_("one choice"),
    "several": N_("several choices"),
    "number": N_("a number"),
    "order": N_("an order"),
    "match": N_("pairs"),
    "code": N_("code"),
}


@router.get("/bank")
def bank_page(request: Request, teacher: Entered) -> Response:
    """What the bank holds, by topic and kind."""
    bank, lang = bank_of(request.app), lang_of(request)
    counts = Counter((one.topic, one.kind) for one in bank.questions.values())
    return render(
        request,
        "teacher/bank.html",
        teacher=teacher,
        bank=bank,
        topics={key: name.in_language(lang) for key, name in bank.topics.items()},
        kinds=_KINDS,
        counts=counts,
        totals=Counter(one.topic for one in bank.questions.values()),
        figures=sum(one.figure is not None for one in bank.questions.values()),
    )


@router.get("/bank/file")
def export_bank(
    request: Request, teacher: Entered, format: str = "moodle", lang: str = "", seed: str = "0"
) -> Response:
    """The bank as a file, keys and explanations included."""
    written = lang or lang_of(request)
    if format not in FORMATS or written not in LANGUAGES or not (seed.isascii() and seed.isdigit() and len(seed) < 10):
        raise HTTPException(422)
    chosen = FORMATS[format]
    text = chosen.write(bank_of(request.app), written, int(seed))
    headers = {
        "Content-Disposition": f'attachment; filename="ridgeway-quiz-{written}.{chosen.ending}"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=chosen.media_type, headers=headers)
