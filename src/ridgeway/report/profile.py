"""How a summary depends on one hyperparameter: the lines that a panel draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

# More lines than this in one panel can't be told apart by colour.
_TELLABLE = 6


@dataclass(frozen=True)
class Profile:
    """The lines of one panel.

    Attributes:
        name: the hyperparameter along the x axis.
        by: the other hyperparameter whose values the lines are, when there is exactly one with few values.
        lines: summaries along `name`, one for every combination of the other hyperparameters, ascending.
        scattered: whether hardly any two configurations share a combination (random search): no lines.
    """

    name: str
    by: str | None
    lines: tuple[pd.DataFrame, ...]
    scattered: bool

    @property
    def told_apart(self) -> bool:
        """Whether each line has a colour and a label of its own."""
        return len(self.lines) == 1 or self.by is not None


def varied(summary: pd.DataFrame, hyperparameters: Sequence[str]) -> list[str]:
    """The hyperparameters that take more than one value; the first one when none does."""
    return [name for name in hyperparameters if summary[name].nunique() > 1] or list(hyperparameters[:1])


def profile(summary: pd.DataFrame, name: str, hyperparameters: Sequence[str]) -> Profile:
    """Split a summary into lines along one hyperparameter.

    Args:
        summary: `Path.configurations()`, without rows that are not to be drawn.
        name: the hyperparameter along the x axis.
        hyperparameters: all of the family.
    """
    others = [other for other in varied(summary, hyperparameters) if other != name]
    ordered = summary.sort_values([*others, name])
    if not others:
        return Profile(name, None, (ordered,), False)
    lines = tuple(group for _, group in ordered.groupby(others, sort=True))
    alone = len(others) == 1 and len(lines) <= _TELLABLE
    return Profile(name, others[0] if alone else None, lines, len(lines) > 0.7 * len(summary) and len(summary) > 8)


def best_over_others(summary: pd.DataFrame, name: str) -> pd.DataFrame:
    """For every value of the hyperparameter its best configuration; `summary` is sorted best first."""
    return summary.groupby(name, sort=False).head(1).sort_values(name)
