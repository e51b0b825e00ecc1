"""From lanes to a choice: which configuration won, by how much, and how sure that is."""

from ridgeway.selection.choice import Choice
from ridgeway.selection.comparison import Comparison, baseline, compare, weakest
from ridgeway.selection.rules import RULES, select
from ridgeway.selection.strength import strength
from ridgeway.selection.summary import configurations
from ridgeway.selection.units import Units
from ridgeway.selection.values import Value, equal_to, in_words, ordered_words, shown, value_of, with_ordered_words

__all__ = [
    "RULES",
    "Units",
    "Choice",
    "Comparison",
    "Value",
    "baseline",
    "compare",
    "configurations",
    "equal_to",
    "in_words",
    "ordered_words",
    "select",
    "shown",
    "strength",
    "value_of",
    "weakest",
    "with_ordered_words",
]
