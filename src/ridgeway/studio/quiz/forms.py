"""Answers as forms send them, with a script or without."""

from __future__ import annotations

import re
from typing import Any

from starlette.datastructures import FormData

from ridgeway.studio.forms import field
from ridgeway.studio.quiz.draw import DrawnQuestion
from ridgeway.studio.quiz.saving import Given, Page

UP, DOWN = "up", "down"

_PAGE = re.compile(r"[0-9a-f]{12}")


def page_of(form: FormData) -> Page:
    """The page that sends the form, as it says in its hidden fields; one that knows of no answer where it doesn't."""
    number, sent = field(form, "page"), field(form, "sent")
    if not _PAGE.fullmatch(number):
        return Page("")
    times = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0
    return Page(number, times, field(form, "seen") or None, field(form, "shown"))


def given_by(form: FormData, drawn: DrawnQuestion) -> Given:
    """What a form gives to a question."""
    page = page_of(form)
    flag = {"on": True, "off": False}.get(field(form, "flag"))
    # The things to order stand in some order from the beginning: that is no answer until the learner says so.
    untouched = drawn.kind == "order" and not page.shown and not field(form, "move") and field(form, "go") != "order"
    return Given(given(drawn, form), page, flag, untouched)


def given(drawn: DrawnQuestion, form: FormData) -> Any:
    """The answer as JSON, or None where nothing is filled in; whether it has its form is for the engine to say.

    Choices are fields `answer`, as many as are ticked; an order is all of them in turn, after `move`, the button that
    takes one up or down; pairs and gaps are fields `answer.ID`.
    """
    several = [one for one in form.getlist("answer") if isinstance(one, str)]
    match drawn.kind:
        case "single" | "number":
            return field(form, "answer").strip() or None
        case "several":
            return several or None
        case "order":
            return moved(several, field(form, "move")) or None
    start = "answer."
    pairs = {name.removeprefix(start): value for name, value in form.multi_items() if name.startswith(start)}
    return {name: value for name, value in pairs.items() if isinstance(value, str) and value} or None


def moved(order: list[str], move: str) -> list[str]:
    """The order after one of its things went up or down a place, as `ID:up` or `ID:down` says."""
    what, _, way = move.partition(":")
    if what not in order:
        return order
    place = order.index(what)
    other = place + {UP: -1, DOWN: 1}.get(way, 0)
    if not 0 <= other < len(order):
        return order
    order = list(order)
    order[place], order[other] = order[other], order[place]
    return order
