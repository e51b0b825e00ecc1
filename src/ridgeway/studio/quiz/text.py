"""Texts of the bank: numbers put in, and the little markup they use turned into safe HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from markupsafe import Markup, escape

from ridgeway.errors import InputError
from ridgeway.studio.quiz.expressions import Value
from ridgeway.studio.quiz.numbers import shown_number

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?::(\.\d[fg%]))?\}")
_FENCE = re.compile(r"```\n(.*?)\n```", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`|\*\*([^*\n]+)\*\*")


def placeholders(template: str) -> list[str]:
    """The names whose values a text shows, sorted, each as often as it stands there."""
    return sorted(name for name, _ in _PLACEHOLDER.findall(template))


def stray_braces(template: str) -> bool:
    """Whether a brace is left that belongs to no placeholder."""
    return bool(re.search(r"[{}]", _PLACEHOLDER.sub("", template)))


def fill(template: str, values: Mapping[str, Value]) -> str:
    """The text with its numbers: `{eta}`, or `{rate:.0%}` with a form of `shown_number`.

    Raises:
        InputError: a placeholder has no value.
    """

    def number(found: re.Match[str]) -> str:
        name, form = found.groups()
        if name not in values:
            raise InputError(f"The text {template!r} shows {name!r}, which has no value. Declare it.")
        return shown_number(values[name], form or "")

    return _PLACEHOLDER.sub(number, template)


# Most texts of the bank have no numbers in them, and come again with each page.
@lru_cache(maxsize=4096)
def inline(text: str) -> Markup:
    """A line as HTML: everything escaped, `code` and **strong** marked."""
    return Markup("").join(_inline_parts(text))


def _inline_parts(text: str) -> Iterator[Markup]:
    end = 0
    for found in _INLINE.finditer(text):
        yield escape(text[end : found.start()])
        code, strong = found.groups()
        yield Markup("<code>{}</code>").format(code) if code else Markup("<strong>{}</strong>").format(strong)
        end = found.end()
    yield escape(text[end:])


@lru_cache(maxsize=4096)
def paragraphs(text: str) -> Markup:
    """Paragraphs and blocks of code as HTML."""
    return Markup("").join(_blocks(text))


def _blocks(text: str) -> Iterator[Markup]:
    for number, part in enumerate(_FENCE.split(text.strip())):
        if number % 2:
            yield Markup("<pre><code>{}</code></pre>").format(part)
            continue
        for paragraph in filter(None, (one.strip() for one in re.split(r"\n\s*\n", part))):
            lines = Markup("<br>").join(inline(line) for line in paragraph.splitlines())
            yield Markup("<p>{}</p>").format(lines)
