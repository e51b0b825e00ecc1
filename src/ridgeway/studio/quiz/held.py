"""The codes that a browser holds in its cookie: its attempts, newest first."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from ridgeway.studio.quiz import codes
from ridgeway.studio.security import renew_browser, set_cookie

COOKIE = "quiz"

#: Most codes that a cookie has room for: browsers take 4 kB.
MOST = 200
# More attempts than one learner makes; a computer of a school may serve many.
_KEPT = 20
_SECONDS = 180 * 24 * 3600


def held(request: Request) -> tuple[str, ...]:
    """The codes, newest first; what is no code is left out."""
    found = request.cookies.get(COOKIE, "").split(".")[:MOST]
    return tuple(code for one in found if (code := codes.read(one, codes.ATTEMPT)))


def hold(request: Request, response: Response, code: str, open_hashes: Collection[str]) -> None:
    """Adds a code to the browser's.

    Of many the oldest go, but none of an attempt that is open: who starts one must find it again.

    Args:
        request: of the browser.
        response: that sets the cookie.
        code: to add.
        open_hashes: hashes of the codes whose attempts are open.
    """
    others = [one for one in held(request) if one != code]
    room = _KEPT - 1
    kept = [one for place, one in enumerate(others) if place < room or codes.hashed(one) in open_hashes]
    set_cookie(request, response, COOKIE, ".".join([code, *kept]), _SECONDS)


def forget(request: Request, response: Response) -> None:
    """Takes all codes from the browser, and its number, by which a start can be sent again."""
    set_cookie(request, response, COOKIE, "", 0)
    renew_browser(request)
