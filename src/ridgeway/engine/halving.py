"""Successive halving: all configurations get a few epochs, the worst go, the rest go on from where they are.

Jamieson & Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter Optimization.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

# Epochs before the first cut: by one or two, strong regularization only looks slow (benchmarks/halving.py).
_FEWEST = 3


def rungs(configurations: int, epochs: int, factor: int) -> tuple[int, ...]:
    """Epochs that a lane has trained at the end of each rung.

    Args:
        configurations: how many begin.
        epochs: most epochs of a lane, the end of the last rung.
        factor: of the configurations, one in so many goes on; those that do get so many times the epochs.

    Returns:
        Ascending, the last is `epochs`; as many rungs as leave a configuration, and 3 epochs for the first.
    """
    cuts = 0
    while factor ** (cuts + 1) <= configurations and -(-epochs // factor ** (cuts + 1)) >= _FEWEST:
        cuts += 1
    return tuple(-(-epochs // factor**left) for left in range(cuts, -1, -1))


def survivors(scores: Mapping[int, float], factor: int) -> set[int]:
    """The configurations that go on: one in `factor`, rounded up.

    Args:
        scores: by configuration, less is better; NaN where there is none.
        factor: as in `rungs`.
    """
    # Equal scores leave in the order of the family.
    ranked = sorted(scores, key=lambda number: (math.isnan(scores[number]), scores[number], number))
    return set(ranked[: -(-len(scores) // factor)])
