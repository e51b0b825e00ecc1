"""The search that tests of the estimators share: as small as one can be that still has something to choose."""

from typing import Any

import ridgeway as rw


def small_search(epochs: int) -> dict[str, Any]:
    """Arguments of an estimator; enough epochs are left to each test."""
    return {
        "family": rw.Grid(weight_decay=[0.0, 0.1]),
        "cv": 2,
        "epochs": epochs,
        "time_limit": None,
        "random_state": 0,
    }
