"""How a summary depends on one hyperparameter: the lines that a panel draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

# More lines than this in one panel can't be told apart by colour.
_TELLABLE = 6


@dataclass(frozen=True)
class Profile:
    """The lines of one panel.

    Attributes:
        name: the hyperparameter along the x axis.
        by: the other hyperparameter that lines are told apart by: the only other one when it has few values, else
            the first one of few words.
        lines: summaries along `name`, one for every combination of the other hyperparameters, ascending.
        best: where `by` is one of several others: for each of its words the best over the rest, along `name`.
        scattered: whether hardly any two configurations share a combination (random search): no lines.
    """

    name: str
    by: str | None
    lines: tuple[pd.DataFrame, ...]
    scattered: bool
    best: tuple[pd.DataFrame, ...] = ()

    @property
    def told_apart(self) -> bool:
        """Whether each line has a colour and a label of its own."""
        if self.by is None:
            return len(self.lines) == 1
        return len({line[self.by].iloc[0] for line in self.lines}) == len(self.lines)


def varied(summary: pd.DataFrame, hyperparameters: Sequence[str]) -> list[str]:
    """The hyperparameters that take more than one value; the first one when none does."""
    return [name for name in hyperparameters if summary[name].nunique() > 1] or list(hyperparameters[:1])


def panels(summary: pd.DataFrame, hyperparameters: Sequence[str]) -> list[str]:
    """The hyperparameters that get a panel: numbers first, then words that no panel of numbers shows by colour."""
    names = varied(summary, hyperparameters)
    words = [name for name in names if _has_words(summary[name])]
    numbers = [name for name in names if name not in words]
    if not numbers or not words:
        return names
    coloured = _by(summary, [name for name in names if name != numbers[0]])
    return [*numbers, *(name for name in words if name != coloured)]


def _has_words(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _by(summary: pd.DataFrame, others: Sequence[str]) -> str | None:
    """The hyperparameter among these that lines are coloured by."""
    few = [name for name in others if summary[name].nunique() <= _TELLABLE]
    if len(others) == 1:
        return few[0] if few else None
    return next((name for name in few if _has_words(summary[name])), None)


def profile(summary: pd.DataFrame, name: str, hyperparameters: Sequence[str]) -> Profile:
    """Split a summary into lines along one hyperparameter.

    Args:
        summary: `Path.configurations()` with words as ordered categories (`with_ordered_words`), best first, without
            rows that are not to be drawn.
        name: the hyperparameter along the x axis.
        hyperparameters: all of the family.
    """
    others = [other for other in varied(summary, hyperparameters) if other != name]
    ordered = summary.sort_values([*others, name])
    if not others:
        return Profile(name, None, (ordered,), False)
    lines = tuple(group for _, group in ordered.groupby(others, sort=True, observed=True))
    scattered = len(lines) > 0.7 * len(summary) and len(summary) > 8
    by = _by(summary, others)
    found = Profile(name, by, lines, scattered)
    if by is None or found.told_apart or scattered:
        return found
    words = summary.groupby(by, sort=True, observed=True)
    return replace(found, best=tuple(best_over_others(group, name) for _, group in words))


def best_over_others(summary: pd.DataFrame, name: str) -> pd.DataFrame:
    """For every value of the hyperparameter its best configuration; `summary` is sorted best first."""
    return summary.groupby(name, sort=False, observed=True).head(1).sort_values(name)
