"""Pages of runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, StreamingResponse
from starlette.datastructures import UploadFile

from ridgeway.locking import is_held
from ridgeway.studio import i18n, pages, security
from ridgeway.studio.i18n import N_
from ridgeway.studio.refusals import Refusal
from ridgeway.studio.runs import new, show
from ridgeway.studio.runs.course import Courses
from ridgeway.studio.runs.export import Busy, Exports
from ridgeway.studio.runs.jobs import Job, Jobs
from ridgeway.studio.runs.lanes import csv
from ridgeway.studio.runs.places import folder_of, run_folder
from ridgeway.studio.runs.queue import Queue
from ridgeway.studio.runs.stream import updates
from ridgeway.studio.runs.summary import AT_WORK, Runs, Summary, record_of, table_of
from ridgeway.studio.runs.uploads import Uploads

router = APIRouter(
    prefix="/runs", tags=["runs"], responses=pages.RESPONSES, dependencies=[Depends(security.seeing_allowed)]
)

_logger = logging.getLogger(__name__)

# Streams of events that are open at once, of all and of one client; a class may sit behind one address.
_STREAMS, _STREAMS_OF_ONE = 200, 40
# Seconds after which to ask again for a model, and between looks for uploads that nobody uses.
_AGAIN = 10
_TIDY = 600

# The report has scripts of its own, so it is opened as a page of nobody: without cookies, storage, network or forms.
_REPORT_CSP = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Desk:
    """What the pages of runs work with.

    Args:
        app: the application.
    """

    def __init__(self, app: FastAPI) -> None:
        settings = app.state.settings
        self.jobs = Jobs(settings)
        self.queue = Queue(settings, self.jobs)
        self.uploads = Uploads(settings)
        self.runs = Runs(settings, self.jobs, Courses())
        self.exports = Exports(settings.own / "exports")
        self.streams: Counter[str] = Counter()

    def tidy(self) -> None:
        """Deletes uploads that were left."""
        self.uploads.keep_only({job.upload for job in self.jobs.all()})


def prepare(app: FastAPI) -> None:
    """Called when the application is put together."""
    app.state.runs = Desk(app)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Starts what waits, and deletes what was left, while the server runs."""
    desk: Desk = app.state.runs
    tidying = asyncio.create_task(_tidied(desk))
    try:
        async with desk.queue.open():
            yield
    finally:
        tidying.cancel()


async def _tidied(desk: Desk) -> None:
    while True:
        try:
            await asyncio.to_thread(desk.tidy)
        except OSError:
            _logger.exception("Uploads that nobody uses could not be deleted.")
        await asyncio.sleep(_TIDY)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.runs
    return desk


Work = Annotated[Desk, Depends(_desk)]
_CHANGES = [Depends(security.change_allowed)]
_SENDS = [*_CHANGES, Depends(security.csrf_checked), Depends(security.limited("start"))]


@router.get("", response_class=pages.HTML)
def listed(
    request: Request,
    desk: Work,
    q: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    sort: Annotated[str, Query(max_length=20)] = "",
    turned: Annotated[str, Query(max_length=5)] = "",
) -> Response:
    """The list of runs, filtered and sorted."""
    return show.listed(request, desk.runs.all(), q, state, sort, turned == "1")


@router.get("/run/{name:path}", response_class=pages.HTML)
def run(request: Request, desk: Work, name: str) -> Response:
    """One run: live while it trains, its lanes when it has ended."""
    found = _found(desk, name)
    if found.wrong and found.state == "unreadable":
        return show.unreadable(request, found)
    if found.state == "failed" and not (found.folder / "run.json").is_file():
        return show.never_began(request, found, desk.jobs.last_words(name))
    if found.state in (*AT_WORK, "waiting", "killed") or not (found.folder / "lanes.parquet").is_file():
        return show.live(request, found, desk.runs.courses, _place(desk, name))
    return show.finished(request, found)


