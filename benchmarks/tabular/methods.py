"""What is compared: ridgeway's estimator and what a user would pick instead, each as its own documentation has it.

Every method sees the same 80 % of the rows. One that stops by validation rows by default (RealMLP, TabM) gets the
16 % as these and trains on the 64 %; all others, which would leave them idle, train on all 80 %: PathClassifier splits
them itself, LogisticRegressionCV folds them.

Heavy imports stand inside the functions: each environment has only some of the packages.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .data import Table


@dataclass(frozen=True)
class Task:
    """What a method is given beside the table.

    Attributes:
        table: rows, classes and split.
        seed: for whatever the method draws.
        threads: how many it may use.
        time_limit: seconds for PathClassifier; the others have none.
    """

    table: Table
    seed: int
    threads: int
    time_limit: float

    def rows(self, indices: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        """Inputs and classes of some rows."""
        return self.table.x.iloc[indices].reset_index(drop=True), self.table.y[indices]


@dataclass(frozen=True)
class Method:
    """One line of the table.

    Attributes:
        title: as it is printed.
        package: whose version is noted.
        fit: task → fitted classifier with `predict` and `predict_proba` for a DataFrame.
        own: whether it is ridgeway's and runs in its environment, not in the peers'.
        fitted_by: the method whose fit gives this one's model too: one search, two answers.
    """

    title: str
    package: str
    fit: Callable[[Task], Any]
    own: bool = False
    fitted_by: str | None = None


def path_classifier(task: Task) -> Any:
    from ridgeway import PathClassifier

    model = PathClassifier(time_limit=task.time_limit, random_state=task.seed)
    return model.fit(*task.rows(task.table.fitting))


def single(model: Any) -> Any:
    """The fitted ensemble's search with one network: what `ensemble=False` predicts by."""
    alone = copy.copy(model)
    alone.model_ = model.path_.refit()
    return alone


def prepared(task: Task, classifier: Any) -> Any:
    """A pipeline: medians for what is missing, unit variance, one-hot codes; fitted on all that may be seen."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (words, make_column_selector(dtype_include="category")),
    )
    return make_pipeline(columns, classifier).fit(*task.rows(task.table.fitting))


def logistic_regression(task: Task) -> Any:
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import StratifiedKFold

    # The log loss asks for every class in every fold.
    fewest = int(np.bincount(task.table.y[task.table.fitting]).min())
    folds = StratifiedKFold(5, shuffle=True, random_state=task.seed)
    return prepared(
        task,
        LogisticRegressionCV(
            max_iter=2000,
            cv=folds,
            scoring="neg_log_loss" if fewest >= 5 else "accuracy",
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
            random_state=task.seed,
        ),
    )


def multilayer_perceptron(task: Task) -> Any:
    from sklearn.neural_network import MLPClassifier

    return prepared(task, MLPClassifier(random_state=task.seed))


def hist_gradient_boosting(task: Task) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Takes the dtype "category" as such, and missing values.
    return HistGradientBoostingClassifier(random_state=task.seed).fit(*task.rows(task.table.fitting))


def xgboost(task: Task) -> Any:
    from xgboost import XGBClassifier

    model = XGBClassifier(enable_categorical=True, n_jobs=task.threads, random_state=task.seed)
    return model.fit(*task.rows(task.table.fitting))


def lightgbm(task: Task) -> Any:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_jobs=task.threads, random_state=task.seed, verbose=-1)
    return model.fit(*task.rows(task.table.fitting))


class Worded:
    """CatBoost's classifier for frames: it wants categories as words, a missing one too."""

    def __init__(self, model: Any, categorical: list[str]) -> None:
        self.model, self.categorical = model, categorical

    def words(self, x: pd.DataFrame) -> pd.DataFrame:
        return x.assign(**{name: x[name].astype(object).fillna("missing").astype(str) for name in self.categorical})

    def fit(self, x: pd.DataFrame, y: np.ndarray) -> Worded:
        self.model.fit(self.words(x), y, cat_features=self.categorical)
        return self

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        return self.model.predict(self.words(x))

    def predict_proba(self, x: pd.DataFrame) -> np.ndarray:
        return self.model.predict_proba(self.words(x))


def catboost(task: Task) -> Any:
    from catboost import CatBoostClassifier

    # Without the last, it writes a folder where it runs.
    model = CatBoostClassifier(
        thread_count=task.threads, random_seed=task.seed, verbose=False, allow_writing_files=False
    )
    return Worded(model, task.table.categorical).fit(*task.rows(task.table.fitting))


class Imputed:
    """pytabkit's networks refuse missing numbers: they get the medians of the training rows."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, task: Task) -> Imputed:
        x, y = task.rows(task.table.train)
        self.medians = x.median(numeric_only=True).fillna(0.0)
        x_validation, y_validation = task.rows(task.table.validation)
        self.model.fit(
            x.fillna(self.medians),
            y,
            x_validation.fillna(self.medians),
            y_validation,
            cat_col_names=task.table.categorical,
        )
        return self

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        return self.model.predict(x.fillna(self.medians))

    def predict_proba(self, x: pd.DataFrame) -> np.ndarray:
        return self.model.predict_proba(x.fillna(self.medians))


def realmlp(task: Task) -> Any:
    from pytabkit import RealMLP_TD_Classifier

    model = RealMLP_TD_Classifier(device="cpu", random_state=task.seed, n_threads=task.threads, verbosity=0)
    return Imputed(model).fit(task)


def tabm(task: Task) -> Any:
    from pytabkit import TabM_D_Classifier

    # TabM takes its number of threads from torch, see one_fit.py.
    return Imputed(TabM_D_Classifier(device="cpu", random_state=task.seed, verbosity=0)).fit(task)


# Quickest first, so that a run that is stopped has the most to show.
METHODS = {
    "lightgbm": Method("LightGBM", "lightgbm", lightgbm),
    "xgboost": Method("XGBoost", "xgboost", xgboost),
    "mlp": Method("MLPClassifier", "scikit-learn", multilayer_perceptron),
    "hist_gradient_boosting": Method("HistGradientBoosting", "scikit-learn", hist_gradient_boosting),
    "logistic_regression": Method("LogisticRegressionCV", "scikit-learn", logistic_regression),
    "catboost": Method("CatBoost", "catboost", catboost),
    "ridgeway_ensemble": Method("PathClassifier, ensemble", "ridgeway", path_classifier, own=True),
    "ridgeway": Method(
        "PathClassifier, single best", "ridgeway", path_classifier, own=True, fitted_by="ridgeway_ensemble"
    ),
    "realmlp": Method("RealMLP-TD", "pytabkit", realmlp),
    "tabm": Method("TabM", "pytabkit", tabm),
}
