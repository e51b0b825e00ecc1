"""A new run: its data, its settings, its place in the queue."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from ridgeway.errors import InputError
from ridgeway.studio import i18n, pages, security
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal
from ridgeway.studio.runs import words
from ridgeway.studio.runs.form import NUMBERS, NewRun, checked, defaults, lanes_of, words_of
from ridgeway.studio.runs.inspection import inspected
from ridgeway.studio.runs.jobs import Job, Jobs
from ridgeway.studio.runs.places import folder_of
from ridgeway.studio.runs.queue import Queue
from ridgeway.studio.runs.samples import SAMPLES, written
from ridgeway.studio.runs.uploads import ENDINGS, Upload, Uploads
from ridgeway.studio.runs.varied import OFFERED

now = time.time


def ask_data(request: Request, wrong: pages.Explained | None = None) -> Response:
    """The page that asks for data."""
    settings = security.settings_of(request)
    return pages.render(
        request,
        "runs/new.html",
        status=422 if wrong else 200,
        here="/runs/new",
        wrong=wrong,
        endings=ENDINGS,
        limit=words.size(settings.upload_limit),
        samples=SAMPLES,
    )


async def take(request: Request, uploads: Uploads, file: UploadFile | None, sample: str) -> Response:
    """Takes data, and goes on to the settings.

    Args:
        request: that sent them.
        uploads: where they go.
        file: what was sent, or None.
        sample: name of one of `SAMPLES` to take in its place.
    """
    try:
        async with uploads.turn:
            if sample in SAMPLES:
                found = await to_thread.run_sync(uploads.sample, SAMPLES[sample].file, partial(written, sample))
            elif file is not None and file.filename:
                found = await to_thread.run_sync(uploads.take, file.filename, file.file)
            else:
                raise Refusal(N_("Choose a file first."))
    except InputError as error:
        return ask_data(request, pages.explained(request, error))
    return RedirectResponse(f"/runs/new/{found.number}", 303)


def ask_settings(request: Request, uploads: Uploads, number: str) -> Response:
    """The page that asks for the settings."""
    upload = _upload(uploads, number)
    return _settings_page(request, upload, NewRun(defaults(upload.found, _free_name(request))))


async def start(
    request: Request, uploads: Uploads, jobs: Jobs, queue: Queue, number: str, given: Mapping[str, str]
) -> Response:
    """Checks the settings and the data, and puts the run into the queue."""
    upload = _upload(uploads, number)
    lang = i18n.language(request)
    translate = i18n.translator(lang)
    run = checked(given, upload.found, translate)
    if not run.errors:
        # It may take its time, and its turn.
        security.endless(request)
        try:
            async with uploads.turn:
                found = await to_thread.run_sync(inspected, upload.file, upload.name, run.target, run.task)
            if found["task"] != "classification" and any(one.task == "classification" for one, _ in run.varied):
                run.errors["vary"] = translate(N_("Label smoothing is for classification. Leave it out."))
        except InputError as error:
            said, run.quoted = pages.explained(request, error)
            run.errors["target" if upload.found["kind"] == "table" else "task"] = said
    if not run.errors:
        try:
            folder_of(security.settings_of(request), run.name).mkdir()
        except FileExistsError:
            run.errors["name"] = translate(N_("There is a run of that name. Choose another name."))
        except HTTPException:
            run.errors["name"] = translate(N_("This can't be the name of a run. Choose another name."))
    if run.errors:
        return _settings_page(request, upload, run)
    folder = folder_of(security.settings_of(request), run.name)
    command = words_of(run, upload.file, folder, upload.found, lang)
    jobs.write(Job(run.name, command, now(), upload.name, upload.number, lanes_of(run)))
    await to_thread.run_sync(queue.look)
    return RedirectResponse(pages.address("/runs/run/", run.name), 303)


def _settings_page(request: Request, upload: Upload, run: NewRun) -> Response:
    lang = i18n.language(request)
    found: Mapping[str, Any] = upload.found
    offered = [one for one in OFFERED if not one.task or found.get("task") in (None, one.task)]
    return pages.render(
        request,
        "runs/settings.html",
        status=422 if run.errors else 200,
        here=f"/runs/new/{upload.number}",
        upload=upload,
        found=found,
        run=run,
        given={"name": "", "target": "", "task": "", "method": "", **run.given},
        errors=run.errors,
        numbers=NUMBERS,
        offered=[(one, words.short("hyperparameter", one.name, lang)) for one in offered],
        size=words.size(upload.file.stat().st_size),
    )


def _upload(uploads: Uploads, number: str) -> Upload:
    found = uploads.of(number)
    if found is None:
        raise HTTPException(404, N_("These data are no longer here. Send them again."))
    return found


def _free_name(request: Request) -> str:
    """The first of run-1, run-2, … that is free."""
    workspace = security.settings_of(request).workspace
    return next(name for count in itertools.count(1) if not (workspace / (name := f"run-{count}")).exists())
