"""Small real data: scikit-learn's handwritten digits, with wrong labels planted where a lesson asks for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Digits:
    """8 × 8 pixels from −1 to 1 as `(row, 64)`, labels from 0.

    Attributes:
        x: training rows, float32.
        y: their labels as trained on, some of them wrong, int64.
        clean: their true labels.
        x_val: rows to choose by.
        y_val: their labels, all true.
        x_test: rows that choose nothing.
        y_test: their labels, all true.
    """

    x: np.ndarray
    y: np.ndarray
    clean: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def digits(
    seed: int,
    rows: int,
    wrong: float = 0.0,
    *,
    validation: int = 500,
    classes: tuple[int, ...] | None = None,
) -> Digits:
    """Splits the digits by a seed.

    Args:
        seed: of the split and of the wrong labels.
        rows: to train on.
        wrong: share of training labels that are replaced by another class.
        validation: rows to choose by; what is left is for the test.
        classes: digits to take, relabelled from 0; all ten if None.
    """
    # scikit-learn takes a second to import: not in the server.
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 8 - 1).astype(np.float32)
    if classes is not None:
        taken = np.isin(labels, classes)
        pixels, labels = pixels[taken], np.searchsorted(classes, labels[taken])
    random = np.random.default_rng(seed)
    order = random.permutation(len(pixels))
    x, y = pixels[order], labels[order].astype(np.int64)
    train, end = slice(0, rows), rows + validation
    clean = y[train]
    return Digits(
        x[train],
        plant(clean, wrong, int(labels.max()) + 1, random),
        clean,
        x[rows:end],
        y[rows:end],
        x[end:],
        y[end:],
    )


def plant(labels: np.ndarray, share: float, classes: int, random: np.random.Generator) -> np.ndarray:
    """Labels of which a share, rounded to whole rows, is another class than it was."""
    planted = labels.copy()
    chosen = random.permutation(len(labels))[: round(share * len(labels))]
    planted[chosen] = (labels[chosen] + random.integers(1, classes, len(chosen))) % classes
    return planted
