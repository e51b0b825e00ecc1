"""Tables for a spreadsheet: CSV in UTF-8 with the mark that Excel asks for, and nothing in it that Excel would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# What makes Excel, Calc or Sheets read a cell as a formula, in ASCII and in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def defused(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return value


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The file in pieces, one a row.

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
    csv.writer(text, quoting=csv.QUOTE_MINIMAL).writerow(["" if one is None else defused(one) for one in row])
    return text.getvalue().encode()
