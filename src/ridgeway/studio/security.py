"""What keeps strangers out: cookies, tokens, headers, limits.

Each browser has an opaque number in a signed cookie; a form's token is a signature of it. Limits count requests by
client in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from ridgeway.studio.i18n import N_
from ridgeway.studio.settings import Settings, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_logger = logging.getLogger(__name__)

#: The one route that takes large bodies.
UPLOAD_PATH = "/runs/new/upload"
#: Cookie of the browser's number.
COOKIE = "studio"
#: Header that carries a form's token where a script sends the form.
TOKEN_HEADER = "x-csrf-token"

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# What proxies tell of whom they ask for.
_OF_PROXIES = (
    "forwarded",
    "via",
    "x-real-ip",
    *(f"x-forwarded-{what}" for what in ("for", "host", "proto", "port", "server", "prefix")),
)
# Where a request keeps what `Shield` knows of it.
_VISIT = "ridgeway.studio.visit"
# Seconds that a browser keeps its number.
_YEAR = 365 * 24 * 3600
# Clients whose requests are counted; those unseen for the longest are forgotten.
_CLIENTS = 20_000


def sign(settings: Settings, text: str) -> str:
    """A text with its signature, for a cookie that nobody else can make."""
    return f"{text}.{_signature(settings, text)}"


def unsigned(settings: Settings, signed: str | None) -> str | None:
    """The text of `sign`, or None where the signature is not ours."""
    text, dot, signature = (signed or "").rpartition(".")
    if dot and hmac.compare_digest(signature.encode(), _signature(settings, text).encode()):
        return text
    return None


def _signature(settings: Settings, text: str, purpose: str = "cookie") -> str:
    return hmac.new(settings.secret.encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def browser(request: Request) -> str:
    """The number of the browser that asks; the answer gives it one where it had none."""
    visit: _Visit = request.scope[_VISIT]
    return visit.browser


def renew_browser(request: Request) -> str:
    """Gives the browser another number, at a login, so that one planted before is worth nothing."""
    visit: _Visit = request.scope[_VISIT]
    visit.browser, visit.is_new = secrets.token_urlsafe(24), True
    return visit.browser


def csrf_token(request: Request) -> str:
    """What a form of this browser must carry."""
    return _signature(settings_of(request), browser(request), "form")


async def csrf_checked(request: Request) -> AsyncIterator[None]:
    """A dependency: lets through what a page of ours sent, by the field `csrf` or the header `X-CSRF-Token`."""
    sent: object = request.headers.get(TOKEN_HEADER)
    if sent is None:
        sent = (await request.form()).get("csrf")
    try:
        if request.headers.get("sec-fetch-site") == "cross-site" or not (
            isinstance(sent, str) and hmac.compare_digest(sent.encode(), csrf_token(request).encode())
        ):
            raise HTTPException(403, N_("This form has expired. Go back, load the page again and send it once more."))
        yield
    finally:
        # Files that were sent lie on the disk until then.
        await request.close()


def set_cookie(
    request: Request, response: Response, name: str, value: str, max_age: int | None = None, http_only: bool = True
) -> None:
    """Sets a cookie as all of ours are: HttpOnly, SameSite=Lax, and Secure behind TLS."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        httponly=http_only,
        samesite="lax",
        secure=_by_tls(request),
    )


def settings_of(request: Request) -> Settings:
    """The studio's settings."""
    found: Settings = request.app.state.settings
    return found


def _by_tls(request: Request) -> bool:
    return request.url.scheme == "https" or settings_of(request).is_secure


def client(request: Request) -> str:
    """Who asks, as limits count: an address, of version 6 the network of 64 bits, whose addresses are one's own."""
    told = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(told.partition("%")[0])
    except ValueError:
        return told
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_teacher(request: Request) -> bool:
    """Whether a teacher is logged in; the teachers' section says how that is told."""
    told: Callable[[Request], bool] | None = getattr(request.app.state, "is_teacher", None)
    return told is not None and told(request)


def is_owner(request: Request) -> bool:
    """Whether who asks sits at this machine.

    A proxy on it, too, asks from here. One that the studio was not told of by `public_url` is known by what it adds:
    headers of who asked it, HTTP 1.0, the name that the browser knows the page by.
    """
    settings = settings_of(request)
    if not settings.is_local or not is_loopback(request.client.host if request.client else ""):
        return False
    if request.scope.get("http_version") == "1.0" or any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        known = [urlsplit(request.headers.get(name, "")).hostname for name in ("origin", "referer")]
    except ValueError:
        return False
    return all(name is None or name in settings.hosts for name in known)


def may_change(request: Request) -> bool:
    """Whether who asks may start, stop and delete runs: who sits at this machine, or a teacher."""
    return is_owner(request) or is_teacher(request)


def may_see_runs(request: Request) -> bool:
    """Whether who asks may look at runs: who may change them, or everyone where the settings say so."""
    return settings_of(request).open_runs or may_change(request)


