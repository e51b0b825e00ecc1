"""Whether rows fit a model: its inputs, and each loss its labels."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from ridgeway.data import Dataset, check_labels
from ridgeway.errors import InputError
from ridgeway.keras_internals import build, labelled_outputs


def check_fit(model: keras.Model, first: tuple[Any, Any, Any]) -> None:
    """Builds a compiled model on a row.

    Args:
        model: compiled model.
        first: `(x, y, sample_weight)` of one row.

    Raises:
        InputError: the model can't take it; says why in Keras's words.
    """
    try:
        build(model, first)
    except (ValueError, KeyError) as error:
        shapes = jax.tree.map(lambda array: tuple(array.shape[1:]), first[:2])
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"The model '{model.name}' can't take rows of the shape x {shapes[0]}, y {shapes[1]}: {reason} Pass rows "
            "as the model's inputs and losses want them."
        ) from error


def check_model_labels(model: keras.Model, dataset: Dataset) -> None:
    """Checks the labels of every output against its loss.

    Args:
        model: compiled and built model, of any kind.
        dataset: the rows.

    Raises:
        InputError: a label outside the classes, or labels whose structure is not that of the outputs.
    """
    first = jax.tree.map(lambda array: array[:1], dataset.x)
    try:
        found = labelled_outputs(model, first, dataset.y)
    except ValueError as error:
        raise InputError(
            f"y does not fit the outputs of the model '{model.name}': {' '.join(str(error).split())[:200]}. Pass one "
            "array of labels for each output, in the outputs' own structure."
        ) from error
    for loss, labels, shape in found:
        if isinstance(labels, np.ndarray) and shape:
            check_labels(labels, shape[-1], loss.name, loss.keywords.get("ignore_class"))
