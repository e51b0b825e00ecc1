"""Every text of the studio is there in Korean, and every Korean text is of one that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

pytest.importorskip("babel", reason="the studio needs ridgeway[studio]")

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

STUDIO = Path(str(files("ridgeway.studio")))
KOREAN = STUDIO / "locale" / "ko"
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
# Those of gettext, and the marks of texts that are translated where they are shown.
_KEYWORDS = {"_": None, "N_": None, "translate": None, "ngettext": (1, 2), "gettext": None}
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")
_HANGUL = re.compile("[가-힣]")


def _used() -> Iterator[tuple[str, str]]:
    found = extract_from_dir(STUDIO, _METHODS, _OPTIONS, _KEYWORDS)
    for file, line, message, *_ in found:
        for one in message if isinstance(message, tuple) else (message,):
            if one:
                yield one, f"{file}:{line}"


def _translated() -> Iterator[tuple[str, str, str]]:
    for file in sorted(KOREAN.glob("*.po")):
        with file.open("rb") as opened:
            for entry in read_po(opened, locale="ko", abort_invalid=True):
                if entry.id:
                    ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
                    for one in ids:
                        yield one, entry.string[-1] if isinstance(entry.string, tuple) else str(entry.string), file.name


def test_every_message_has_its_korean() -> None:
    there = {message for message, korean, _ in _translated() if korean}
    missing = {message: place for message, place in _used() if message not in there}
    assert not missing, "\n".join(f"{place}: {message}" for message, place in sorted(missing.items()))


def test_no_korean_is_left_over() -> None:
    used = {message for message, _ in _used()}
    left = [f"{file}: {message}" for message, _, file in _translated() if message not in used]
    assert not left, "\n".join(left)


def test_placeholders_are_the_same() -> None:
    for message, korean, file in _translated():
        assert set(_PLACEHOLDER.findall(message)) >= set(_PLACEHOLDER.findall(korean)), (file, message)


def test_two_files_agree() -> None:
    said: dict[str, tuple[str, str]] = {}
    for message, korean, file in _translated():
        other = said.setdefault(message, (korean, file))
        assert other[0] == korean, f"{message!r} is {other[0]!r} in {other[1]} and {korean!r} in {file}"


def test_no_korean_outside_the_catalogues() -> None:
    """Templates and scripts hold no text of one language only, but for the language's own name."""
    for file in [*STUDIO.glob("templates/**/*.html"), *STUDIO.glob("static/**/*.js")]:
        rest = file.read_text(encoding="utf-8").replace("한국어", "")
        assert not _HANGUL.search(rest), file
