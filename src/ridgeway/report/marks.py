"""The configurations that every figure marks in the same way: the best and the one-SE choice."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ridgeway.errors import InputError
from ridgeway.locale import text
from ridgeway.report.theme import BEST, ONE_SE
from ridgeway.selection import Choice

if TYPE_CHECKING:
    from ridgeway.path import Path


@dataclass(frozen=True)
class Mark:
    """One configuration to mark.

    Attributes:
        choice: the configuration.
        label: what the legend calls it.
        colour: its colour in all figures.
        symbol: its plotly marker, so that colour is never the only sign.
        rank: its place in the legend; the best comes first there, and last on the page, where it lies on top.
    """

    choice: Choice
    label: str
    colour: str
    symbol: str
    rank: int = 1


def one_se(path: "Path") -> Choice | None:
    """The one-SE choice; None where no standard error is known."""
    try:
        return path.select("one_se")
    except InputError:
        return None


def marks(path: "Path", lang: str) -> list[Mark]:
    """The best and the one-SE choice; one mark when they are the same, or only the best is known."""
    best, simple = path.select("best"), one_se(path)
    if simple is not None and simple.configuration == best.configuration:
        return [Mark(best, text("figure.best_and_one_se", lang), BEST, "star")]
    found = [Mark(best, text("figure.best", lang), BEST, "star")]
    if simple is not None:
        found.insert(0, Mark(simple, text("figure.one_se", lang), ONE_SE, "diamond", rank=2))
    return found
