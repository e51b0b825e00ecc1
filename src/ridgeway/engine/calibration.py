"""How well confidence and accuracy agree (Naeini et al. 2015; Guo et al. 2017, section 2)."""

from __future__ import annotations

import jax
import jax.numpy as jnp

#: Bins of equal width that confidences are sorted into, as in Guo et al. 2017.
BINS = 15
#: Name of the counts among an epoch's logs.
RELIABILITY = "reliability"


def reliability(probabilities: jax.Array, labels: jax.Array) -> jax.Array:
    """What a reliability plot is drawn from, summed over rows.

    Args:
        probabilities: `(row, class)`.
        labels: int `(row,)`, the true classes; rows with a negative one don't count.

    Returns:
        float32 `(3, bin)`: summed confidence, correct predictions, and rows, by the confidence of the predicted class.
    """
    confidence = jnp.max(probabilities, axis=-1).astype(jnp.float32)
    right = (jnp.argmax(probabilities, axis=-1) == labels).astype(jnp.float32)
    counted = (labels >= 0).astype(jnp.float32)
    # Bins are open below and closed above, as in the paper.
    which = jnp.clip(jnp.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(jnp.int32)
    inside = jax.nn.one_hot(which, BINS, dtype=jnp.float32) * counted[:, None]
    return jnp.stack([confidence, right, jnp.ones_like(right)]) @ inside


def expected_calibration_error(bins: jax.Array) -> jax.Array:
    """The mean distance between confidence and accuracy, bins weighted by their rows.

    Args:
        bins: `(3, bin)`, from `reliability`.
    """
    confidence, right, rows = bins
    return jnp.sum(jnp.abs(confidence - right)) / jnp.maximum(jnp.sum(rows), 1.0)
