"""Pages from templates, and what every template can use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match

from ridgeway.errors import InputError
from ridgeway.studio import i18n, security
from ridgeway.studio.refusals import Refusal

#: Class of the answers that are pages, for routes to name.
HTML = HTMLResponse
#: What every route may answer beside what it is for.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": said}
    for status, said in {
        303: "Elsewhere, or to the login",
        400: "The request can't be read",
        403: "Not allowed, or the form has expired",
        404: "There is no such thing",
        405: "Not done here",
        409: "Not now",
        413: "Too large",
        422: "Something sent is not right",
        429: "Too many requests",
    }.items()
}


def gives(kind: str) -> dict[str, Any]:
    """How a route says that it gives a file of a kind, in the place of a page."""
    return {"response_class": Response, "responses": {200: {"description": "The file", "content": {kind: {}}}}}


STATIC = Path(str(files("ridgeway.studio") / "static"))

# Sections of the navigation: path, name.
SECTIONS = (("/runs", i18n.N_("Runs")), ("/course", i18n.N_("Course")), ("/quiz", i18n.N_("Quiz")))


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    here: str = "",
    **context: Any,
) -> HTMLResponse:
    """A page in the language of the request.

    Every template has `_`, `ngettext`, `{% trans %}`, `lang`, `request`, `csrf_field()`, `csrf_token`, `static(file)`
    and the filters `percent` and `number`. Jinja escapes what it is given, and a name that is not given is an error.

    Args:
        request: what is answered.
        template: its file under `templates`.
        status: of the answer.
        headers: on top.
        here: address at which a browser finds the page, for the switch of the language; told from the request where
            empty.
        **context: the template's names.
    """
    lang = i18n.language(request)
    token = security.csrf_token(request)
    may_see_runs = security.may_see_runs(request)
    page = (
        environment(lang)
        .get_template(template)
        .render(
            request=request,
            path=request.url.path,
            csrf_token=token,
            csrf_field=lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(token),
            sections=[
                (path, name)
                for path, name in SECTIONS
                if path.strip("/") in getattr(request.app.state, "sections", ()) and (path != "/runs" or may_see_runs)
            ],
            other_language="/language/{}?" + urlencode({"next": here or _here(request)}),
            may_change=security.may_change(request),
            may_see_runs=may_see_runs,
            is_owner=security.is_owner(request),
            **context,
        )
    )
    # Pages hold tokens and learners' data.
    return HTMLResponse(
        page, status, {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language", **(headers or {})}
    )


class Explained(NamedTuple):
    """An error for a page.

    Attributes:
        said: in the reader's language.
        quoted: what the library said, in English; empty where the studio itself refused.
    """

    said: str
    quoted: str = ""


def explained(request: Request, error: InputError) -> Explained:
    """An error as whoever asks may see it."""
    translate = i18n.translator(i18n.language(request))
    if isinstance(error, Refusal):
        return Explained(translate(error.message) % error.values)
    return Explained(translate(i18n.N_("The library can't use this. It says, in English:")), told(request, str(error)))


def told(request: Request, text: str) -> str:
    """A text of the library or of a command, in which only the owner sees where the workspace lies."""
    if security.is_owner(request):
        return text
    workspace = str(security.settings_of(request).workspace)
    return text.replace(f"{workspace}/", "").replace(workspace, "…")


def _here(request: Request) -> str:
    """Where a browser finds the page that answers: of a form that was sent, the page that it stands on."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method in ("GET", "HEAD"):
        return asked
    # The browser names the page whose form it sends; other sites' names don't get this far.
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        before = urlsplit("")
    for path, query in ((before.path, before.query), (request.url.path, "")):
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
        if path and any(route.matches(scope)[0] == Match.FULL for route in request.app.router.routes):
            return path + (f"?{query}" if query else "")
    return "/"


@cache
def environment(lang: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=PackageLoader("ridgeway.studio"),
        autoescape=True,
        undefined=StrictUndefined,
        # Templates change with the version only: to look at their files at each page costs more than some pages.
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # Messages may be broken into lines as templates please.
    made.policies["ext.i18n.trimmed"] = True
    # Hyperparameters stand in the order of their run.
    made.policies["json.dumps_kwargs"] = {"sort_keys": False}
    made.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.translator(lang), i18n.plural(lang), newstyle=True
    )
    made.globals.update(lang=lang, static=static, languages=i18n.LANGUAGES)
    made.filters.update(number=number, percent=percent, path=lambda name: quote(str(name)))
    return made


def static(file: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    return f"/static/{file}?v={_version(file)}"


@cache
def _version(file: str) -> str:
    return hashlib.sha256((STATIC / file).read_bytes()).hexdigest()[:10]


def address(before: str, name: str) -> str:
    """The address of something by its name, of which slashes stay as they are."""
    return before + quote(name)


def number(value: float | None, digits: int = 4) -> str:
    """A number with so many significant digits; a dash for none."""
    if value is None or value != value:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share of one as per cent; a dash for none."""
    return "–" if value is None or value != value else f"{value:.{digits}%}"
