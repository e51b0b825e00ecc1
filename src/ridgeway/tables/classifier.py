"""`PathClassifier`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ridgeway.errors import InputError
from ridgeway.families import Family
from ridgeway.keras_internals import compiled_losses
from ridgeway.tables.base import PathEstimator
from ridgeway.tables.calibration import temperature
from ridgeway.tables.members import held_out_means
from ridgeway.tables.scaling import with_scaled_output
from ridgeway.tables.weights import checked_weights, class_weights


class PathClassifier(ClassifierMixin, PathEstimator):
    """Classifies the rows of a table by the best of many regularized networks, or several of them together."""

    _task = "classification"

    def __init__(
        self,
        *,
        model: Any = None,
        family: Family | None = None,
        time_limit: float | None = 60.0,
        cv: Any = 3,
        ensemble: bool = True,
        rule: str = "best",
        calibrate: str | None = None,
        class_weight: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        repeats: int = 1,
        random_state: Any = None,
        out: Any = None,
        verbose: Any = 0,
    ) -> None:
        super().__init__(
            model=model,
            family=family,
            time_limit=time_limit,
            cv=cv,
            ensemble=ensemble,
            rule=rule,
            epochs=epochs,
            batch_size=batch_size,
            repeats=repeats,
            random_state=random_state,
            out=out,
            verbose=verbose,
        )
        self.calibrate = calibrate
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PathClassifier:
        """Trains.

        Args:
            X: table `(row, column)`: a pandas or polars DataFrame, an array, or lists.
            y: labels `(row,)`: numbers, text or booleans.
            sample_weight: weights of rows, or None. Whole numbers count: a row of weight 3 is three rows, one of
                weight 0 none. Others weigh the loss, in training and in choosing.

        Raises:
            ValueError: something passed can't be used; the message says what. `InputError` is one.
            AllLanesDiverged: no lane has a finite loss.
        """
        if self.calibrate not in (None, "temperature"):
            raise InputError(f"calibrate={self.calibrate!r} is unknown. Pass None or 'temperature'.")
        table = self._table(X, reset=True)
        labels = self._checked_labels(y)
        check_consistent_length(table, labels)
        weights = checked_weights(self, table, sample_weight)
        if self.class_weight is not None:
            known, codes = np.unique(labels, return_inverse=True)
            own = class_weights(self.class_weight, known.tolist(), codes, weights)[codes]
            weights = own if weights is None else own * weights
        counted = labels if weights is None else labels[weights > 0]
        self.classes_ = np.unique(counted)
        if len(counted) and len(self.classes_) < 2:
            raise InputError(
                f"y has one class alone, {self.classes_[0]!r}, in rows of a weight above zero. Pass labels of two "
                "classes at least."
            )
        # Labels of rows without weight may lie outside; those rows are left out.
        codes = np.searchsorted(self.classes_, labels).clip(0, len(self.classes_) - 1)
        evidence = self._search(table, codes, weights, len(self.classes_))
        model, self._kind = evidence.members.model(), evidence.members.kind
        self.temperature_ = 1.0
        if self.calibrate is not None:
            if self._kind == "plain":
                raise InputError("calibrate='temperature' scales logits, and the model gives probabilities. Leave ...")
            rows, means = held_out_means(evidence.members)
            held = None if evidence.weights is None else evidence.weights[rows]
            self.temperature_ = temperature(_shares(means, "plain"), evidence.labels[rows], held)
            model = with_scaled_output(model, 1 / self.temperature_, 0.0, "temperature")
        self.model_ = model
        self._evidence = evidence
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, float64 `(row, class)`, in the order of `classes_`.

        Args:
            X: table as in `fit`.
        """
        outputs = self._outputs(X)
        return _shares(outputs, self._kind)

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row, `(row,)`.

        Args:
            X: table as in `fit`.
        """
        shares = self.predict_proba(X)
        return self.classes_[shares.argmax(axis=1)]

    def _checked_labels(self, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        labels = check_array(y, ensure_2d=False, dtype=None, input_name="y", ensure_min_samples=0)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        return labels

    def _labels(self, model: keras.Model, labels: np.ndarray, outputs: int) -> np.ndarray:
        losses = compiled_losses(model)
        if len(losses) == 1 and losses[0].name.lower().replace("_", "") == "categoricalcrossentropy":
            return np.eye(outputs, dtype=np.float32)[labels]
        return labels.astype(np.int32)

    def _notes(self) -> dict[str, Any]:
        return {"task": self._task, "classes": self.classes_.tolist()}

    def _score(self, labels: np.ndarray, means: np.ndarray, weights: np.ndarray | None) -> float:
        found = _shares(means, "plain").argmax(axis=1)
        return float(accuracy_score(labels, found, sample_weight=weights))


def _shares(outputs: np.ndarray, kind: str) -> np.ndarray:
    """Outputs as probabilities `(row, class)`."""
    if kind == "softmax":
        return softmax(outputs, axis=1)
    if kind == "sigmoid":
        outputs = expit(outputs)
    if outputs.shape[1] == 1:
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    return outputs / outputs.sum(axis=1, keepdims=True)
