"""An axis of strengths: logarithmic where they span magnitudes, with zero at a marked place of its own."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ridgeway.report.theme import shade
from ridgeway.selection.rounding import rounded
from ridgeway.selection.values import Value

# Below a ratio of 30 (1 to 30, dropout 0.1 to 0.5) a linear axis is easier to read.
_LOG_RATIO = 30.0


@dataclass(frozen=True)
class StrengthAxis:
    """Where strengths stand along an axis.

    On a logarithmic axis zero has no place. It stands left of the smallest positive value, behind a break
    that the figure draws at `gap`; nothing is added to the values themselves.

    Attributes:
        values: distinct strengths, ascending.
        log: whether positions are log10 of the strengths.
        zero: position of the strength 0 on a logarithmic axis, None when there is none.
        joins: whether a line may join neighbouring values.
    """

    values: tuple[float, ...]
    log: bool
    zero: float | None
    joins: bool = True

    @classmethod
    def of(cls, strengths: Iterable[float]) -> "StrengthAxis":
        """The axis for these strengths (any order, repeated or not, at least one)."""
        values = tuple(sorted({float(value) for value in strengths}))
        positive = [value for value in values if value > 0]
        log = min(values) >= 0 and len(positive) >= 2 and positive[-1] / positive[0] >= _LOG_RATIO
        if not (log and values[0] == 0):
            return cls(values, log, None)
        low, high = math.log10(positive[0]), math.log10(positive[-1])
        return cls(values, log, low - max(0.14 * (high - low), 0.35))

    def position(self, strength: Value) -> float:
        """Where the strength stands, in axis units."""
        strength = float(strength)
        if not self.log:
            return strength
        if strength == 0 and self.zero is not None:
            return self.zero
        return math.log10(strength)

    def fraction(self, strength: Value) -> float:
        """The strength's rank among the values, from 0 to 1: even steps for colours."""
        return self.values.index(float(strength)) / (len(self.values) - 1) if len(self.values) > 1 else 0.5

    def colour(self, strength: Value) -> str:
        """From dark, the weakest, to light."""
        return shade(self.fraction(strength))

    @property
    def gap(self) -> float | None:
        """Position of the break between zero and the smallest positive strength."""
        if self.zero is None:
            return None
        return (self.zero + math.log10(self.values[1])) / 2

    @property
    def range(self) -> tuple[float, float]:
        """The axis's ends, in axis units."""
        low, high = self.position(self.values[0]), self.position(self.values[-1])
        pad = 0.05 * (high - low) if high > low else 0.5 * abs(high) or 0.5
        return low - pad, high + pad

    def ticks(self) -> tuple[list[float], list[str]]:
        """Positions and labels: the powers of ten of a logarithmic axis, else the values themselves."""
        if not self.log:
            shown = self.values if len(self.values) <= 9 else self.values[:: math.ceil(len(self.values) / 8)]
            return [self.position(value) for value in shown], [rounded(value) for value in shown]
        start = 1 if self.zero is not None else 0
        low, high = math.log10(self.values[start]), math.log10(self.values[-1])
        powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
        step = math.ceil(len(powers) / 8)
        places, labels = [float(power) for power in powers][::step], _powers_of_ten(powers)[::step]
        return ([self.zero, *places], ["0", *labels]) if self.zero is not None else (places, labels)

    def settings(self) -> dict[str, Any]:
        """The axis as settings of plotly's x or y axis."""
        places, labels = self.ticks()
        return {"range": list(self.range), "tickvals": places, "ticktext": labels}


def _powers_of_ten(exponents: range) -> list[str]:
    """Labels of one form: `0.01`, `0.1`, `1` where all are short, else plotly's markup `10<sup>−5</sup>`."""
    if all(-3 <= exponent <= 3 for exponent in exponents):
        return [f"{10.0**exponent:g}" for exponent in exponents]
    return [f"10<sup>{str(exponent).replace('-', '−')}</sup>" if exponent else "1" for exponent in exponents]


def break_shapes(axis: Any, xref: str, yref: str) -> list[dict[str, Any]]:
    """The two strokes across the axis line that say: zero is not to scale.

    Args:
        axis: a `ValueAxis`; its `gap` is where they stand; without one there are none.
        xref: e.g. `"x2"`.
        yref: the panel's domain, e.g. `"y2 domain"`.
    """
    if axis.gap is None:
        return []
    cover = {
        "type": "rect",
        "x0": -4,
        "x1": 4,
        "y0": -3,
        "y1": 3,
        "line": {"width": 0},
        "fillcolor": "#ffffff",
    }
    strokes = [
        {
            "type": "line",
            "x0": shift - 3,
            "x1": shift + 3,
            "y0": -6,
            "y1": 6,
            "line": {"width": 1.5, "color": "#5c6670"},
        }
        for shift in (-4, 4)
    ]
    place = {
        "xref": xref,
        "yref": yref,
        "xsizemode": "pixel",
        "ysizemode": "pixel",
        "xanchor": axis.gap,
        "yanchor": 0,
        "layer": "above",
    }
    return [{**place, **shape} for shape in (cover, *strokes)]
