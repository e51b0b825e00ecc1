"""Label smoothing for integer labels, which Keras's losses do for one-hot labels only."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.keras_internals import smoothed_sparse

__all__ = ["SparseCategoricalCrossentropy", "others_from_uniform", "smooth_labels", "uniform_from_others"]

CONVENTIONS = ("uniform", "others")


@keras.saving.register_keras_serializable(package="ridgeway")
class SparseCategoricalCrossentropy(keras.losses.Loss):
    """`keras.losses.SparseCategoricalCrossentropy` with label smoothing (Szegedy et al. 2016; Müller et al. 2019).

    It equals `keras.losses.CategoricalCrossentropy(label_smoothing=...)` on one-hot labels. The hyperparameter
    `label_smoothing` acts on it, and on Keras's own sparse loss too: this class is for training outside of a path.

    Two conventions are in use for what a smoothing of ε means with K classes:

    - "uniform" (Keras, Szegedy et al.): the mass ε is spread over all K classes, the true one keeps 1 − ε + ε/K.
    - "others" (the lecture): the true class gives up ε to the other K − 1; with ε = 0.15 and K = 4 the labels are
      (0.85, 0.05, 0.05, 0.05).

    ε_uniform = ε_others · K/(K − 1): see `uniform_from_others`.

    Args:
        label_smoothing: ε in [0, 1).
        convention: "uniform" or "others".
        from_logits: whether outputs are logits and not probabilities.
        ignore_class: label whose rows count 0.
        axis: of the classes.
        reduction: as in every Keras loss.
        name: as in every Keras loss.
        dtype: as in every Keras loss.

    Raises:
        InputError: ε out of range, or an unknown convention.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        convention: str = "uniform",
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        _check(label_smoothing, convention)
        self.label_smoothing, self.convention = label_smoothing, convention
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row: labels `(row,)` or `(row, 1)`, outputs `(row, class)`."""
        strength = self.label_smoothing
        if self.convention == "others":
            strength = uniform_from_others(strength, y_pred.shape[self.axis])
        loss = smoothed_sparse(strength)
        return loss(y_true, y_pred, from_logits=self.from_logits, ignore_class=self.ignore_class, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        """As `from_config` takes it."""
        own = ("label_smoothing", "convention", "from_logits", "ignore_class", "axis")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def uniform_from_others(epsilon: Any, classes: int) -> Any:
    """The ε of the "uniform" convention that gives the labels of ε in the convention "others": ε · K/(K − 1)."""
    return epsilon * (_several(classes) / (classes - 1))


def others_from_uniform(epsilon: Any, classes: int) -> Any:
    """The ε of the convention "others" that gives the labels of ε in the "uniform" convention: ε · (K − 1)/K."""
    return epsilon * ((_several(classes) - 1) / classes)


def smooth_labels(labels: Any, epsilon: float, classes: int, convention: str = "uniform") -> np.ndarray:
    """One-hot rows with smoothed labels.

    Args:
        labels: int `(row,)`, from 0.
        epsilon: ε in [0, 1).
        classes: K, at least 2.
        convention: "uniform" or "others"; see `SparseCategoricalCrossentropy`.

    Returns:
        float64 `(row, class)`; rows sum to 1.

    Raises:
        InputError: ε out of range, an unknown convention, fewer than two classes, or a label that is no class.
    """
    _check(epsilon, convention)
    uniform = uniform_from_others(epsilon, classes) if convention == "others" else epsilon
    given = np.asarray(labels)
    # Checked, since NumPy reads -1 as the last class and cuts 1.7 to 1.
    wrong = given[~np.isin(given, np.arange(_several(classes)))]
    if wrong.size:
        raise InputError(f"Label {wrong.flat[0]!s} is no class. Pass whole numbers from 0 to {classes - 1}.")
    return np.eye(classes)[given.astype(int)] * (1 - uniform) + uniform / classes


def _several(classes: int) -> int:
    if classes < 2:
        raise InputError(f"{classes} classes leave no other class to smooth to. Label smoothing needs 2 or more.")
    return classes


def _check(epsilon: float, convention: str) -> None:
    if not isinstance(epsilon, int | float | np.floating | np.integer) or not 0 <= epsilon < 1:
        raise InputError(f"label_smoothing={epsilon!r} is out of range. Pass a number from 0 to below 1.")
    if convention not in CONVENTIONS:
        raise InputError(f"convention={convention!r} is unknown. Pass 'uniform' or 'others'.")
