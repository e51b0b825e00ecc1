"""A range of strengths to draw from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ridgeway.errors import InputError
from ridgeway.families.family import Value, checked_values
from ridgeway.hyperparameters import is_argument, named


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, drawn evenly, and now and then 0: the method is off.

    For an argument of a function that builds the model a range with two whole ends, as in `width=Range(16, 256)`, holds
    whole numbers only. Each that is drawn is a structure of its own, which is compiled anew. So it does for what counts
    epochs, `max_epochs` and `relax`, whose numbers are no structures.

    Attributes:
        low: least value, above 0 where `log`.
        high: greatest value.
        log: whether to draw evenly in the logarithm; right for strengths that act over orders of magnitude.
        zero: probability, 0 to 1, of drawing 0 instead. Methods that are never off can't be judged against their
            absence. 0 by default.

    Raises:
        InputError: ends that are not finite or not ascending, a log scale from 0, no probability.

    Example:
        >>> import ridgeway as rw
        >>> family = rw.Random(64, weight_decay=rw.Range(1e-5, 1e-1, log=True, zero=0.2), dropout=rw.Range(0.0, 0.8))
    """

    low: float
    high: float
    log: bool = False
    zero: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(f"{self} has no numbers to draw. Pass two finite ends, the lower one first.")
        if self.log and self.low <= 0:
            raise InputError(f"{self} is even in the logarithm, where 0 has no place. Pass low above 0, and zero=0.2.")
        if not 0 <= self.zero <= 1:
            raise InputError(f"{self}: zero={self.zero:g} is no probability. Pass a number from 0 to 1.")

    def __str__(self) -> str:
        extra = (", log=True" if self.log else "") + (f", zero={self.zero:g}" if self.zero else "")
        return f"Range({self.low:g}, {self.high:g}{extra})"

    def whole(self, name: str) -> bool:
        """Whether it holds whole numbers only, where a family varies this by it."""
        if is_argument(name):
            return isinstance(self.low, int) and isinstance(self.high, int)
        return named(name).whole

    def draw(self, random: np.random.Generator, whole: bool = False) -> float:
        """One value, rounded to four digits, which say all that a draw is worth and stay readable in tables.

        Args:
            random: generator.
            whole: whether to draw a whole number.
        """
        # Both numbers are drawn in any case: a change of `zero` moves no other draw.
        off, place = random.random(2)
        if off < self.zero:
            return 0 if whole else 0.0
        # Half a step more at both ends, so that these are as likely as other whole numbers.
        low, high = (self.low - 0.5, self.high + 0.5) if whole else (self.low, self.high)
        if self.log:
            value = math.exp(math.log(low) + place * (math.log(high) - math.log(low)))
        else:
            value = low + place * (high - low)
        if whole:
            return int(min(max(round(value), self.low), self.high))
        return float(min(max(float(f"{value:.4g}"), self.low), self.high))


def checked_ranges(ranges: Mapping[str, Range | Iterable[Value] | Value]) -> dict[str, Range | tuple[Value, ...]]:
    """Ranges whose ends are allowed, and lists without doubles.

    Raises:
        InputError: an impossible name, a value or an end out of its range, or a range where words belong.
    """
    values = checked_values(
        {name: ends(given) if isinstance(given, Range) else given for name, given in ranges.items()}
    )
    checked: dict[str, Range | tuple[Value, ...]] = {}
    for name, given in ranges.items():
        if isinstance(given, Range) and isinstance(values[name][0], str):
            raise InputError(f"{name}={given} asks for numbers where words belong. Pass a list of them.")
        checked[name] = given if isinstance(given, Range) else values[name]
    return checked


def ends(given: Range) -> list[Value]:
    """The ends of a range, with 0 where it can be drawn."""
    return [given.low, given.high, *([0] if given.zero else [])]
