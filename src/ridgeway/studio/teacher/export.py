"""Tables for a spreadsheet: CSV in UTF-8 with the mark that Excel asks for, and nothing in it that Excel would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# What makes Excel, Calc or Sheets read a cell as a formula, in ASCII and in full width.
_FORMULA = r"[=+\-@＝＋－＠]"
# Blanks other than a space hide what follows them.
_FIRST = re.compile(rf"[\t\r\n]|\s*{_FORMULA}")
# What another country's spreadsheet takes for the end of a cell: where commas part the cells, one that splits at
# semicolons does so within quotes too.
_LATER = re.compile(rf'([;,\t\r\n][\s"]*)(?={_FORMULA})')
# A number runs nothing, whatever its sign.
_NUMBER = re.compile(r" *[+\-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+\-]?\d+)?%? *", re.ASCII)


def defused(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, nor any piece of it; numbers stay as they were typed."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    safe = _LATER.sub(r"\1'", value)
    return "'" + safe if _FIRST.match(value) else safe


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The file in pieces, one a row, every cell in quotes.

    Args:
        header: names of the columns.
        rows: cells; None is left empty.
    """
    yield "\ufeff".encode()
    yield _line(header)
    for row in rows:
        yield _line(row)


def _line(row: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(["" if one is None else defused(one) for one in row])
    return text.getvalue().encode()
