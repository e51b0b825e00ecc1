"""A model of the user's own, checked before anything is trained."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.export import copy_model
from ridgeway.keras_internals import compiled_losses, functional_of, graph_calls

# Rows that a model is asked for to see what it gives.
_ROWS = 256
# What rounding may take a probability beyond 0 or 1.
_ROUNDING = 1e-5


def given_model(given: Any, x: np.ndarray, outputs: int) -> keras.Model:
    """The model of `model=`, or what the function there makes, built.

    Args:
        given: what was passed.
        x: prepared rows `(row, feature)`.
        outputs: number of classes, or of targets.

    Raises:
        InputError: it is no compiled model and no function that gives one, or the model does not take these features.
    """
    model = given if isinstance(given, keras.Model) else _made(given, x.shape[1], outputs)
    if not getattr(model, "compiled", False):
        raise InputError(f"The {type(model).__name__} of model= is not compiled. Call its compile with a loss.")
    try:
        # Builds it, too, where it is not.
        model(x[:1], training=False)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"The {type(model).__name__} of model= can't take the {x.shape[1]} features that the table is prepared as "
            f"({reason}). Give it as many inputs, or pass a function (features, outputs) that makes it."
        ) from error
    return model


def check_outputs(model: keras.Model, x: np.ndarray, wanted: Collection[int], why: str) -> np.ndarray:
    """Refuses a model with another number of outputs than the task has.

    Args:
        model: built.
        x: prepared rows.
        wanted: numbers of outputs that are right.
        why: what the targets are, for the message.

    Returns:
        What it gives for a few rows, `(row, output)`.

    Raises:
        InputError: the model has another number of outputs, or several.
    """
    found = model(x[:_ROWS], training=False)
    if isinstance(found, dict | list | tuple):
        raise InputError(f"The model gives {len(found)} outputs, and {why}. Pass a model with one output.")
    values = np.asarray(found, np.float64)
    number = int(np.prod(values.shape[1:]))
    if values.ndim > 2 or number not in wanted:
        raise InputError(
            f"The model's output has the shape {(None, *values.shape[1:])}, and {why}. Give its last layer "
            f"{' or '.join(map(str, wanted))} unit{'s' * (max(wanted) > 1)}."
        )
    return values.reshape(len(values), -1)


def check_classifier(model: keras.Model, x: np.ndarray, classes: int) -> None:
    """Refuses a model that gives neither logits nor probabilities of the classes.

    Args:
        model: built.
        x: prepared rows.
        classes: how many.

    Raises:
        InputError: another number of outputs; a loss that is no cross-entropy; or outputs that are no probabilities to
            a loss that takes them for such.
    """
    losses = compiled_losses(model)
    names = [loss.name for loss in losses]
    if len(losses) != 1 or not names[0].lower().endswith("crossentropy"):
        raise InputError(
            f"The model's loss is {' and '.join(names) or 'missing'}, which makes no probabilities of classes. "
            "Compile it with SparseCategoricalCrossentropy, CategoricalCrossentropy or BinaryCrossentropy."
        )
    binary = names[0].lower().startswith("binary")
    if binary and classes > 2:
        raise InputError(
            f"y has {classes} classes, and the model's loss is {names[0]}, which tells two apart. Compile it with "
            f"SparseCategoricalCrossentropy, and give its last layer {classes} units."
        )
    found = check_outputs(model, x, (1,) if binary else (classes,), f"y has {classes} classes, to {names[0]}")
    if losses[0].keywords.get("from_logits"):
        return
    last = _last_activation(model)
    if last == "linear" or not ((found >= -_ROUNDING) & (found <= 1 + _ROUNDING)).all():
        raise InputError(
            f"The model's loss, {names[0]}, takes outputs for probabilities, and they are not: for these rows they "
            f"start from {found.min():.3g} to {found.max():.3g}{f', from activation {last!r}' if last else ''}. "
            "Compile it with from_logits=True, or end the model in softmax or sigmoid."
        )


def check_copies(model: keras.Model, graph_for: str | None) -> None:
    """Refuses a model that no other can be made of.

    Args:
        model: built.
        graph_for: what its graph has to be known for; None where it does not have to be.

    Raises:
        InputError: Keras can't copy its class, or its graph is not known.
    """
    if copy_model(model) is model:
        raise InputError(
            f"Keras can't copy a {type(model).__name__}, and the estimator predicts by copies of it. Give the class a "
            "get_config, or build the model by the functional interface."
        )
    if graph_for is not None and functional_of(model) is None:
        raise InputError(
            f"The graph of a {type(model).__name__} is not known before it is called, and {graph_for}. Build the model "
            "by the functional interface."
        )


def _made(given: Any, features: int, outputs: int) -> keras.Model:
    if not callable(given):
        raise InputError(
            f"model={given!r} is no model. Pass a compiled keras.Model, or a function of the numbers of features and "
            "outputs that gives one."
        )
    name = getattr(given, "__name__", repr(given))
    try:
        inspect.signature(given).bind(features, outputs)
    except TypeError as error:
        raise InputError(f"model={name} can't be called with (features, outputs): {error}. Take both.") from None
    except ValueError:
        # Built-in functions have no signature that could be read.
        pass
    model = given(features, outputs)
    if not isinstance(model, keras.Model):
        raise InputError(f"model={name} gave {model!r}, which is no model. Return a compiled keras.Model.")
    return model


def _last_activation(model: keras.Model) -> str | None:
    """The name of the activation that gives the outputs, where the graph tells."""
    calls = graph_calls(functional_of(model) or model)
    activation = getattr(calls[-1][0], "activation", None) if calls else None
    return getattr(activation, "__name__", None)
