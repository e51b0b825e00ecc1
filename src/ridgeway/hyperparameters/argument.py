"""Arguments of a function that builds the model: width, depth, the kind of activation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter

if TYPE_CHECKING:
    import keras

#: Columns of the tables of a path, which an argument can't be named after.
_COLUMNS = (
    "lane", "repeat", "fold", "outer", "epoch", "epochs", "best_epoch", "stopped", "weight_norm", "zero_share",
    "seconds", "loss", "mean", "standard_error", "n", "diverged", "rank",
)  # fmt: skip


class Argument(Hyperparameter):
    """What goes by no name of ridgeway's own: an argument of the user's function that builds the model.

    Its values reach the function as they are: whole numbers stay whole. No order by strength: a narrow network may
    generalize better or worse than a wide one, and which it is depends on the data.

    Args:
        name: of the argument.

    Raises:
        InputError: a column of the path's tables goes by that name.
    """

    regularizes = False
    built = True

    def __init__(self, name: str) -> None:
        if name in _COLUMNS or name.startswith("val_"):
            raise InputError(
                f"'{name}' is the name of a column of path.table(), and can't be varied. Give the function's argument "
                "another name."
            )
        self.name = name

    def check(self, value: Any) -> Any:
        """Returns the value as a plain bool, int, float or string.

        Raises:
            InputError: it is none of these, or not finite: it could not be recorded.
        """
        plain = value.item() if isinstance(value, np.generic) else value
        if not isinstance(plain, bool | int | float | str) or (isinstance(plain, float) and not math.isfinite(plain)):
            raise InputError(
                f"{self.name}={value!r} can't be recorded. Pass whole numbers, numbers, words, True or False, and let "
                "the function make of them what it needs."
            )
        return plain

    def arranged(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """The values without doubles: numbers ascending, words in the order given.

        Raises:
            InputError: words, numbers, and True or False are mixed.
        """
        given = list(values)
        kinds = {str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in given}
        if len(kinds) > 1:
            raise InputError(
                f"{self.name}={given} mixes words, numbers, or True and False. Pass values of one kind, and let the "
                "function tell them apart."
            )
        if kinds == {str}:
            return tuple(dict.fromkeys(given))
        if any(isinstance(value, float) for value in given):
            # A column of the table is of one kind.
            given = [float(value) for value in given]
        return tuple(sorted(set(given)))

    def order(self, values: Sequence[Any]) -> list[Any]:
        """The values as they are arranged."""
        return list(self.arranged(values))

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """Arguments are no numbers of a model: the function builds them in."""
        raise TypeError(f"{self.name} is built in by the user's function, not bound.")
