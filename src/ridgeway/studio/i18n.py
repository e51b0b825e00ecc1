"""Korean and English: which one a request is in, and the texts.

Messages are written in English where they are used; `locale/ko/<section>.po` holds their Korean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from starlette.requests import Request

LANGUAGES = ("ko", "en")
#: Cookie that remembers the choice.
COOKIE = "lang"

Translator = Callable[[str], str]


def language(request: Request) -> str:
    """The language of an answer: as chosen, else as the browser asks, else Korean."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return _accepted(request.headers.get("accept-language", ""))


def translator(lang: str) -> Translator:
    """What turns a message into a language; `%(name)s` in it is for the caller to fill."""
    if lang not in LANGUAGES:
        raise ValueError(f"Unknown language {lang!r}: there are {' and '.join(LANGUAGES)}.")
    texts = _catalogue(lang)
    return lambda message: texts.get(message, message)


def N_(message: str) -> str:
    """Marks a message that is translated later, where it is shown."""
    return message


def plural(lang: str) -> Callable[[str, str, int], str]:
    """What chooses between one and many; Korean has one form for both."""
    found_in = translator(lang)

    def choose(one: str, many: str, count: int) -> str:
        return found_in(one if count == 1 and lang == "en" else many)

    return choose


@cache
def _catalogue(lang: str) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    if lang == "en":
        return texts
    folder = files("ridgeway.studio") / "locale" / lang
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".po"):
            continue
        for entry in read_po(BytesIO(file.read_bytes()), locale=lang):
            if not entry.id or entry.fuzzy:
                continue
            # Of one and many Korean has one form.
            found = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
            for message in [entry.id] if isinstance(entry.id, str) else entry.id:
                if found and found[-1]:
                    texts[message] = found[-1]
    return MappingProxyType(texts)


def _accepted(header: str) -> str:
    """The first language of ours in an Accept-Language header, by its weights."""
    wanted = []
    for place, one in enumerate(header.split(",")[:20]):
        tag, _, parameter = one.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            quality = float(weight) if name == "q" else 1.0
        except ValueError:
            quality = 0.0
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES and quality > 0:
            wanted.append((-quality, place, primary))
    return min(wanted)[2] if wanted else "ko"
