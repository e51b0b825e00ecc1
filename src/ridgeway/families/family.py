"""What a family is: the set of configurations to train."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from ridgeway.errors import InputError
from ridgeway.hyperparameters import hyperparameter

Configuration = dict[str, float]


class Family(ABC):
    """The configurations to train, each a value for every hyperparameter of the family.

    Attributes:
        values: the values of each hyperparameter, ascending, by name in the order given.
    """

    values: dict[str, tuple[float, ...]]

    @abstractmethod
    def configurations(self) -> list[Configuration]:
        """All configurations, in the order in which lanes are numbered."""


def checked_values(values: Mapping[str, Iterable[float] | float]) -> dict[str, tuple[float, ...]]:
    """The values of each hyperparameter: checked, without doubles, ascending.

    Raises:
        InputError: an unknown name, a value out of range, no values at all.
    """
    if not values:
        raise InputError("The family varies nothing. Pass values, as in Grid(weight_decay=[0.0, 1e-4, 1e-2]).")
    result = {}
    for name, given in values.items():
        kind = hyperparameter(name)
        if isinstance(given, str) or not isinstance(given, Iterable):
            given = [given]
        checked = tuple(sorted({kind.check(value) for value in given}))
        if not checked:
            raise InputError(f"{name}=[] holds no value. Pass at least one number.")
        result[name] = checked
    return result
