"""What a hyperparameter is: a name, the values it may take, and where in a Keras model it lives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ridgeway.errors import InputError

if TYPE_CHECKING:
    import jax
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar
    from ridgeway.keras_internals import Swap

Decay = Literal["kernels", "all"]

# Beyond the greatest float32, in which lanes hold their values, is infinity.
_GREATEST = 3.4028234e38


@dataclass(frozen=True)
class StepContext:
    """What a lane knows of itself while one of its steps is traced.

    Attributes:
        seed: unsigned 32-bit scalar, the lane's own seed (of its repeat).
        step: int32 scalar, training steps that the lane has done.
        values: the lane's value of every numeric hyperparameter, for those that need another's.
        epoch: int32 scalar, epochs that the lane has done.
        before: the trainable variables' values before the step's update, by the `id` of the variable; none where
            nothing is trained.
    """

    seed: jax.Array
    step: jax.Array
    values: Mapping[str, LaneScalar] = field(default_factory=dict)
    epoch: jax.Array | int = 0
    before: Mapping[int, jax.Array] = field(default_factory=dict)


class Binding(ABC):
    """A hyperparameter tied to one model: where a lane's value goes, and how it gets there.

    Attributes:
        base: the model's own value, None where it has none.
    """

    base: float | None = None
    # Whether the value could be bound and yet act on nothing; then the traced step is asked.
    doubtful: bool = False
    # Whether the optimizer's average of the weights is what is evaluated and kept.
    evaluates_averages: bool = False

    @abstractmethod
    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        """What to put where while a step is traced."""

    def prepare(self, seed: int) -> None:
        """Makes ready what Keras makes only for non-zero values, before the model's variables are read."""
        del seed

    def variables(self, value: float) -> Sequence[tuple[Any, float]]:
        """Variables whose starting value is the lane's value, instead of a swap."""
        del value
        return ()

    def places(self) -> Sequence[tuple[Any, str]]:
        """The (object, attribute) pairs that the value alone sets."""
        return ()

    def restores(self) -> Sequence[Swap]:
        """What to put back while lanes are compared, where the value changes the loss's own formula."""
        return ()

    @abstractmethod
    def write(self, value: float) -> None:
        """Writes a plain value into the model for good, for export."""


class Unplaced(Binding):
    """Of a hyperparameter that something else reads off the lane: it has no place in the model."""

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        """None."""
        return []

    def write(self, value: float) -> None:
        """Nothing to write."""


class Hyperparameter(ABC):
    """One number that regularizes, or that one varies beside those that do.

    Attributes:
        name: as in families, tables and on the command line.
        low: least value allowed.
        high: greatest value allowed; excluded where `open_high`.
        regularizes: whether its values can be ordered by how much they regularize.
        whole: whether its values are whole numbers.
        built: whether its values are built into the model, or the state that it starts from, instead of being bound to
            a number in it.
        needs: hyperparameters without one of which it acts on nothing.
    """

    name: str
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = math.inf
    open_low: ClassVar[bool] = False
    open_high: ClassVar[bool] = False
    regularizes: bool = True
    whole: ClassVar[bool] = False
    built: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()

    def arranged(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """The values as a family lists them, without doubles: numbers ascending."""
        return tuple(sorted(set(values)))

    def order(self, values: Sequence[Any]) -> list[Any]:
        """The values from the weakest to the strongest; by default a larger one is stronger."""
        return sorted(values)

    def check(self, value: Any) -> float | str:
        """Returns the value as a float.

        Raises:
            InputError: it is no number, or none of those that are allowed.
        """
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InputError(f"{self.name}={value!r} is no number. Pass numbers {self._range()}.") from None
        below = number <= self.low if self.open_low else number < self.low
        above = number >= self.high if self.open_high else number > self.high
        if below or above or not abs(number) <= _GREATEST:
            raise InputError(f"{self.name}={number:g} is out of range. Pass numbers {self._range()}.")
        if self.whole and not number.is_integer():
            raise InputError(f"{self.name}={value!r} is no whole number. Pass whole numbers {self._range()}.")
        return number

    def _range(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "that are finite"
        first = f"above {self.low:g}" if self.open_low else f"from {self.low:g}"
        if math.isinf(self.high):
            return first
        return f"{first} to {'below ' if self.open_high else ''}{self.high:g}"

    @abstractmethod
    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """Finds where the hyperparameter acts in a compiled and built model.

        Raises:
            InputError: it would act on nothing; says what to add.
        """


def off_and_descending(values: Sequence[Any]) -> list[Any]:
    """The values of a limit from the weakest to the strongest: 0, which is none, then the greatest to the least."""
    return sorted(values, key=lambda value: (value != 0, -value))
