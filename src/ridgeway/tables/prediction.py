"""What a model gives for rows, whichever rows stand beside them."""

from __future__ import annotations

import keras
import numpy as np

# Matrix products round by the number of rows: in batches of one size a row's outputs are the same alone and among
# others.
BATCH = 256


def model_outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """A model's outputs, float64 `(row, output)`.

    Args:
        model: with one output.
        x: float32 `(row, feature)`.
    """
    padded = np.zeros((-(-len(x) // BATCH) * BATCH, *x.shape[1:]), np.float32)
    padded[: len(x)] = x
    parts = [
        np.asarray(model.predict_on_batch(padded[start : start + BATCH]), np.float64)
        for start in range(0, len(padded), BATCH)
    ]
    return np.concatenate(parts)[: len(x)].reshape(len(x), -1)
