"""How good predictions are: on hard labels, without penalties, whatever a lane was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Bins of a reliability diagram, as `path.calibration` has them.
BINS = 15


def log_softmax(logits: Any) -> np.ndarray:
    """Logarithms of class probabilities, float64, of logits `(..., class)`."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def row_nll(logits: Any, labels: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row's hard label, `(..., row)`, of logits `(..., row, class)`."""
    return -np.take_along_axis(log_softmax(logits), np.broadcast_to(labels, np.shape(logits)[:-1])[..., None], -1)[
        ..., 0
    ]


def nll(logits: Any, labels: np.ndarray) -> np.ndarray:
    """Mean of `row_nll` over rows."""
    return row_nll(logits, labels).mean(axis=-1)


def accuracy(logits: Any, labels: np.ndarray) -> np.ndarray:
    """Share of rows whose likeliest class is the label."""
    return (np.argmax(logits, axis=-1) == labels).mean(axis=-1)


def reliability(logits: Any, labels: np.ndarray, bins: int = BINS) -> list[dict[str, float]]:
    """How sure predictions are, and how right, by bins of equal width (Guo et al. 2017).

    Args:
        logits: `(row, class)`.
        labels: `(row,)`.
        bins: how many.

    Returns:
        For each bin with rows: `bin`, `confidence`, `accuracy`, `count`.
    """
    probabilities = np.exp(log_softmax(logits))
    confidence, right = probabilities.max(-1), probabilities.argmax(-1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "bin": int(one),
            "confidence": float(confidence[place == one].mean()),
            "accuracy": float(right[place == one].mean()),
            "count": int((place == one).sum()),
        }
        for one in np.unique(place)
    ]


def ece(logits: Any, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over bins, weighted by rows."""
    found = reliability(logits, labels, bins)
    return sum(one["count"] * abs(one["confidence"] - one["accuracy"]) for one in found) / len(labels)
