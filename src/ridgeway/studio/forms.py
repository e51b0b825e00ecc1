"""What the sections' routes share: forms that were sent, and the way on after them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from ridgeway.studio.security import csrf_checked


async def _posted(request: Request) -> FormData:
    return await request.form()


#: A parameter: the form that was sent.
Posted = Annotated[FormData, Depends(_posted)]
#: A dependency of every route that changes something: the form must be of a page of ours.
CSRF = Depends(csrf_checked)


def field(form: FormData, name: str) -> str:
    """A field's text; empty where there is none, or a file instead."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def see(path: str) -> RedirectResponse:
    """Leads on to a page after a form, so that loading it again sends nothing twice."""
    return RedirectResponse(path, 303)
