"""The question bank for other systems: as Moodle's XML, and as GIFT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ridgeway.studio.quiz.bank import Bank
from ridgeway.studio.quiz.words import Language
from ridgeway.studio.teacher.exchange.gift import gift
from ridgeway.studio.teacher.exchange.moodle import moodle_xml

__all__ = ["FORMATS", "Format", "gift", "moodle_xml"]


@dataclass(frozen=True)
class Format:
    """How a bank can be written.

    Attributes:
        write: gives the file's text.
        ending: of the file's name.
        media_type: of a download.
    """

    write: Callable[[Bank, Language, int], str]
    ending: str
    media_type: str


#: By the name that the command and the page know it by.
FORMATS: Mapping[str, Format] = {
    "moodle": Format(moodle_xml, "xml", "application/xml; charset=utf-8"),
    "gift": Format(gift, "gift.txt", "text/plain; charset=utf-8"),
}
