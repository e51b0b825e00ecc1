"""Which columns of a table matter to an estimator."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from ridgeway.hyperparameters.group_lasso import input_kernels
from ridgeway.tables.members import Members, held_out_means

# As many as scikit-learn's permutation_importance takes.
_REPEATS = 5


def permutation_importances(
    members: Members, sources: np.ndarray, columns: int, score: Callable[[np.ndarray, np.ndarray], float], seed: int
) -> np.ndarray:
    """How much worse held-out rows are predicted when a column is shuffled among them, float64 `(column,)`.

    As `sklearn.inspection.permutation_importance`, each row by the lanes that did not train on it.

    Args:
        members: the lanes.
        sources: the column of the table that each feature comes from, `(feature,)`.
        columns: number of columns.
        score: from row numbers and what `Members.means` gives for them to a score, more is better.
        seed: of the shuffling.
    """
    random = np.random.default_rng(seed)
    rows, means = held_out_means(members)
    base = score(rows, means)
    # The same shuffles for all columns, whose importances then differ by nothing but the columns.
    orders = {fold: [random.permutation(len(members.rows(fold))) for _ in range(_REPEATS)] for fold in members.folds}
    found = np.zeros(columns)
    for column in np.unique(sources):
        own = np.flatnonzero(sources == column)
        shuffled = [_shuffled(members, fold, orders[fold], own) for fold in members.folds]
        scores = [score(rows, np.concatenate([fold[repeat] for fold in shuffled])) for repeat in range(_REPEATS)]
        found[column] = base - np.mean(scores)
    return found


def _shuffled(members: Members, fold: int, orders: list[np.ndarray], features: np.ndarray) -> np.ndarray:
    """What lanes give for a fold's rows with some features shuffled, `(repeat, row, output)`."""
    x = members.x[members.rows(fold)]
    # All repeats in one call.
    several = np.tile(x, (len(orders), 1, 1))
    for repeat, order in enumerate(orders):
        several[repeat][:, features] = x[order][:, features]
    return members.means(fold, several.reshape(-1, x.shape[1])).reshape(len(orders), len(x), -1)


def selected_columns(model: keras.Model, sources: np.ndarray, columns: int) -> np.ndarray | None:
    """Which columns the first layers of a network give any weight, bool `(column,)`.

    Args:
        model: the network; where several stand in it, a column counts that one of them uses.
        sources: as in `permutation_importances`.
        columns: number of columns.

    Returns:
        None where the first layers do not weight single features.
    """
    selected = np.zeros(columns, bool)
    for kernel, axis in input_kernels(model):
        value = np.asarray(kernel.value)
        if value.shape[axis] != len(sources):
            return None
        used = value.any(axis=tuple(other for other in range(value.ndim) if other != axis))
        selected[sources[used]] = True
    return selected
