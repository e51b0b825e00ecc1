"""Each hyperparameter alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ridgeway.errors import InputError
from ridgeway.families.family import Configuration, Family, Value, checked_values
from ridgeway.hyperparameters import is_argument, named


class OneAtATime(Family):
    """A base configuration, then every value of each hyperparameter with all others at their base.

    It needs the fewest lanes to say what each method does alone, which is what `path.effects()` asks; it says nothing
    of methods together, for which `together`, and in full `Grid`, are there (Montgomery 2017, "Design and Analysis of
    Experiments", section 5.1).

    Args:
        values: values by name, for names that are no Python identifiers ("dense_1.kernel_regularizer.l2").
        together: whether to train all methods at once too, each at the middle one of its strengths (the weaker of two),
            and all but each one: what a method still adds beside all others. Methods are what is off in the base. False
            by default: the effects are then those of each method alone, where with it they are means over both.
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
        together: bool = False,
        **named: Iterable[Value] | Value,
    ) -> None:
        self.together = bool(together)
        self._varied = checked_values({**(values or {}), **named, **_only_in(base, {**(values or {}), **named})})
        self.base: Configuration = {
            name: _checked(name, (base or {})[name]) if name in (base or {}) else _off(name, given)
            for name, given in self._varied.items()
        }
        self.values = checked_values({name: [self.base[name], *given] for name, given in self._varied.items()})

    def configurations(self) -> list[Configuration]:
        """The base first, then each hyperparameter's values, ascending, in the order of the names given.

        With `together` all methods follow, then all but the first, and so on; what was listed before is not repeated.
        """
        alone = [
            {**self.base, name: value}
            for name, given in self._varied.items()
            for value in given
            if value != self.base[name]
        ]
        found = [dict(self.base), *alone]
        if self.together:
            methods = {name: self._middle(name) for name in self._varied if self._is_method(name)}
            every = {**self.base, **methods}
            for one in (every, *({**every, name: self.base[name]} for name in methods)):
                if one not in found:
                    found.append(one)
        return found

    def _is_method(self, name: str) -> bool:
        """Whether it is off in the base and on elsewhere."""
        return self.base[name] in (0, None, "none") and self._on(name) != ()

    def _middle(self, name: str) -> Value:
        on = named(name).order(self._on(name))
        middle: Value = on[(len(on) - 1) // 2]
        return middle

    def _on(self, name: str) -> tuple[Value, ...]:
        return tuple(value for value in self._varied[name] if value != self.base[name])

    def __len__(self) -> int:
        return len(self.configurations())

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={list(values)}" for name, values in self._varied.items())
        return f"OneAtATime(base={self.base}, {inside}{', together=True' if self.together else ''})"


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
