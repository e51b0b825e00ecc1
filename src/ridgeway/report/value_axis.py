"""The axis of a hyperparameter: strengths on a line, words side by side."""

from typing import TYPE_CHECKING

from ridgeway.report.strength_axis import StrengthAxis
from ridgeway.report.word_axis import WordAxis
from ridgeway.selection import in_words, ordered_words

if TYPE_CHECKING:
    from ridgeway.path import Path

ValueAxis = StrengthAxis | WordAxis


def value_axis(path: "Path", name: str) -> ValueAxis:
    """The axis for the values of a hyperparameter that occur in the path's table."""
    about, column = path.record["hyperparameters"][name], path.table()[name]
    if in_words(about):
        return WordAxis.of(column, ordered_words(about, column))
    return StrengthAxis.of(column)
