"""`PathRegressor`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_consistent_length

from ridgeway.errors import InputError
from ridgeway.tables.base import PathEstimator, target_name
from ridgeway.tables.models import check_outputs
from ridgeway.tables.scaling import TARGET_UNITS, TargetScaling, with_scaled_output
from ridgeway.tables.targets import check_present
from ridgeway.tables.weights import checked_weights


class PathRegressor(RegressorMixin, PathEstimator):
    """Predicts values for the rows of a table by the best of many regularized networks, or by several together.

    Takes what tables hold, as `PathClassifier`. Targets are standardized for training, so that strengths mean the same
    in all units, and `path_` counts its losses in these; `predict` and `model_` give raw units.

    Args:
        model: compiled `keras.Model` of the prepared features, or a function `(features, outputs)` that gives one; a
            network of ridgeway's own where None. It learns standardized targets.
        family: what to vary; a search over all that regularizes the default network where None.
        time_limit: seconds for `fit`, or None for no limit. What can't be stopped, such as compiling, may take longer.
        cv: folds, by which networks are compared: a number of them (shuffled by `random_state`), a share of the
            rows to hold out once, a scikit-learn splitter, or an iterable of `(train, held out)` row numbers.
            None: 3.
        ensemble: whether several networks predict together, chosen greedily by held-out rows; else the configuration
            that `rule` picks predicts alone. Either is trained once more, on all rows.
        rule: "best", "one_se" or "median", as in `Path.select`; read without `ensemble`.
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
        n_features_in_: number of columns.
        feature_names_in_: their names, where all are text.
        preparation_: the fitted `TablePreparation`, which makes features of columns.
        path_: the `Path` of all lanes: `path_.table()`, `path_.report("report.html")`. It is in memory with its rows; a
            saved estimator keeps the tables, and no weights of single lanes.
        ensemble_: the networks that predict together and how they were chosen, an `EnsembleChoice`; `left_out`
            says for how many more there was no time. None without `ensemble`.
        model_: the `keras.Model` that predicts from `preparation_.transform(X)`, in raw units. It computes in float32,
            whose seven digits and range do not hold every target, such as 1e9 ± 1; `predict` computes units in float64.
        feature_importances_: what each column is worth, `(column,)`.
        selected_features_: which columns are used, `(column,)`; with `group_lasso` or `l1` in the family.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from ridgeway import PathRegressor
        >>> x, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> PathRegressor(time_limit=2, random_state=0).fit(x, y).score(x, y) > 0.3  # doctest: +SKIP
        True
    """

    _task = "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> PathRegressor:
        """Trains.

        Args:
            X: table `(row, column)`, as `PathClassifier.fit` takes it.
            y: values `(row,)`, or `(row, target)` for several.
            sample_weight: as in `PathClassifier.fit`.
            groups: as in `PathClassifier.fit`.

        Raises:
            ValueError: something passed can't be used; the message says what. `InputError` is one.
            AllLanesDiverged: no lane has a finite loss.
        """
        with self._turn():
            self._fit(X, y, sample_weight, groups)
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
        table = self._table(X, reset=True)
        values = self._checked_values(y)
        check_consistent_length(table, values)
        if len(values) < 2:
            raise InputError("X has n_samples=1 row, and two are the least to learn from. Pass more rows.")
        weights = checked_weights(sample_weight, len(values))
        columns = values.reshape(len(values), -1)
        counted = weights if weights is not None and weights.any() else None
        scaling, standardized = TargetScaling.fit(columns, counted)
        self._flat = values.ndim == 1
        # Plain arrays, which a saved estimator keeps.
        self._mean, self._spread = scaling.mean, scaling.spread
        notes = {
            "target_mean": scaling.mean.tolist(),
            "target_spread": scaling.spread.tolist(),
            "target": target_name(y),
        }
        model = self._search(table, standardized, weights, groups, columns.shape[1], notes)
        self._finish(with_scaled_output(model, scaling.spread, scaling.mean, TARGET_UNITS))

    def predict(self, X: Any) -> np.ndarray:
        """The value of each row, float64 `(row,)`, or `(row, target)` where y had columns.

        Args:
            X: table as in `fit`.
        """
        # Units in float64, by what goes into the model's last layer: its own float32 has seven digits.
        standardized = self._outputs(X, before=TARGET_UNITS)
        outputs = TargetScaling(self._mean, self._spread).into_units(standardized)
        return outputs[:, 0] if self._flat else outputs

    def _checked_values(self, y: Any) -> np.ndarray:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        check_present(y)
        return check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", ensure_min_samples=0)

    def _check_model(self, model: keras.Model, x: np.ndarray, outputs: int) -> None:
        check_outputs(model, x, (outputs,), f"y has {outputs} target{'s' * (outputs > 1)}")

    def _behind_output(self) -> str | None:
        return "the target's own units are a layer behind its output"

    def _targets(self, model: keras.Model, labels: np.ndarray, outputs: int) -> np.ndarray:
        return labels

    def _score(self, labels: np.ndarray, means: np.ndarray, weights: np.ndarray | None) -> float:
        return float(r2_score(labels, means, sample_weight=weights))
