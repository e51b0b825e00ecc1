"""A question as a page asks it: its words, the answer so far, and what the form must know to save another."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ridgeway.studio.quiz.attempts import Standing
from ridgeway.studio.quiz.saving import digest
from ridgeway.studio.quiz.shown import Shown
from ridgeway.studio.quiz.words import Language

# Bytes that tell a page from all others of its attempt.
_PAGE = 6


@dataclass(frozen=True)
class Asked:
    """A question on a page.

    Attributes:
        number: its place, from 1.
        shown: its words.
        value: what its fields hold.
        order: id and text of things to order, as they stand.
        has_answer: whether an answer is saved.
        flagged: whether it is marked to come back to.
        page: number of the page, for `ridgeway.studio.quiz.saving.Page`.
        seen: version of the answer that is saved.
        digest: of that answer.
        error: what is wrong with what was entered; else empty.
        changed: whether another answer than this page's was found saved.
    """

    number: int
    shown: Shown
    value: Any
    order: tuple[tuple[str, Markup], ...]
    has_answer: bool
    flagged: bool
    page: str
    seen: str
    digest: str
    error: str = ""
    changed: bool = False


def asked(
    stands: Standing, number: int, lang: Language, *, value: Any = None, error: str = "", changed: bool = False
) -> Asked:
    """A question of an attempt.

    Args:
        stands: the attempt.
        number: the question's place, from 1.
        lang: of the page.
        value: what was entered and couldn't be saved.
        error: why.
        changed: whether another page's answer was found saved.
    """
    drawn = stands.questions[number - 1]
    shown, saved, row = drawn.shown(lang), stands.value(drawn.id), stands.answers.get(drawn.id)
    order: list[str] = []
    texts = dict(shown.options)
    if shown.kind == "order":
        order = [*(saved or ()), *(one for one, _ in shown.options if one not in (saved or ()))]
    return Asked(
        number,
        shown,
        saved if value is None else value,
        tuple((one, texts[one]) for one in order if one in texts),
        saved is not None,
        stands.flagged(drawn.id),
        secrets.token_hex(_PAGE),
        (row.version if row else None) or "",
        digest(saved),
        error,
        changed,
    )
