"""What a family is: the set of configurations to train."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence

from ridgeway.errors import InputError
from ridgeway.hyperparameters import named

#: A number, or a word where the hyperparameter is a choice; of a function's argument also True or False.
Value = float | str
Configuration = dict[str, Value]


class Family(ABC):
    """The configurations to train, each a value for every hyperparameter of the family.

    Attributes:
        values: the values of each hyperparameter, ascending, by name in the order given.
    """

    values: dict[str, tuple[Value, ...]]
    # Whether hyperparameters that act on nothing in a model are left out, instead of being an error.
    optional: bool = False

    def without(self, names: Collection[str]) -> Family:
        """The family without some hyperparameters; asked for where they are optional only."""
        raise NotImplementedError(f"{type(self).__name__} needs all of its hyperparameters, {names} too.")

    def repeats_of(self, number: int, repeats: int) -> Sequence[int]:
        """Which repeats of a configuration are trained, where `fit_path` is asked for so many."""
        del number
        return range(repeats)

    @abstractmethod
    def configurations(self) -> list[Configuration]:
        """All configurations, in the order in which lanes are numbered."""


def checked_values(values: Mapping[str, Iterable[Value] | Value]) -> dict[str, tuple[Value, ...]]:
    """The values of each hyperparameter: checked, without doubles, numbers ascending and words in their own order.

    Raises:
        InputError: an impossible name, a value out of range, no values at all, or a hyperparameter without another
            that it needs.
    """
    if not values:
        raise InputError("The family varies nothing. Pass values, as in Grid(weight_decay=[0.0, 1e-4, 1e-2]).")
    result = {}
    for name, given in values.items():
        kind = named(name)
        if isinstance(given, str) or not isinstance(given, Iterable):
            given = [given]
        checked = kind.arranged(kind.check(value) for value in given)
        if not checked:
            raise InputError(f"{name}=[] holds no value. Pass at least one number.")
        result[name] = checked
    for name in result:
        needs = named(name).needs
        if needs and not any(other in result for other in needs):
            others = " or ".join(f"'{other}'" for other in needs)
            raise InputError(f"'{name}' acts on nothing without {others}. Add {needs[0]}=[...] to the family.")
    return result
