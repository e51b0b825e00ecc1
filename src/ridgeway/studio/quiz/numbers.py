"""Numbers as people write them, read and shown."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

from ridgeway.studio.quiz.expressions import Value
from ridgeway.studio.quiz.words import MalformedAnswer

LONGEST = 40
# What NFKC leaves of the signs that look like a minus: hyphens, dashes, the minus sign, the small and full-width ones.
_MINUS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d", "-"))
_SLASH = str.maketrans({"\u2044": "/", "\u2215": "/", "\u00f7": "/"})
_DECIMAL = r"(?:\d+\.?\d*|\.\d+)"
_NUMBER = re.compile(rf"([+-]?)({_DECIMAL})(?:e([+-]?\d{{1,3}}))?(?:/({_DECIMAL}))?(%?)", re.IGNORECASE | re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?%?", re.ASCII)


def parse_number(text: str, units: Sequence[str] = ()) -> float:
    """The number that a learner wrote.

    Read are decimals (`0.5`, `.5`, `-3`), powers of ten (`1e-3`), fractions (`1/8`), percentages (`12.5%` is 0.125),
    full-width digits and signs, every kind of minus, spaces anywhere, a unit after the number, and a comma:

    - `0,5` and `12,25`: a decimal comma;
    - `1,234.5` and `1,234,567`: groups of thousands, as Korea and the English-speaking countries write them;
    - `1,234` alone could be either, and is refused rather than guessed.

    Args:
        text: as typed.
        units: words that may follow the number.

    Raises:
        MalformedAnswer: it is no such number.
    """
    if len(text) > LONGEST:
        raise MalformedAnswer("long", longest=LONGEST)
    # NFKC turns full-width characters into common ones and ⅛ into 1⁄8 ("2⅛" would become 21⁄8, so it is refused).
    if re.search(r"\d\s*[\u00bc-\u00be\u2150-\u215f]", text):
        raise MalformedAnswer("number", text=text)
    plain = unicodedata.normalize("NFKC", text.translate(_MINUS)).translate(_MINUS).translate(_SLASH)
    if re.search(r"\d\s+\d", plain):
        raise MalformedAnswer("number", text=text)
    plain = "".join(plain.split())
    for unit in sorted(units, key=len, reverse=True):
        shortened = plain.removesuffix("".join(unit.split()))
        if shortened != plain:
            plain = shortened
            break
    if "," in plain:
        plain = _without_commas(plain, text)
    found = _NUMBER.fullmatch(plain)
    if not found:
        raise MalformedAnswer("number", text=text)
    sign, digits, power, below, percent = found.groups()
    value = float(f"{digits}e{power or 0}")
    if below is not None:
        if float(below) == 0:
            raise MalformedAnswer("zero", text=text)
        value /= float(below)
    if percent:
        value /= 100
    if not math.isfinite(value):
        raise MalformedAnswer("number", text=text)
    return -value if sign == "-" else value


def _without_commas(plain: str, text: str) -> str:
    if _GROUPED.fullmatch(plain):
        if plain.count(",") == 1 and "." not in plain:
            raise MalformedAnswer("comma", text=text)
        return plain.replace(",", "")
    if plain.count(",") == 1 and "." not in plain:
        return plain.replace(",", ".")
    raise MalformedAnswer("number", text=text)


def shown_number(value: Value, form: str = "") -> str:
    """A number as it stands in a text, with a true minus sign; a row of numbers parted by commas.

    Args:
        value: what to show.
        form: `.3f`, `.2g` or `.0%` as in Python; without, up to six significant digits, or
            whole with thousands apart from 10,000 on.
    """
    if isinstance(value, tuple):
        return ", ".join(shown_number(one, form) for one in value)
    if form:
        text = format(value, form)
    else:
        text = (
            f"{value:,.0f}" if float(value).is_integer() and 10_000 <= abs(value) < 1e15 else f"{round(value, 10):.6g}"
        )
        if "e" in text and 1e-9 < abs(value) < 1e12:
            text = f"{value:.10f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.0f}"
    # Rounded to nothing, a small negative number keeps its sign in Python.
    if not text.strip("-0.%"):
        text = text.lstrip("-")
    return text.replace("-", "\u2212")
