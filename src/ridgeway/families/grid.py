"""All combinations of the values given."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from ridgeway.families.family import Configuration, Family, Value, checked_values


class Grid(Family):
    """Every combination of the values given, as scikit-learn's `ParameterGrid`.

    Args:
        values: values by name, for names that are no Python identifiers ("dense_1.kernel_regularizer.l2").
        **named: values by name. One value stands for a list of one.

    Raises:
        InputError: an impossible name, a value out of its range, no values.

    Example:
        >>> import ridgeway as rw
        >>> len(rw.Grid(weight_decay=rw.logspace(1e-5, 1e-1, 8), dropout=[0.0, 0.25, 0.5]))
        24
    """

    def __init__(
        self, values: Mapping[str, Iterable[Value]] | None = None, /, **named: Iterable[Value] | Value
    ) -> None:
        self.values = checked_values({**(values or {}), **named})

    def configurations(self) -> list[Configuration]:
        """All combinations; the last name given varies fastest."""
        return [dict(zip(self.values, point, strict=True)) for point in itertools.product(*self.values.values())]

    def __len__(self) -> int:
        return len(self.configurations())

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={list(values)}" for name, values in self.values.items())
        return f"Grid({inside})"
