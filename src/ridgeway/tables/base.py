"""What both estimators share: from a table and targets to a path and the model that predicts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ridgeway import storage
from ridgeway.callbacks import seconds_of
from ridgeway.compile_time import seconds_compiled
from ridgeway.errors import InputError
from ridgeway.families import Family
from ridgeway.selection.rules import RULES
from ridgeway.tables.importance import permutation_importances, selected_columns
from ridgeway.tables.members import Members
from ridgeway.tables.models import check_copies, given_model
from ridgeway.tables.network import table_network
from ridgeway.tables.persistence import as_state, from_state
from ridgeway.tables.prediction import model_outputs
from ridgeway.tables.preparation import TablePreparation, check_collected
from ridgeway.tables.rows import canonical_order, checked_groups, drawn_folds, folds_among, given_folds, weighted_rows
from ridgeway.tables.search import again, train
from ridgeway.time_limit import warn_of_compiling

# These leave exact zeros in kernels.
_SELECTING = ("group_lasso", "l1")
# Folds where cv=None, as scikit-learn's functions have it.
_FOLDS = 3
# Seeds of Keras, and what traces a lane's dropout, are one for the whole process: fits in threads take turns.
_fitting = threading.RLock()
# What `fit` sets beside names that end in "_".
_PRIVATE = ("_evidence", "_flat", "_importances", "_kind", "_mean", "_selected", "_spread")


@dataclass(frozen=True)
class Evidence:
    """What an estimator was fitted on; it stays in memory with it, and behind when it is saved.

    Attributes:
        members: the lanes that it predicts by.
        labels: class numbers or standardized values of the rows.
        weights: of the rows, or None.
    """

    members: Members
    labels: np.ndarray
    weights: np.ndarray | None


def target_name(y: Any) -> str | None:
    """The name of a Series of targets, for the record."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else None


def selects(hyperparameters: Collection[str]) -> bool:
    """Whether one of them leaves columns out."""
    return any(name in hyperparameters for name in _SELECTING)


