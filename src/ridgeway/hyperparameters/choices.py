"""Hyperparameters that are a choice among words, and change what stands in the model."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ridgeway.errors import InputError
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter

if TYPE_CHECKING:
    import keras


class Choice(Hyperparameter):
    """One of a few words. No order by strength: none regularizes more than another by its name.

    Attributes:
        choices: the words; the first leaves the model as it is.
    """

    regularizes = False
    built = True
    choices: ClassVar[tuple[str, ...]]

    def check(self, value: Any) -> str:
        """Returns the word.

        Raises:
            InputError: it is none of the choices; gives the nearest.
        """
        word = self.choices[0] if value is None else value
        if word not in self.choices:
            near = difflib.get_close_matches(str(word), self.choices, n=1)
            hint = f" The nearest is {near[0]!r}." if near else ""
            raise InputError(f"{self.name}={value!r} is unknown.{hint} Pass one of {', '.join(self.choices)}.")
        return str(word)

    def arranged(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """The words in the order of `choices`, without doubles."""
        return tuple(sorted(set(values), key=self.choices.index))

    def order(self, values: Sequence[Any]) -> list[Any]:
        """The words in the order of `choices`."""
        return list(self.arranged(values))

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """Choices are no numbers: they are built into a model, not bound to one."""
        raise TypeError(f"{self.name} is built by ridgeway.structures, not bound.")


class Normalization(Choice):
    """What normalizes the outputs of each hidden `Dense` and convolution layer, by layers put in there.

    - "none": nothing is put in.
    - "batch": over the mini-batch, for each channel (Ioffe & Szegedy 2015): `keras.layers.BatchNormalization`.
    - "layer": each row over all of its channels and places (Ba et al. 2016): `LayerNormalization` behind dense layers,
      `GroupNormalization(groups=1)` behind convolutions, where it is the same thing.
    - "instance": each row and channel over its places (Ulyanov et al. 2016): `GroupNormalization(groups=-1)`. Refused
      where a hidden layer gives a plain vector: a channel has one place there, and would become 0.
    - "group": each row over groups of channels (Wu & He 2018): `GroupNormalization`, with the most groups up to 32 that
      share the channels evenly and leave two or more in each.
    """

    name = "normalization"
    choices = ("none", "batch", "layer", "instance", "group")


class NormalizationPosition(Choice):
    """Whether `normalization` stands "after" the hidden layer's activation or "before" it.

    The lecture's code has it after; Ioffe & Szegedy 2015, section 3.2, before.
    """

    name = "normalization_position"
    choices = ("after", "before")
    needs = ("normalization",)


class InputScaling(Choice):
    """How the model's inputs are scaled, by a `keras.layers.Normalization` in front of all other layers.

    Statistics come from the training rows alone, for each feature of a vector and each channel of an image or series:

    - "none": as they are.
    - "unit": one range for all features, from the least value to the greatest, becomes 0 to 1; 0 to 255 for pixels.
    - "symmetric": likewise, to −1 to +1.
    - "standardize": mean 0 and standard deviation 1, as `sklearn.preprocessing.StandardScaler`.
    - "minmax": each feature from 0 to 1, as `sklearn.preprocessing.MinMaxScaler`.
    - "robust": median 0 and interquartile range 1, as `sklearn.preprocessing.RobustScaler`.

    A feature without spread is shifted only. The layer is part of the exported model: it takes raw input.
    """

    name = "input_scaling"
    choices = ("none", "unit", "symmetric", "standardize", "minmax", "robust")
