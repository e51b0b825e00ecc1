"""Cells of a table that a spreadsheet opens."""

from __future__ import annotations

import re

# What makes Excel, Calc or Sheets read a cell as a formula, in ASCII and in full width; where a cell begins: at the
# start, and after what separates cells where the reader's system writes commas in numbers.
_FORMULA = re.compile(r"(^|[;\t\r\n]) *(?=[=+\-@＝＋－＠\t\r\n])")


_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")


def defused(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers, also as text, stay what they are."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return _FORMULA.sub(lambda found: f"{found[1]}'{found[0][len(found[1]) :]}", value)
