"""The page of item analysis."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ridgeway.studio.pages import render
from ridgeway.studio.quiz import attempts, result
from ridgeway.studio.quiz.routes import bank_of
from ridgeway.studio.storage import storage_of
from ridgeway.studio.teacher import listing
from ridgeway.studio.teacher.analysis import ENOUGH, analyse, by_topic
from ridgeway.studio.teacher.chart import chart, two
from ridgeway.studio.teacher.entry import Entered
from ridgeway.studio.teacher.labels import example, label
from ridgeway.studio.teacher.listing import Wanted
from ridgeway.studio.teacher.pages import all_classes, lang_of

router = APIRouter()


@router.get("/items")
def items_page(request: Request, teacher: Entered, wanted: Wanted) -> Response:
    """Item analysis of first attempts, by class and affiliation."""
    bank, lang = bank_of(request.app), lang_of(request)
    storage = storage_of(request.app)
    attempts.close_overdue(storage, bank)
    with storage.reading() as session:
        answers = listing.first_answers(session, wanted)
        classes = all_classes(session)
        affiliations = listing.affiliations(session, wanted.classroom)
    items = analyse(answers, {one.id: one.kind for one in bank.questions.values()})
    order = {question: place for place, question in enumerate(bank.questions)}
    items.sort(key=lambda one: order.get(one.question, len(order)))
    drawn = {one.question: example(bank, one.question) for one in items}
    of_topic = by_topic(answers, {one.id: one.topic for one in bank.questions.values()})
    return render(
        request,
        "teacher/items.html",
        teacher=teacher,
        wanted=wanted,
        classes=classes,
        affiliations=affiliations,
        items=items,
        enough=ENOUGH,
        chart=chart(items, lang),
        two=two,
        attempts=len({one.attempt for one in answers}),
        by_topic=[(name.in_language(lang), of_topic[key]) for key, name in bank.topics.items() if key in of_topic],
        shown={key: one.shown(lang) for key, one in drawn.items() if one},
        short={key: result.in_short(one.shown(lang).text) for key, one in drawn.items() if one},
        topics={key: bank.topics[one.topic].in_language(lang) for key, one in drawn.items() if one},
        labels={
            one.question: [label(drawn[one.question], choice.key, lang) for choice in one.choices] for one in items
        },
    )
