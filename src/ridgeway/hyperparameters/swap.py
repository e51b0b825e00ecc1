"""A traced scalar in the place of a number that some object of the model holds.

While a step is traced, `swapped` puts the lane's scalar where the user's number stands and puts the number back
afterwards, whatever happens. The scalar is wrapped in `LaneScalar` because Keras branches on such numbers
(`if self.rate > 0`): the wrapper answers a comparison when all values of the family answer it alike, and raises
otherwise. It never guesses.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from ridgeway.errors import InputError
from ridgeway.keras_internals import Swap, weak

_ABSENT = object()


class LaneScalar:
    """A lane's value while a step is traced: arithmetic passes through, comparisons are answered or refused.

    Args:
        value: traced scalar, shape `()`.
        low: least value that any lane of the family has.
        high: greatest value that any lane of the family has.
        name: the hyperparameter's name, for messages.

    A comparison with 0 or 1 is answered as the values strictly between would answer it: the code that Keras runs
    for them is exact at the ends too (a dropout rate of 0 keeps all units, a penalty of strength 0 adds 0).
    """

    __slots__ = ("high", "low", "name", "value")

    def __init__(self, value: jax.Array, low: float, high: float, name: str) -> None:
        self.value = weak(value)
        self.low = low
        self.high = high
        self.name = name

    def __jax_array__(self) -> jax.Array:
        return self.value

    def _compare(self, compare: Callable[[Any, Any], bool], other: Any) -> Any:
        if not isinstance(other, int | float):
            return compare(self.value, other)
        ends = {end for end in (self.low, self.high) if not (end == other and other in (0, 1))}
        ends = ends or {self.low}
        inside = self.low < other < self.high
        answers = {bool(compare(end, other)) for end in ends}
        if len(answers) > 1 or (inside and compare in (operator.eq, operator.ne)):
            raise InputError(
                f"'{self.name}' can't be varied from {self.low:g} to {self.high:g} in one family: the model asks "
                f"whether it is {compare.__name__} {other:g}, which differs between lanes. Vary it on one side of "
                f"{other:g} only."
            )
        return answers.pop()

    def __gt__(self, other: Any) -> Any:
        return self._compare(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(operator.ge, other)

    def __lt__(self, other: Any) -> Any:
        return self._compare(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._compare(operator.le, other)

    def __eq__(self, other: object) -> Any:
        return self._compare(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._compare(operator.ne, other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._compare(operator.ne, 0))

    def __float__(self) -> float:
        raise InputError(
            f"'{self.name}' can't be varied: the model turns it into a Python number while it is traced. "
            "Use keras.ops on it instead of float(), int() or the math module."
        )

    __int__ = __index__ = __float__

    def __add__(self, other: Any) -> Any:
        return self.value + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.value - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.value

    def __mul__(self, other: Any) -> Any:
        return self.value * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.value / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.value

    def __pow__(self, other: Any) -> Any:
        return self.value**other

    def __rpow__(self, other: Any) -> Any:
        return jnp.power(other, self.value)

    def __neg__(self) -> Any:
        return -self.value

    def __abs__(self) -> Any:
        return abs(self.value)


def _flatten(scalar: LaneScalar) -> tuple[tuple[Any], tuple[float, float, str]]:
    return (scalar.value,), (scalar.low, scalar.high, scalar.name)


def _unflatten(about: tuple[float, float, str], children: tuple[Any]) -> LaneScalar:
    # Not by __init__: JAX passes placeholders through here that are no numbers.
    scalar = object.__new__(LaneScalar)
    (scalar.value,), (scalar.low, scalar.high, scalar.name) = children, about
    return scalar


# Compiled functions inside the model (jax.nn.leaky_relu is one) take their arguments as trees.
jax.tree_util.register_pytree_node(LaneScalar, _flatten, _unflatten)


@contextlib.contextmanager
def swapped(swaps: Iterable[Swap]) -> Iterator[None]:
    """Sets each `(object, attribute, replacement)` for the time of a trace, past Keras's own tracking."""
    undo: list[Swap] = []
    try:
        for owner, attribute, replacement in swaps:
            undo.append((owner, attribute, vars(owner).get(attribute, _ABSENT)))
            object.__setattr__(owner, attribute, replacement)
        yield
    finally:
        for owner, attribute, original in reversed(undo):
            if original is _ABSENT:
                object.__delattr__(owner, attribute)
            else:
                object.__setattr__(owner, attribute, original)