@router.get("/events/{name:path}", **pages.gives("text/event-stream"))
async def events(
    request: Request, desk: Work, name: str, after: Annotated[str, Query(max_length=40)] = ""
) -> StreamingResponse:
    """What happens in a run, as server-sent events."""
    _found(desk, name)
    who = security.client(request)
    if desk.streams.total() >= _STREAMS or desk.streams[who] >= _STREAMS_OF_ONE:
        said = N_("Too many pages are watching runs. Close some, or load this one again later.")
        raise security.too_many(said, _AGAIN)
    folder = folder_of(request.app.state.settings, name)

    def state() -> dict[str, Any]:
        found = desk.runs.of(name)
        return {"state": "gone"} if found is None else show.standing(found, _place(desk, name))

    async def body() -> AsyncIterator[str]:
        desk.streams[who] += 1
        try:
            known = request.headers.get("last-event-id", after)[:40]
            async for update in updates(folder, known, state, show.may_change_by_itself):
                yield update
        finally:
            desk.streams[who] -= 1
            # Counts of nobody are forgotten.
            desk.streams += Counter()

    security.endless(request)
    return StreamingResponse(
        body(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


@router.get("/report/{name:path}", response_class=pages.HTML)
def report(request: Request, desk: Work, name: str) -> Response:
    """A run's report, within the studio's frame."""
    found = _found(desk, name)
    if not found.report:
        raise HTTPException(404)
    return pages.render(request, "runs/report.html", run=found)


@router.get("/report-file/{name:path}", response_class=pages.HTML)
def report_file(request: Request, name: str, download: bool = False) -> Response:
    """The report itself, as a page that can do nothing but show itself."""
    file = _file(request, name, "report.html")
    headers = {
        "Content-Security-Policy": _REPORT_CSP,
        "X-Frame-Options": "SAMEORIGIN",
        "Cache-Control": "no-store",
        # A page of nobody may not be embedded under stricter ones.
        "Cross-Origin-Opener-Policy": "unsafe-none",
    }
    named = f"{_last(name)}-report.html" if download else None
    return FileResponse(file, media_type="text/html; charset=utf-8", headers=headers, filename=named)


@router.get("/curves/{name:path}", response_class=JSONResponse)
def curves(request: Request, name: str, lane: Annotated[list[str] | None, Query(max_length=400)] = None) -> Response:
    """The curves of a run that ended, for its chart."""
    folder = run_folder(request.app.state.settings, name)
    told = show.curves(folder, record_of(folder), lane, i18n.language(request))
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


@router.get("/gaps/{name:path}", response_class=JSONResponse)
def gaps(request: Request, name: str) -> Response:
    """The gaps between the losses of a run that ended, for their picture."""
    folder = run_folder(request.app.state.settings, name)
    told = show.gaps(folder, record_of(folder), i18n.language(request))
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


@router.get("/compare/{name:path}", response_class=pages.HTML)
def compare(
    request: Request, desk: Work, name: str, lane: Annotated[list[str] | None, Query(max_length=400)] = None
) -> Response:
    """A few lanes side by side."""
    return show.compared(request, _ended(desk, name), lane or [])


@router.get("/side-by-side", response_class=pages.HTML)
def side_by_side(
    request: Request, desk: Work, run: Annotated[list[str] | None, Query(max_length=show.COMPARED)] = None
) -> Response:
    """A few runs side by side."""
    found = [_found(desk, name) for name in dict.fromkeys(run or [])]
    return show.together(request, [one for one in found if one.best is not None])


@router.get("/csv/{name:path}", **pages.gives("text/csv"))
def table(request: Request, name: str, what: Annotated[str, Query(pattern="^(lanes|history)$")] = "lanes") -> Response:
    """All lanes, or all their epochs, as CSV."""
    folder = run_folder(request.app.state.settings, name)
    return Response(
        csv(table_of(folder, f"{what}.parquet")),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": _attachment(f"{_last(name)}-{what}.csv"), "Cache-Control": "no-store"},
    )


@router.get(
    "/lane/{name:path}",
    dependencies=[Depends(security.limited("start"))],
    **pages.gives("application/octet-stream"),
)
async def lane_file(
    request: Request, desk: Work, name: str, lane: Annotated[int, Query(ge=0, lt=10**9)]
) -> FileResponse:
    """A lane's model as a `.keras` file."""
    found = await to_thread.run_sync(_ended, desk, name)
    if lane not in set((await to_thread.run_sync(table_of, found.folder, "lanes.parquet"))["lane"]):
        raise HTTPException(404)
    # Keras may take longer than a page may.
    security.endless(request)
    try:
        file = await desk.exports.made(name, found.folder, lane, security.client(request))
    except Busy:
        raise security.too_many(N_("Other models are being written. Try again in a moment."), _AGAIN) from None
    return FileResponse(file, media_type="application/octet-stream", filename=f"{_last(name)}-lane-{lane}.keras")


@router.get("/best/{name:path}", **pages.gives("application/octet-stream"))
def best_file(request: Request, name: str) -> Response:
    """The model that a run found."""
    file = _file(request, name, "best.keras")
    return FileResponse(file, media_type="application/octet-stream", filename=f"{_last(name)}-best.keras")


@router.post("/stop/{name:path}", dependencies=_SENDS, status_code=303, response_class=RedirectResponse)
def stop(request: Request, desk: Work, name: str) -> Response:
    """Stops a run after its epoch, or takes one that waits out of the queue."""
    found = _found(desk, name)
    if found.state == "waiting":
        desk.jobs.remove(name)
        if not (found.folder / "run.json").is_file():
            _forget(found.folder)
            return RedirectResponse("/runs", 303)
    else:
        process = desk.jobs.process(name)
        if process is None or not process.interrupt():
            raise HTTPException(409, N_("No process that the studio started works on this run."))
    return RedirectResponse(pages.address("/runs/run/", name), 303)


@router.post("/resume/{name:path}", dependencies=_SENDS, status_code=303, response_class=RedirectResponse)
def resume(request: Request, desk: Work, name: str) -> Response:
    """Goes on with a run that was stopped or killed."""
    found = _found(desk, name)
    if not found.can_resume or found.is_ours:
        raise HTTPException(409, N_("This run can't go on: it has ended, or works already."))
    before = desk.jobs.read(name)
    lang = i18n.language(request)
    words = ("resume", str(found.folder), f"--lang={lang}")
    upload, data = ("", found.data) if before is None else (before.upload, before.data)
    desk.jobs.write(Job(name, words, new.now(), data, upload, found.lanes))
    desk.queue.look()
    return RedirectResponse(pages.address("/runs/run/", name), 303)


@router.get("/delete/{name:path}", dependencies=_CHANGES, response_class=pages.HTML)
def ask_delete(request: Request, desk: Work, name: str) -> Response:
    """Asks whether a run is to be deleted."""
    found = _found(desk, name)
    return pages.render(request, "runs/delete.html", run=found, **show.what_is_in(found.folder))


@router.post("/delete/{name:path}", dependencies=_SENDS, status_code=303, response_class=RedirectResponse)
def delete(request: Request, desk: Work, name: str) -> Response:
    """Deletes a run, with its data where they were sent to the studio and no other run reads them."""
    found = _found(desk, name)
    if found.is_ours or is_held(found.folder):
        raise HTTPException(409, N_("A process works on this run. Stop it first."))
    job = desk.jobs.read(name)
    _forget(found.folder)
    desk.jobs.remove(name)
    desk.exports.forget(name)
    if job is not None and job.upload and job.upload not in {other.upload for other in desk.jobs.all()}:
        desk.uploads.remove(job.upload)
    return RedirectResponse("/runs", 303)


@router.get("/new", dependencies=_CHANGES, response_class=pages.HTML)
def ask_data(request: Request) -> Response:
    """Asks for data."""
    return new.ask_data(request)


@router.post(
    "/new/upload",
    dependencies=[*_CHANGES, Depends(security.limited("upload")), Depends(security.csrf_checked)],
    status_code=303,
    response_class=RedirectResponse,
)
async def upload(request: Request, desk: Work) -> Response:
    """Takes a file of data, or one of the samples."""
    form = await request.form()
    file, sample = form.get("file"), form.get("sample")
    return await new.take(
        request,
        desk.uploads,
        file if isinstance(file, UploadFile) else None,
        sample if isinstance(sample, str) else "",
    )


@router.get("/new/{number}", dependencies=_CHANGES, response_class=pages.HTML)
def ask_settings(request: Request, desk: Work, number: str) -> Response:
    """Asks what to train on the data that were sent."""
    return new.ask_settings(request, desk.uploads, number)


@router.post("/new/{number}", dependencies=_SENDS, status_code=303, response_class=RedirectResponse)
async def start(request: Request, desk: Work, number: str) -> Response:
    """Puts a new run into the queue."""
    form = await request.form()
    given = {key: value for key, value in form.items() if isinstance(value, str)}
    return await new.start(request, desk.uploads, desk.jobs, desk.queue, number, given)


def _found(desk: Desk, name: str) -> Summary:
    found = desk.runs.of(name)
    if found is None:
        raise HTTPException(404)
    return found


def _ended(desk: Desk, name: str) -> Summary:
    """A run that has tables.

    Raises:
        HTTPException: there is none of that name (404), or it trains (409).
    """
    found = _found(desk, name)
    if found.state in AT_WORK or not (found.folder / "lanes.parquet").is_file():
        raise HTTPException(409, N_("This run has no lanes to show yet."))
    return found


def _place(desk: Desk, name: str) -> int:
    """The place of a run in the queue, from 1; 0 where it does not wait."""
    waiting = [job.name for job in desk.jobs.waiting()]
    return waiting.index(name) + 1 if name in waiting else 0


def _file(request: Request, name: str, file: str) -> Path:
    found = run_folder(request.app.state.settings, name) / file
    if not found.is_file() or found.is_symlink():
        raise HTTPException(404)
    return found


def _forget(folder: Path) -> None:
    """Deletes a run's directory; it vanishes from the list at once."""
    if not folder.exists():
        return
    gone = folder.with_name(f".{folder.name}.deleted")
    shutil.rmtree(gone, ignore_errors=True)
    try:
        folder.rename(gone)
    except OSError as error:
        said = N_("'%(name)s' can't be deleted (%(why)s). Check the permissions.")
        raise Refusal(said, name=folder.name, why=error.strerror) from None
    shutil.rmtree(gone, ignore_errors=True)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _attachment(name: str) -> str:
    headers: Mapping[str, str] = FileResponse(__file__, filename=name).headers
    return headers["content-disposition"]
