"""The codes that a browser holds in its cookie: its attempts, newest first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ridgeway.studio.quiz import codes
from ridgeway.studio.security import set_cookie

COOKIE = "quiz"

# More attempts than one learner makes; a computer of a school may serve many.
_MOST = 20
_SECONDS = 180 * 24 * 3600


def held(request: Request) -> tuple[str, ...]:
    """The codes, newest first; what is no code is left out."""
    found = request.cookies.get(COOKIE, "").split(".")[:_MOST]
    return tuple(code for one in found if (code := codes.read(one, codes.ATTEMPT)))


def hold(request: Request, response: Response, code: str) -> None:
    """Adds a code to the browser's."""
    others = [one for one in held(request) if one != code]
    set_cookie(request, response, COOKIE, ".".join([code, *others][:_MOST]), _SECONDS)


def forget(request: Request, response: Response) -> None:
    """Takes all codes from the browser."""
    set_cookie(request, response, COOKIE, "", 0)