def seeing_allowed(request: Request) -> None:
    """A dependency: leads whoever `may_see_runs` doesn't name to the login, or refuses a program."""
    if may_see_runs(request):
        return
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        raise HTTPException(303, headers={"Location": "/teacher/login"})
    raise HTTPException(403, N_("Only a teacher may see the runs here. Log in as a teacher first."))


def change_allowed(request: Request) -> None:
    """A dependency: refuses whoever `may_change` doesn't name."""
    if not may_change(request):
        raise HTTPException(403, N_("Only a teacher may do this here. Log in as a teacher first."))


class Buckets:
    """Token buckets by class of route and client, in memory.

    Args:
        limits: requests at once and how many more a second, by class.
        clock: seconds.
    """

    def __init__(self, limits: Mapping[str, tuple[int, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait(self, kind: str, who: str) -> float:
        """Takes one request; seconds until it may come again where there is none left, else 0."""
        burst, rate = self._limits[kind]
        now = self._clock()
        left, then = self._left.pop((kind, who), (float(burst), now))
        left = min(float(burst), left + (now - then) * rate)
        allowed = left >= 1
        self._left[kind, who] = (left - 1 if allowed else left, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate


def limited(kind: str) -> Callable[[Request], Any]:
    """A dependency: at most so many requests of a client, by the settings' `limits`; of logins also by one name.

    Args:
        kind: "login", "quiz", "upload" or "start".
    """

    def check(request: Request) -> None:
        _take(request, kind, client(request))

    async def check_login(request: Request) -> None:
        check(request)
        # Whoever has many addresses still guesses at one account.
        name = (await request.form()).get("name")
        _take(request, "account", name.strip().casefold()[:100] if isinstance(name, str) else "")

    return check_login if kind == "login" else check


def _take(request: Request, kind: str, who: str) -> None:
    buckets: Buckets = request.app.state.buckets
    if wait := buckets.wait(kind, who):
        raise too_many(N_("Too many requests. Wait a little and try again."), wait)


def too_many(said: str, seconds: float) -> HTTPException:
    """The refusal of one request too many.

    Args:
        said: why.
        seconds: after which it may come again.
    """
    return HTTPException(429, said, {"Retry-After": str(math.ceil(seconds))})


class Shield:
    """Middleware around everything: the browser's number, headers, names of the host, limits of size and time.

    Args:
        app: what it guards.
        settings: the studio's.
        refuse: the answer to a request that is refused, by status.
    """

    def __init__(self, app: ASGIApp, settings: Settings, refuse: Callable[[Request, int], Response]) -> None:
        self._app, self._settings, self._refuse = app, settings, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        known = unsigned(self._settings, request.cookies.get(COOKIE))
        visit = scope[_VISIT] = _Visit(known or secrets.token_urlsafe(24), known is None)
        started = False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(request, visit, message)
            await send(message)

        status = self._refused(request)
        if not status:
            body = _Body(receive, self._limit(request), self._settings.request_seconds)
            try:
                # A large file takes as long as it takes: only its pauses are limited.
                seconds = None if request.url.path == UPLOAD_PATH else self._settings.request_seconds
                async with asyncio.timeout(seconds) as visit.clock:
                    await self._app(scope, body.receive, guarded_send)
                return
            except TimeoutError:
                status = 504
            except Exception:
                _logger.exception("%s %s failed", request.method, request.url.path)
                status = 500
            if started:
                # What was sent can't be taken back: the connection ends here.
                return
        await self._refuse(request, status)(scope, receive, guarded_send)

    def _refused(self, request: Request) -> int:
        """The status by which a request is refused before it is read; 0 for none."""
        try:
            host = (request.url.hostname or "").lower()
            length = int(request.headers.get("content-length", "0"))
        except ValueError:
            return 400
        if self._settings.hosts and host not in self._settings.hosts:
            return 421
        if length < 0:
            return 400
        return 413 if length > self._limit(request) else 0

    def _limit(self, request: Request) -> int:
        if request.url.path == UPLOAD_PATH:
            # A little more for the parts around the file.
            return self._settings.upload_limit + 100_000
        return self._settings.body_limit

    def _add_headers(self, request: Request, visit: _Visit, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if _by_tls(request):
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        # What caches keep and share must not carry one browser's number.
        if visit.is_new and "max-age" not in headers.get("cache-control", ""):
            carrier = Response()
            set_cookie(request, carrier, COOKIE, sign(self._settings, visit.browser), _YEAR)
            headers.append("set-cookie", carrier.headers["set-cookie"])


def endless(request: Request) -> None:
    """Takes the time limit off a request that is answered by a stream of events."""
    visit: _Visit = request.scope[_VISIT]
    if visit.clock is not None:
        visit.clock.reschedule(None)


@dataclass
class _Visit:
    browser: str
    is_new: bool
    clock: asyncio.Timeout | None = None


class _Body:
    """Receives a request's body: no more of it than is allowed, and without long pauses."""

    def __init__(self, receive: Receive, limit: int, pause: float) -> None:
        self._receive, self._left, self._pause = receive, limit, pause
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            # What comes now is the end of the connection, for which a stream may wait long.
            return await self._receive()
        message = await asyncio.wait_for(self._receive(), self._pause)
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(413)
        return message
