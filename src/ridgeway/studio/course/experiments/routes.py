"""Results of experiments and the jobs that make them, as JSON; and the playground's page.

The course's routes call `prepare(app)`, open `lifespan(app)` and include `router`.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from ridgeway.studio import i18n, pages
from ridgeway.studio.course.experiments import shown
from ridgeway.studio.course.experiments.jobs import Busy, Job, Jobs
from ridgeway.studio.course.experiments.points import TableError
from ridgeway.studio.course.experiments.registry import IDS, PLAYGROUND, Experiment, Results, experiment
from ridgeway.studio.i18n import N_
from ridgeway.studio.security import client, csrf_checked, limited

router = APIRouter()
_logger = logging.getLogger(__name__)
# A shipped or kept result never changes under its settings; versions of ridgeway change it.
_KEPT = {"Cache-Control": "no-cache"}
_limited = limited("start")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The result"},
    202: {"description": "The job that computes it"},
    404: {"description": "No such experiment"},
    422: {"description": "A setting is unknown or out of its range"},
    429: {"description": "Too many computations"},
}


def prepare(app: FastAPI) -> None:
    """Gives the application its queue of jobs, and templates what they show of results."""
    folder = app.state.settings.own / "experiments"
    app.state.experiment_results = Results(folder)
    app.state.experiment_jobs = Jobs(folder)
    for lang in i18n.LANGUAGES:
        pages.environment(lang).globals["experiment_of"] = lambda name, lang=lang: shown.of(name, lang)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Ends the computing process with the server."""
    try:
        yield
    finally:
        app.state.experiment_jobs.close()


@router.get("/course/experiments/ready", status_code=204, response_class=Response)
def ready(request: Request) -> None:
    """Has the computing process started: somebody is at an experiment of a page of ours and may train it anew."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403)
    request.app.state.experiment_jobs.ready()


@router.get("/course/experiments/{name}", response_class=JSONResponse, responses=_ANSWERS)
def result(request: Request, name: str) -> Response:
    """The result of an experiment for the settings in the query; where it is not known yet, the job that makes it."""
    return _answer(request, name, request.query_params)


@router.post(
    "/course/experiments/{name}",
    response_class=JSONResponse,
    responses=_ANSWERS,
    dependencies=[Depends(csrf_checked)],
)
async def result_of_table(request: Request, name: str) -> Response:
    """The same, for settings in a JSON body: a table of one's own is too long for an address."""
    try:
        given = json.loads(await request.body())
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise HTTPException(422, N_("The settings are no JSON object."))
    return _answer(request, name, given)


@router.get(
    "/course/experiments/jobs/{job}", response_class=JSONResponse, responses={404: {"description": "No such job"}}
)
def job(request: Request, job: str) -> Response:
    """How far a job is; `result` when it is done."""
    found: Job | None = request.app.state.experiment_jobs.find(job)
    if found is None or not job.isalnum():
        raise HTTPException(404)
    if found.state == "done":
        text = request.app.state.experiment_results.kept(job)
        if text is None:
            raise HTTPException(404)
        return Response(b'{"state":"done","progress":1,"result":' + text + b"}", media_type="application/json")
    return JSONResponse(_state(request, found))


@router.get("/course/playground", include_in_schema=False)
def playground(request: Request) -> Response:
    """The playground."""
    return pages.render(request, "course/playground.html")


def _answer(request: Request, name: str, given: Mapping[str, Any]) -> Response:
    if name not in IDS:
        raise HTTPException(404)
    one = experiment(name)
    settings = _settings(request, one, given)
    found = request.app.state.experiment_results.find(one, settings)
    if found is not None:
        return Response(found, media_type="application/json", headers=_KEPT)
    _limited(request)
    try:
        started = request.app.state.experiment_jobs.submit(one, settings, client(request))
    except Busy:
        raise HTTPException(
            429, N_("Too many experiments are waiting. Try again in a minute."), {"Retry-After": "60"}
        ) from None
    return JSONResponse(_state(request, started), 202)


def _settings(request: Request, one: Experiment, given: Mapping[str, Any]) -> Any:
    try:
        return one.settings(given)
    except ValidationError as problem:
        translate = i18n.translator(i18n.language(request))
        for error in problem.errors():
            cause = error.get("ctx", {}).get("error")
            if isinstance(cause, TableError):
                raise HTTPException(422, translate(cause.message) % cause.values) from None
        places = ", ".join(sorted({str((error["loc"] or (PLAYGROUND,))[-1])[:40] for error in problem.errors()}))
        said = translate(N_("These settings are unknown or out of range: %(settings)s. Use the controls of the page."))
        raise HTTPException(422, said % {"settings": places}) from None


def _state(request: Request, found: Job) -> dict[str, Any]:
    translate = i18n.translator(i18n.language(request))
    if found.state == "failed":
        _logger.warning("The experiment %s failed: %s", found.experiment.id, found.error)
    return {
        "job": found.key,
        "state": found.state,
        "progress": found.progress,
        "ahead": request.app.state.experiment_jobs.ahead(found) if found.state == "waiting" else 0,
        "error": translate(N_("The training failed. Reset the controls and try again."))
        if found.state == "failed"
        else "",
    }
