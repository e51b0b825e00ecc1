"""Configurations that are listed one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ridgeway.errors import InputError
from ridgeway.families.family import Configuration, Family, Value, checked_values
from ridgeway.hyperparameters import named


class Listed(Family):
    """The configurations given, in their order: those of another run, or of a paper's table.

    Args:
        configurations: mappings of names to values, all with the same names; at least one, none twice.
        repeats: for each configuration the numbers of its repeats, in the place of `fit_path(repeats=)`: two that have
            none in common start from different weights and see rows in different orders, as the members of an ensemble
            should.

    Raises:
        InputError: none, two alike, names that differ, an impossible name or a value out of its range.

    Example:
        >>> import ridgeway as rw
        >>> len(rw.Listed([{"dropout": 0.0, "l2": 0.01}, {"dropout": 0.5, "l2": 0.0}]))
        2
    """

    def __init__(
        self, configurations: Iterable[Mapping[str, Value]], repeats: Iterable[Collection[int]] | None = None
    ) -> None:
        given = [dict(one) for one in configurations]
        if not given:
            raise InputError("Listed([]) holds no configuration. Pass at least one, as in Listed([{'dropout': 0.5}]).")
        names = list(given[0])
        for one in given:
            if set(one) != set(names):
                odd = sorted(set(one) ^ set(names))[0]
                raise InputError(f"'{odd}' is in some of the configurations only. Give each the same names.")
        self._configurations: list[Configuration] = [
            {name: named(name).check(one[name]) for name in names} for one in given
        ]
        for place, checked in enumerate(self._configurations):
            if checked in self._configurations[:place]:
                raise InputError(f"Configuration {place} stands twice: {checked}. List it once; repeats= trains more.")
        self.repeats = None if repeats is None else [sorted(set(own)) for own in repeats]
        if self.repeats is not None and (len(self.repeats) != len(given) or not all(self.repeats)):
            raise InputError(
                f"repeats={self.repeats} does not have some for each of {len(given)} configurations. Pass a list of "
                "lists, as in repeats=[[0, 1], [2]]."
            )
        self.values = checked_values({name: [one[name] for one in given] for name in names})

    def repeats_of(self, number: int, repeats: int) -> Sequence[int]:
        """See the base class."""
        return range(repeats) if self.repeats is None else self.repeats[number]

    def configurations(self) -> list[Configuration]:
        """The configurations, in their order."""
        return [dict(one) for one in self._configurations]

    def __len__(self) -> int:
        return len(self._configurations)

    def __repr__(self) -> str:
        return f"Listed({self._configurations})"
