"""Each hyperparameter alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ridgeway.errors import InputError
from ridgeway.families.family import Configuration, Family, Value, checked_values
from ridgeway.hyperparameters import is_argument, named


class OneAtATime(Family):
    """A base configuration, then every value of each hyperparameter with all others at their base.

    It needs the fewest lanes to say what each method does alone, which is what `path.effects()` asks; it says nothing
    of methods together, for which `Grid` is there (Montgomery 2017, "Design and Analysis of Experiments", section 5.1).

    Args:
        values: values by name, for names that are no Python identifiers ("dense_1.kernel_regularizer.l2").
        base: values of the base configuration by name. What is not named is off (0, or the word that leaves the model
            as it is); a hyperparameter that can't be off, such as `learning_rate`, has its weakest value, which is the
            smallest as a rule; an argument of the function that builds the model its smallest number or first word.
        **named: values by name. One value stands for a list of one.

    Raises:
        InputError: an impossible name, a value out of its range, no values.

    Example:
        >>> import ridgeway as rw
        >>> len(rw.OneAtATime(weight_decay=[1e-4, 1e-2], dropout=[0.25, 0.5], label_smoothing=0.1))
        6
    """

    def __init__(
        self,
        values: Mapping[str, Iterable[Value]] | None = None,
        /,
        base: Mapping[str, Value] | None = None,
        **named: Iterable[Value] | Value,
    ) -> None:
        self._varied = checked_values({**(values or {}), **named, **_only_in(base, {**(values or {}), **named})})
        self.base: Configuration = {
            name: _checked(name, (base or {})[name]) if name in (base or {}) else _off(name, given)
            for name, given in self._varied.items()
        }
        self.values = checked_values({name: [self.base[name], *given] for name, given in self._varied.items()})

    def configurations(self) -> list[Configuration]:
        """The base first, then each hyperparameter's values, ascending, in the order of the names given."""
        alone = [
            {**self.base, name: value}
            for name, given in self._varied.items()
            for value in given
            if value != self.base[name]
        ]
        return [dict(self.base), *alone]

    def __len__(self) -> int:
        return len(self.configurations())

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={list(values)}" for name, values in self._varied.items())
        return f"OneAtATime(base={self.base}, {inside})"


def _only_in(base: Mapping[str, Value] | None, named: Mapping[str, object]) -> dict[str, Value]:
    """Values of the base that are not varied: the same in all lanes."""
    return {name: value for name, value in (base or {}).items() if name not in named}


def _checked(name: str, value: Value) -> Value:
    return named(name).check(value)


def _off(name: str, given: tuple[Value, ...]) -> Value:
    """The value with which the method does nothing; the weakest one given where there is none."""
    kind = named(name)
    if is_argument(name):
        # What a function makes of a value is not known; the first stands for what it is without.
        return given[0]
    if isinstance(given[0], str):
        return kind.check(None)
    # An attribute may be anything: 0 is known to be "off" for those that regularize only.
    if "." in name and not kind.regularizes:
        return given[0]
    try:
        return kind.check(0.0)
    except InputError:
        weakest: Value = kind.order(given)[0]
        return weakest
