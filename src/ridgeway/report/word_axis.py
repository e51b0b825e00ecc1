"""An axis of words: even places in the order that the record gives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ridgeway.report.theme import plain
from ridgeway.selection import Value, shown

# Words have no more or less, so their colours have no light and dark: hues that colour-blind readers tell apart, and
# that are not those of the best and the one-SE choice (after Okabe & Ito 2008).
_COLOURS = ("#1a1d21", "#009e73", "#b8508f", "#4aa3d6", "#8a6d00", "#6a51a3")


@dataclass(frozen=True)
class WordAxis:
    """Where words stand along an axis; read like a `StrengthAxis` by those that draw.

    Attributes:
        values: the words that occur, in their order.
        zero: None: no word is a zero apart from the others.
        gap: None, likewise.
    """

    values: tuple[str, ...]
    zero: None = None
    gap: None = None
    log: bool = False
    # Between two words there is nothing that a line could pass through.
    joins: bool = False

    @classmethod
    def of(cls, words: Iterable[str], order: Sequence[str]) -> "WordAxis":
        """The axis for these words (repeated or not, at least one) in this order, which holds them all."""
        present = {str(word) for word in words}
        return cls(tuple(word for word in order if word in present))

    def position(self, value: Value) -> float:
        """Where the word stands, in whole steps from 0."""
        return float(self.values.index(str(value)))

    def fraction(self, value: Value) -> float:
        """The word's place from 0 to 1."""
        return self.position(value) / (len(self.values) - 1) if len(self.values) > 1 else 0.5

    def colour(self, value: Value) -> str:
        """A colour of its own for each of six words; then they repeat."""
        return _COLOURS[int(self.position(value)) % len(_COLOURS)]

    @property
    def range(self) -> tuple[float, float]:
        """The axis's ends: half a step beyond the first and the last word."""
        return -0.5, len(self.values) - 0.5

    def ticks(self) -> tuple[list[float], list[str]]:
        """Positions and labels: every word."""
        return [self.position(word) for word in self.values], [shown(word) for word in self.values]

    def settings(self) -> dict[str, Any]:
        """The axis as settings of plotly's x or y axis; plotly reads labels as HTML, so they are escaped."""
        places, labels = self.ticks()
        return {
            "type": "linear",
            "range": list(self.range),
            "tickvals": places,
            "ticktext": [plain(label) for label in labels],
        }
