"""From lanes to a choice: which configuration won, by how much, and how sure that is."""

from ridgeway.selection.choice import Choice
from ridgeway.selection.comparison import Comparison, baseline, compare
from ridgeway.selection.rules import RULES, select
from ridgeway.selection.strength import strength
from ridgeway.selection.summary import configurations

__all__ = ["RULES", "Choice", "Comparison", "baseline", "compare", "configurations", "select", "strength"]
