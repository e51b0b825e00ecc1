"""The studio's application: pages that all sections share, and the sections."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from ridgeway.errors import InputError
from ridgeway.studio import i18n, pages
from ridgeway.studio.i18n import N_
from ridgeway.studio.security import Buckets, Shield, set_cookie
from ridgeway.studio.settings import Settings

SECTIONS = ("runs", "course", "quiz", "teacher")

# What an error is called, and what to do about it.
_ERRORS = {
    400: (N_("This request can't be read"), N_("Go back and try again.")),
    403: (N_("This is not allowed"), N_("Go back, load the page again and try once more.")),
    404: (N_("There is no such page"), N_("Check the address, or start again from the first page.")),
    405: (N_("This can't be done here"), N_("Go back and use the buttons of the page.")),
    409: (N_("This can't be done now"), N_("Load the page again to see how things stand.")),
    410: (N_("This is no longer there"), N_("Start again from the first page.")),
    413: (N_("That is too large"), N_("Send less, or a smaller file.")),
    421: (N_("The studio doesn't go by that name"), N_("Open it by the address that it printed when it started.")),
    422: (N_("Something in the form is not right"), N_("Go back, check what you entered and send it again.")),
    429: (N_("Too many requests"), N_("Wait a little and try again.")),
    500: (
        N_("Something went wrong in the studio"),
        N_("Nothing that was saved is lost. Try again; if it happens again, tell whoever runs the studio."),
    ),
    504: (N_("That took too long"), N_("The studio is busy. Try again in a moment.")),
}


def create_app(settings: Settings) -> FastAPI:
    """The application of a studio.

    A section's `routes` module gives `router`, and may give `prepare(app)`, called here, and `lifespan(app)`, an
    asynchronous context manager that is open while the server runs.

    Args:
        settings: how it runs.
    """
    modules = [(name, found) for name in SECTIONS if (found := _section(name)) is not None]

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for _, module in modules:
                if hasattr(module, "lifespan"):
                    await stack.enter_async_context(module.lifespan(app))
            yield

    app = FastAPI(
        title="ridgeway studio",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # Most routes give pages, and errors are the same everywhere.
        default_response_class=pages.HTML,
        responses=pages.RESPONSES,
    )
    app.state.settings = settings
    app.state.sections = tuple(name for name, _ in modules)
    app.state.buckets = Buckets(settings.limits)
    app.add_middleware(Shield, settings=settings, refuse=error_page)
    app.mount("/static", _Static(directory=pages.STATIC), name="static")
    app.add_api_route("/", _home, include_in_schema=False)
    app.add_api_route("/language/{lang}", _choose_language, include_in_schema=False)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(InputError, _input_error)
    for _, module in modules:
        if hasattr(module, "prepare"):
            module.prepare(app)
        app.include_router(module.router)
    return app


def error_page(
    request: Request, status: int, detail: str = "", headers: dict[str, str] | None = None, quoted: str = ""
) -> Response:
    """What a request is answered that can't be done: a page, or JSON where that is asked for.

    Args:
        request: what can't be done.
        status: of HTTP.
        detail: what is wrong, in English or translated already; what the status says by itself where empty.
        headers: on top.
        quoted: what the library says of it, in English.
    """
    title, remedy = _ERRORS.get(status, _ERRORS[500 if status >= 500 else 400])
    translate = i18n.translator(i18n.language(request))
    said = translate(detail) if detail else translate(remedy)
    accepted = request.headers.get("accept", "")
    if "application/json" in accepted and "text/html" not in accepted:
        told = {"status": status, "title": translate(title), "detail": said, **({"quoted": quoted} if quoted else {})}
        return JSONResponse(told, status, headers)
    return pages.render(
        request, "error.html", status=status, headers=headers, code=status, title=title, said=said, quoted=quoted
    )


def _section(name: str) -> ModuleType | None:
    found = importlib.util.find_spec(f"ridgeway.studio.{name}")
    if found is None or importlib.util.find_spec(f"ridgeway.studio.{name}.routes") is None:
        return None
    return importlib.import_module(f"ridgeway.studio.{name}.routes")


def _home(request: Request) -> Response:
    return pages.render(request, "home.html")


def _choose_language(request: Request, lang: str, next: str = "/") -> Response:
    if lang not in i18n.LANGUAGES:
        raise HTTPException(404)
    # Only to a page of ours: "//host" and "/\host" are other sites to a browser.
    here = next.startswith("/") and not next.startswith(("//", "/\\")) and next.isprintable()
    response = RedirectResponse(next if here else "/", 303)
    set_cookie(request, response, i18n.COOKIE, lang, max_age=365 * 24 * 3600)
    return response


def _http_error(request: Request, error: Any) -> Response:
    standard = {"Not Found", "Method Not Allowed", "Request Entity Too Large", "Content Too Large", "Forbidden"}
    detail = error.detail if isinstance(error.detail, str) and error.detail not in standard else ""
    if 300 <= error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    return error_page(request, error.status_code, detail, error.headers)


def _invalid(request: Request, error: Any) -> Response:
    places = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors() if one.get("loc")}))
    said = i18n.translator(i18n.language(request))(N_("These fields are missing or not as they should be: %(fields)s."))
    return error_page(request, 422, said % {"fields": places})


def _input_error(request: Request, error: Any) -> Response:
    said, quoted = pages.explained(request, error)
    return error_page(request, 422, said, quoted=quoted)


class _Static(StaticFiles):
    """Files that browsers keep: their addresses change with them where a page names them by `static`."""

    def file_response(self, *arguments: Any, **keywords: Any) -> Response:
        response = super().file_response(*arguments, **keywords)
        scope = arguments[2] if len(arguments) > 2 else keywords["scope"]
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = f"public, max-age={31536000 if versioned else 300}"
        return response
