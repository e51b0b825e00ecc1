"""Who may enter the teacher's pages: the login's cookie, and what others are answered."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, HTTPException, Request
from starlette.responses import Response

from ridgeway.studio.security import set_cookie
from ridgeway.studio.storage import Teacher, storage_of
from ridgeway.studio.storage.retention import LONGEST
from ridgeway.studio.teacher import accounts

COOKIE = "teacher"


def teacher_of(request: Request) -> Teacher | None:
    """The teacher who is logged in at this browser."""
    if not hasattr(request.state, "teacher"):
        token = request.cookies.get(COOKIE)
        request.state.teacher = accounts.logged_in(storage_of(request.app), token) if token else None
    found: Teacher | None = request.state.teacher
    return found


def _entered(request: Request) -> Teacher:
    teacher = teacher_of(request)
    if teacher is None:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        # A form that was sent can't be sent again by a redirect.
        query = f"?{urlencode({'next': here})}" if request.method == "GET" and here != "/teacher" else ""
        raise HTTPException(303, headers={"Location": f"/teacher/login{query}"})
    return teacher


#: A dependency: the teacher; others are led to the login.
Entered = Annotated[Teacher, Depends(_entered)]


def enter(request: Request, response: Response, token: str) -> None:
    """Gives the browser its login's number."""
    set_cookie(request, response, COOKIE, token, int(LONGEST.total_seconds()))


def leave(request: Request, response: Response) -> None:
    """Takes it away."""
    set_cookie(request, response, COOKIE, "", 0)


def safe_next(address: str) -> str:
    """Where to go after the login: a page of the teacher's, or the first one."""
    inside = address == "/teacher" or address.startswith(("/teacher/", "/teacher?"))
    return address if inside and "\\" not in address and address.isprintable() and ".." not in address else "/teacher"
