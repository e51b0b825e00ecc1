"""How regularized a configuration is, as one number."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ridgeway.selection.values import in_words


def strength(summary: pd.DataFrame, record: Mapping[str, Any]) -> np.ndarray:
    """Order configurations by how much they regularize.

    There is no natural common unit for a weight decay and a dropout rate. So each regularizing hyperparameter
    (`record["hyperparameters"][name]["regularizes"]`) counts as its value's rank in the family's `order`, which goes
    from the weakest value to the strongest (ascending where the record has none), scaled to 0 … 1, and the ranks are
    added. With one hyperparameter this
    is glmnet's order along λ. A hyperparameter with one value, or that does not regularize, or whose values
    are words, counts 0.

    Args:
        summary: one row a configuration, with the hyperparameters as columns.
        record: a path's record; its key `hyperparameters` is read.

    Returns:
        float64, shape `(configurations,)`, each from 0 to the number of regularizing hyperparameters.
    """
    total = np.zeros(len(summary))
    for name, about in record["hyperparameters"].items():
        if not about["regularizes"] or in_words(about):
            continue
        values = np.asarray(about.get("order") or np.unique(about["values"]), dtype=float)
        if len(values) > 1:
            column = summary[name].to_numpy(dtype=float)
            rank = np.abs(column[:, None] - values[None, :]).argmin(axis=1)
            total += rank / (len(values) - 1)
    # 1/7 + 2/7 and 3/7 + 0/7 must tie.
    return total.round(9)
