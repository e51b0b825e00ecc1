"""`PathClassifier`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ridgeway.errors import InputError
from ridgeway.families import Family
from ridgeway.keras_internals import compiled_losses
from ridgeway.tables.base import Evidence, PathEstimator, target_name
from ridgeway.tables.calibration import temperature
from ridgeway.tables.members import held_out_means
from ridgeway.tables.models import check_classifier
from ridgeway.tables.scaling import with_scaled_output
from ridgeway.tables.targets import check_comparable, check_present, noted_labels
from ridgeway.tables.weights import checked_weights, class_weights, within_range


class PathClassifier(ClassifierMixin, PathEstimator):
    """Classifies the rows of a table by the best of many regularized networks, or by several of them together.

    Takes what tables hold: numbers, text, Categoricals, booleans, dates and missing cells, in a pandas or polars
    DataFrame or an array. Rows of whole weights count as so many rows.

    Args:
        model: compiled `keras.Model` of the prepared features, or a function `(features, outputs)` that gives one; a
            network of ridgeway's own where None. It gives logits or probabilities of classes, in the order of
            `classes_`, to a cross-entropy of Keras.
        family: what to vary; a search over all that regularizes the default network where None.
        time_limit: seconds for `fit`, or None for no limit. What can't be stopped, such as compiling, may take longer.
        cv: folds, by which networks are compared: a number of them (stratified, shuffled by `random_state`), a share of
            the rows to hold out once, a scikit-learn splitter, or an iterable of `(train, held out)` row numbers.
            None: 3.
        ensemble: whether several networks predict together, chosen greedily by held-out rows; else the configuration
            that `rule` picks predicts alone. Either is trained once more, on all rows.
        rule: "best", "one_se" or "median", as in `Path.select`; read without `ensemble`.
        calibrate: "temperature" to divide logits by a number that makes probabilities as sure as they are right, fitted
            on held-out rows (Guo et al. 2017); None to leave them.
        class_weight: "balanced", or a weight by label, which multiplies `sample_weight`; 1 for labels not named.
        epochs: most epochs of a lane; chosen where None.
        batch_size: rows a step; chosen where None.
        repeats: lanes a configuration and fold, each with its own seed.
        halving: one configuration in so many goes on after each rung, as in `fit_path`; None trains all to the end, so
            that `path_.effects()` has lanes to compare. `Bayes` goes without.
        random_state: seed of all draws. With one, and no time limit that bites, `fit` gives the same model again.
        out: directory for the run, as in `fit_path`; its `best.keras` is then `model_`.
        resume: whether `fit` goes on with the run in `out`, as in `fit_path`.
        cluster: a Ray cluster to train on, as in `fit_path`.
        verbose: as in `fit_path`: 0 is silent, "auto" shows a progress bar on a terminal.

    Attributes:
        classes_: labels, sorted, `(class,)`.
        n_features_in_: number of columns.
        feature_names_in_: their names, where all are text.
        preparation_: the fitted `TablePreparation`, which makes features of columns.
        path_: the `Path` of all lanes: `path_.table()`, `path_.report("report.html")`. It is in memory with its rows; a
            saved estimator keeps the tables, and no weights of single lanes.
        ensemble_: the networks that predict together and how they were chosen, an `EnsembleChoice`; `left_out`
            says for how many more there was no time. None without `ensemble`.
        model_: the `keras.Model` that predicts from `preparation_.transform(X)`: as a rule logits, divided by the
            temperature already.
        feature_importances_: what each column is worth, `(column,)`.
        selected_features_: which columns are used, `(column,)`; with `group_lasso` or `l1` in the family.
        temperature_: what logits were divided by; 1 without `calibrate`.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from ridgeway import PathClassifier
        >>> x, y = load_iris(return_X_y=True, as_frame=True)
        >>> classifier = PathClassifier(time_limit=2, random_state=0).fit(x, y)  # doctest: +SKIP
        >>> classifier.predict_proba(x).shape  # doctest: +SKIP
        (150, 3)
    """

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
        halving: int | None = 3,
        random_state: Any = None,
        out: Any = None,
        resume: bool = False,
        cluster: str | None = None,
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
            halving=halving,
            random_state=random_state,
            out=out,
            resume=resume,
            cluster=cluster,
            verbose=verbose,
        )
        self.calibrate = calibrate
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> PathClassifier:
        """Trains.

        Args:
            X: table `(row, column)`: a pandas or polars DataFrame, an array, or lists.
            y: labels `(row,)`: numbers, text or booleans.
            sample_weight: weights of rows, or None. Whole numbers count: a row of weight 3 is three rows, one of
                weight 0 none. Others weigh the loss, in training and in choosing.
            groups: group of each row, or None. Folds then hold out whole groups, whether `cv` is a number, a share or a
                splitter such as `GroupKFold(3)`. With scikit-learn's metadata routing ask for them by
                `set_fit_request(groups=True)`.

        Raises:
            ValueError: something passed can't be used; the message says what. `InputError` is one.
            AllLanesDiverged: no lane has a finite loss.
        """
        with self._turn():
            self._fit(X, y, sample_weight, groups)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
        if self.calibrate not in (None, "temperature"):
            raise InputError(f"calibrate={self.calibrate!r} is unknown. Pass None or 'temperature'.")
        table = self._table(X, reset=True)
        labels = self._checked_labels(y)
        check_consistent_length(table, labels)
        weights = self._weights(table, labels, sample_weight)
        counted = labels if weights is None or not weights.any() else labels[weights > 0]
        self.classes_ = np.unique(counted)
        if len(self.classes_) == 1:
            only = self.classes_.tolist()[0]
            raise InputError(
                f"y has one class alone, {only!r}, in rows of a weight above zero. Pass labels of two classes at least."
            )
        # Rows without weight are left out: a label that they alone have needs no number of its own.
        codes = np.searchsorted(self.classes_, labels).clip(0, len(self.classes_) - 1)
        notes = {"classes": noted_labels(self.classes_), "target": target_name(y)}
        model = self._search(table, codes, weights, groups, len(self.classes_), notes)
        self._kind, self.temperature_ = self._evidence.members.kind, 1.0
        if self.calibrate is not None:
            self.temperature_ = self._temperature(self._evidence)
            model = with_scaled_output(model, 1 / self.temperature_, 0.0, "temperature")
        self._finish(model)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, float64 `(row, class)`, in the order of `classes_`.

        Args:
            X: table as in `fit`.
        """
        return _shares(self._outputs(X), self._kind)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of each probability, float64 `(row, class)`: finite where the probability itself rounds to 0.

        Args:
            X: table as in `fit`.
        """
        outputs = self._outputs(X)
        if self._kind == "softmax":
            return log_softmax(outputs, axis=1)
        if self._kind == "sigmoid":
            return np.concatenate([log_expit(-outputs), log_expit(outputs)], axis=1)
        with np.errstate(divide="ignore"):
            return np.log(_shares(outputs, self._kind))

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row, `(row,)`.

        Args:
            X: table as in `fit`.
        """
        places = self.predict_proba(X).argmax(axis=1)
        return self.classes_[places]

    def _checked_labels(self, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        check_present(y)
        check_comparable(y)
        labels = check_array(y, ensure_2d=False, dtype=None, input_name="y", ensure_min_samples=0)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        return labels

    def _weights(self, table: Any, labels: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Weights of rows and classes together, float64 `(row,)`, or None."""
        weights = checked_weights(sample_weight, len(labels))
        if self.class_weight is None:
            return weights
        known, codes = np.unique(labels, return_inverse=True)
        own = class_weights(self.class_weight, known.tolist(), codes, weights)[codes]
        return own if weights is None else within_range(own * weights)

    def _check_model(self, model: keras.Model, x: np.ndarray, outputs: int) -> None:
        check_classifier(model, x, outputs)

    def _behind_output(self) -> str | None:
        return None if self.calibrate is None else "calibrate puts a layer behind its output"

    def _targets(self, model: keras.Model, labels: np.ndarray, outputs: int) -> np.ndarray:
        losses = compiled_losses(model)
        if self.calibrate is not None and not all(loss.keywords.get("from_logits") for loss in losses):
            raise InputError(
                "calibrate='temperature' divides logits, and the model gives probabilities. Leave its last activation "
                "out and compile it with from_logits=True, or leave calibrate out."
            )
        if any(loss.name.lower().startswith("categorical") for loss in losses):
            return np.eye(outputs, dtype=np.float32)[labels]
        return labels.astype(np.int32)

    def _temperature(self, evidence: Evidence) -> float:
        rows, means = held_out_means(evidence.members)
        weights = None if evidence.weights is None else evidence.weights[rows]
        return temperature(_shares(means, "plain"), evidence.labels[rows], weights)

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