class PathEstimator(BaseEstimator):
    """The base of `PathClassifier` and `PathRegressor`, which say what their parameters and attributes are."""

    _task = ""
    # Further notes for the record: the command line's.
    _notes: Mapping[str, Any] = MappingProxyType({})
    # Set by fit; None until they are asked for, and where there are none.
    _importances: np.ndarray | None
    _selected: np.ndarray | None

    def __init__(
        self,
        *,
        model: Any = None,
        family: Family | None = None,
        time_limit: float | None = 60.0,
        cv: Any = 3,
        ensemble: bool = True,
        rule: str = "best",
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
        self.model = model
        self.family = family
        self.time_limit = time_limit
        self.cv = cv
        self.ensemble = ensemble
        self.rule = rule
        self.epochs = epochs
        self.batch_size = batch_size
        self.repeats = repeats
        self.halving = halving
        self.random_state = random_state
        self.out = out
        self.resume = resume
        self.cluster = cluster
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    @property
    def feature_importances_(self) -> np.ndarray:
        """How much worse held-out rows are predicted when a column is shuffled among them, float64 `(column,)`.

        The loss of accuracy, or of R², by permutation (Breiman 2001): the mean over 5 shuffles, as
        `sklearn.inspection.permutation_importance` has it, each row predicted by the lanes that did not train on it.
        Computed when first asked for, and kept.

        Raises:
            AttributeError: the estimator is not fitted, or was saved before it was asked.
        """
        check_is_fitted(self)
        if self._importances is None:
            evidence: Evidence | None = getattr(self, "_evidence", None)
            if evidence is None:
                raise AttributeError(
                    "feature_importances_ takes the rows that were trained on, which a saved estimator does not hold. "
                    "Ask for it before saving, or use sklearn.inspection.permutation_importance on other rows."
                )

            def score(rows: np.ndarray, means: np.ndarray) -> float:
                weights = None if evidence.weights is None else evidence.weights[rows]
                return self._score(evidence.labels[rows], means, weights)

            self._importances = permutation_importances(
                evidence.members,
                self.preparation_.sources(),
                self.n_features_in_,
                score,
                int(self.path_.record["seed"]),
            )
        return self._importances.copy()

    @property
    def selected_features_(self) -> np.ndarray:
        """Whether the model that predicts uses a column at all, bool `(column,)`.

        With `group_lasso` or `l1` in the family: a column is left out where all weights that it enters by are 0.

        Raises:
            AttributeError: the estimator is not fitted, the family has neither, or the network does not weight single
                columns in its first layers.
        """
        check_is_fitted(self)
        if self._selected is None:
            raise AttributeError(
                "selected_features_ takes a family that removes features, and a network whose first layers weight "
                f"them. This one varies {', '.join(self.path_.hyperparameters)}. Add group_lasso, as in "
                "family=rw.Grid(group_lasso=[0.0, 0.01, 0.1])."
            )
        return self._selected.copy()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """For the time of a `fit`: no other one runs, and of one that fails nothing is left.

        Python's global draws go on afterwards as if nothing were: Keras seeds them, and draws by them.
        """
        with _fitting:
            self._forget()
            drawn = random.getstate()
            try:
                yield
            except BaseException:
                self._forget()
                raise
            finally:
                random.setstate(drawn)

    def _forget(self) -> None:
        own = self.get_params(deep=False)
        for name in [name for name in vars(self) if name.endswith("_") or name in _PRIVATE]:
            if name not in own and not name.startswith("__"):
                delattr(self, name)

    def _table(self, X: Any, reset: bool) -> Any:
        """A pandas DataFrame or an array, its shape and the names of its columns checked.

        What its cells hold is for `TablePreparation` to check.
        """
        check_collected(X)
        if not isinstance(X, pd.DataFrame) and hasattr(X, "to_pandas"):
            X = X.to_pandas()
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            # scikit-learn's check of the shape alone: an array of X itself would lose the types of its columns.
            check_array(np.broadcast_to(np.float32(0), X.shape), estimator=self)
            return X
        return validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")

    def _outputs(self, X: Any, before: str | None = None) -> np.ndarray:
        """What `model_` gives, or what goes into its last layer, of that name: float64 `(row, output)`."""
        check_is_fitted(self)
        return model_outputs(self.model_, self.preparation_.transform(self._table(X, reset=False)), before)

    def _search(
        self,
        X: Any,
        y: np.ndarray,
        weights: np.ndarray | None,
        groups: Any,
        outputs: int,
        notes: Mapping[str, Any],
    ) -> keras.Model:
        """Trains on what the subclass has made of the targets, and sets all attributes but `model_`.

        Args:
            X: the table as `_table` gave it.
            y: class numbers or standardized values, `(row,)` or `(row, target)`.
            weights: float64 `(row,)`, or None.
            groups: of rows, as `fit` was given them.
            outputs: number of classes, or of targets.
            notes: what the run's record has to know to predict in the target's own labels or units.

        Returns:
            The model that predicts class numbers' probabilities, or standardized values.
        """
        if self.rule not in RULES:
            raise InputError(f"rule={self.rule!r} is unknown. The rules are {', '.join(map(repr, RULES))}.")
        if self.family is not None and not isinstance(self.family, Family):
            raise InputError(f"family is {self.family!r}. Pass one such as ridgeway.Grid(weight_decay=[0.0, 1e-3]).")
        limit = None if self.time_limit is None else seconds_of("time_limit", self.time_limit)
        began, compiled = time.perf_counter(), seconds_compiled()
        seed = self._seed()
        cv = _FOLDS if self.cv is None else self.cv
        groups = checked_groups(groups, len(y))
        folds = given_folds(cv, len(y), y, groups)
        rows = weighted_rows(len(y), weights)
        table = _safe_indexing(X, rows.given)
        self.preparation_ = TablePreparation().fit(table)
        x = self.preparation_.transform(table)
        order = canonical_order(x, y[rows.given], rows.weights)
        rows, x = rows.taken(order), x[order]
        labels = y[rows.given]
        if folds is None:
            folds = drawn_folds(cv, rows.given, labels, self._task == "classification", seed, groups)
        drawn = np.random.get_state()
        model = self._network(x, outputs, seed)
        # Keras seeds NumPy's global generator too, from which random_state=None draws: it goes on as if nothing were.
        np.random.set_state(drawn)
        self.path_ = train(
            model,
            x,
            self._targets(model, labels, outputs),
            cv=folds_among(folds, rows.given),
            task=self._task,
            family=self.family,
            epochs=self.epochs,
            batch_size=self.batch_size,
            repeats=self.repeats,
            halving=self.halving,
            sample_weight=None if rows.weights is None else rows.weights.astype(np.float32),
            time_limit=None if limit is None else began + limit - time.perf_counter(),
            seed=seed,
            out=self.out,
            resume=self.resume,
            cluster=self.cluster,
            extra={
                "estimator": type(self).__name__,
                "task": self._task,
                "predicts_by": "ensemble" if self.ensemble else "best",
                "preparation": self.preparation_.to_json(),
                **notes,
                **self._notes,
            },
            verbose=self.verbose,
        )
        if limit is not None:
            # The search goes on for a moment all the same: a limit of its own, which is never over before.
            first = float(self.path_.record["seconds"]["first_epoch"] or 0.0)
            warn_of_compiling(limit, first, min(first, seconds_compiled() - compiled))
        members = Members.chosen(self.path_, self.ensemble, self.rule)
        self._evidence = Evidence(members, labels, rows.weights)
        left = None
        if limit is not None:
            left = max(began + limit - time.perf_counter() - again(self.path_), 0.0)
        found, self.ensemble_ = members.predicting(left)
        self._importances = self._selected = None
        if selects(self.path_.hyperparameters):
            self._selected = selected_columns(found, self.preparation_.sources(), self.n_features_in_)
        return found

    def _finish(self, model: keras.Model) -> None:
        """Keeps the model that predicts, and puts it into the run's directory."""
        self.model_ = model
        if self.out is not None:
            storage.replace_best(self.out, model)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer) and self.random_state >= 0:
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _network(self, x: np.ndarray, outputs: int, seed: int) -> keras.Model:
        if self.model is None:
            # Steps would share a column's weights out among many, and none of them be the column's alone.
            steps = self.family is None or not selects(self.family.values)
            return table_network(x, self.preparation_.n_numbers_, outputs, self._task, seed=seed, steps=steps)
        keras.utils.set_random_seed(seed)
        model = given_model(self.model, x, outputs)
        self._check_model(model, x, outputs)
        needed = self._behind_output()
        check_copies(model, "ensemble=True puts several into one" if self.ensemble else needed)
        return model

    def _check_model(self, model: keras.Model, x: np.ndarray, outputs: int) -> None:
        """Refuses a model of the user's own whose outputs or loss are not for this task."""
        raise NotImplementedError

    def _behind_output(self) -> str | None:
        """Why a layer is put behind the model's output; None where none is."""
        raise NotImplementedError

    def _targets(self, model: keras.Model, labels: np.ndarray, outputs: int) -> np.ndarray:
        """The labels as the model's loss takes them."""
        raise NotImplementedError

    def _score(self, labels: np.ndarray, means: np.ndarray, weights: np.ndarray | None) -> float:
        """What importances are counted in, of labels and what `Members.means` gives for them: more is better."""
        raise NotImplementedError

    def __sklearn_clone__(self) -> PathEstimator:
        # With the same model: fit leaves it as it is, and Keras can't copy every class.
        bare = type(self)(**{**self.get_params(deep=False), "model": None})
        if hasattr(self, "_metadata_request"):
            bare._metadata_request = self._metadata_request
        return super(PathEstimator, bare).__sklearn_clone__().set_params(model=self.model)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return as_state({name: value for name, value in state.items() if name != "_evidence"})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(from_state(state))
