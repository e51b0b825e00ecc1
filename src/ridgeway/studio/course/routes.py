"""The course's pages: the contents, and one page a lesson."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from ridgeway.studio import i18n, pages
from ridgeway.studio.course.experiments import routes as experiments
from ridgeway.studio.course.lessons import LESSONS, SECTIONS, Lesson, data_code, lesson
from ridgeway.studio.i18n import N_

prepare, lifespan = experiments.prepare, experiments.lifespan

router = APIRouter()
# Before the lessons, whose address would take those of its pages.
router.include_router(experiments.router)

HEADINGS = {
    "statement": N_("What the lecture says"),
    "predict": N_("Predict first"),
    "experiment": N_("Experiment"),
    "explanation": N_("Explanation"),
    "more": N_("More exactly"),
    "code": N_("In Keras"),
    "ridgeway": N_("In ridgeway"),
    "wrong": N_("What people get wrong"),
    "checks": N_("Check yourself"),
    "sources": N_("Sources"),
}


@router.get("/course", response_class=HTMLResponse, summary="The course's contents")
def contents(request: Request) -> HTMLResponse:
    """All lessons, with what one can do after each."""
    lang = i18n.language(request)
    return pages.render(request, "course/contents.html", lessons=[lesson(name, lang) for name in LESSONS])


@router.get("/course/{name}", response_class=HTMLResponse, summary="A lesson")
def one_lesson(request: Request, name: str) -> HTMLResponse:
    """One lesson, with the way to the one before and the one after."""
    if name not in LESSONS:
        raise HTTPException(404)
    lang = i18n.language(request)
    place = LESSONS.index(name)
    partial = f"course/experiments/{name}.html"
    available = set(pages.environment(lang).list_templates())
    return pages.render(
        request,
        "course/lesson.html",
        lesson=lesson(name, lang),
        place=place + 1,
        lessons=[lesson(each, lang) for each in LESSONS],
        before=_at(place - 1, lang),
        after=_at(place + 1, lang),
        data_code=data_code(lang),
        headings=[(key, HEADINGS[key]) for key in SECTIONS if key != "experiment" or partial in available],
        experiment_page=partial if partial in available else None,
        module=_module(name),
    )


def _at(place: int, lang: str) -> Lesson | None:
    return lesson(LESSONS[place], lang) if 0 <= place < len(LESSONS) else None


def _module(name: str) -> str | None:
    """The address of the experiment's script."""
    file = f"course/experiments/{name}.js"
    return pages.static(file) if (pages.STATIC / file).is_file() else None
