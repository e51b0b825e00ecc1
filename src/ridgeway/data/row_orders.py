"""The order of rows of each epoch."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from ridgeway.data.folds import pad
from ridgeway.data.parts import Parts


def row_orders(
    parts: Parts, seed: int, shuffle: bool, slots: int, repeats: int
) -> Callable[[int, int, int], np.ndarray]:
    """Gives the order of rows by (repeat, fold, epoch), int32 `(row,)`: lanes of one repeat see the same batches.

    Args:
        parts: the rows.
        seed: the path's seed.
        shuffle: whether each epoch has an order of its own.
        slots: lanes side by side.
        repeats: lanes a configuration and fold.
    """
    if parts.streamed is not None:
        # The stream has an order of its own, which all lanes of a pass share.
        return lambda repeat, fold, epoch: np.zeros(1, np.int32)
    own = [parts.training_rows(fold) for fold in range(parts.count)]
    longest = max(parts.rows)

    # The orders of an epoch, and those of the next.
    @functools.lru_cache(maxsize=2 * (slots + repeats * parts.count))
    def order(repeat: int, fold: int, epoch: int) -> np.ndarray:
        rows = own[fold]
        if shuffle:
            rows = np.random.default_rng([seed, repeat, fold, epoch]).permutation(rows)
        return pad(rows, longest)

    return order
