"""How inputs are scaled, as the mean and variance of a Normalization layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ridgeway.engine.state import ModelState
from ridgeway.errors import InputError
from ridgeway.telling import warn

_SUFFIX = "_scaling"


def input_normalization(shape: tuple[int | None, ...], dtype: str, name: str) -> Any | None:
    """A layer that scales an input, leaving it as it is until its variables say otherwise.

    Args:
        shape: the input's, batch axis first; the last axis, which must be known, is scaled by feature.
        dtype: the input's; integers that an embedding or lookup takes are not scaled.
        name: the input's.

    Returns:
        `keras.layers.Normalization`, or None where there is nothing to scale.
    """
    if len(shape) < 2 or shape[-1] is None or not (dtype.startswith(("float", "bfloat")) or dtype == "uint8"):
        return None
    return keras.layers.Normalization(axis=-1, name=f"{name}{_SUFFIX}")


def scaled_states(
    model: keras.Model, states: Sequence[ModelState], x: Any, scalings: Sequence[str]
) -> list[list[ModelState]]:
    """Starting states whose input scaling holds the statistics of training rows.

    Args:
        model: a variant with the structure `input_scaling`.
        states: what lanes start from, without statistics.
        x: the training rows of the lanes, and no others.
        scalings: choices of the hyperparameter `input_scaling`.

    Returns:
        For each scaling the states, in the order given.
    """
    layers = {layer.name: layer for layer in model.layers if layer.name.endswith(_SUFFIX)}
    names = [f"{tensor.name}{_SUFFIX}" for tensor in model.inputs]
    given = {f"{name}{_SUFFIX}": array for name, array in x.items()} if isinstance(x, dict) else {}
    arrays = given if set(given) >= set(layers) else dict(zip(names, keras.tree.flatten(x), strict=True))
    places = {id(variable): place for place, variable in enumerate(model.non_trainable_variables)}
    result = []
    for scaling in scalings:
        values: dict[int, np.ndarray] = {}
        for name, layer in layers.items():
            mean, variance = scaling_statistics(arrays[name], scaling)
            _warn_of_tiny(variance, name.removesuffix(_SUFFIX), scaling)
            values[places[id(layer.adapt_mean)]] = mean
            values[places[id(layer.adapt_variance)]] = variance
        result.append(
            [
                state._replace(
                    non_trainable=[
                        values[place].astype(old.dtype) if place in values else old
                        for place, old in enumerate(state.non_trainable)
                    ]
                )
                for state in states
            ]
        )
    return result


def _warn_of_tiny(variance: np.ndarray, name: str, scaling: str) -> None:
    tiny = np.flatnonzero(np.sqrt(variance) < keras.config.epsilon())
    if len(tiny):
        warn(
            f"input_scaling={scaling!r} can't bring feature {tiny[0]} of '{name}' to scale: its spread "
            f"{np.sqrt(variance[tiny[0]]):.2g} is below keras.config.epsilon(), the least that Keras divides by. Give "
            "it in larger units."
        )


def scaling_statistics(x: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance, float32 `(feature,)`, so that `(x - mean) / sqrt(variance)` is the scaled input.

    Args:
        x: training rows only, `(row, ..., feature)`.
        scaling: one of the choices of the hyperparameter `input_scaling`.

    Raises:
        InputError: an unknown scaling.
    """
    # Imported here: runs without scaling need none of it.
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    flat = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    features = flat.shape[1]
    if scaling == "none":
        return np.zeros(features, np.float32), np.ones(features, np.float32)
    if scaling in ("unit", "symmetric"):
        low, high = float(flat.min()), float(flat.max())
        # Pixels of which few reach black or white are scaled by what pixels can be, as the lecture does.
        if low >= 0 and 1 < high <= 255 and np.issubdtype(x.dtype, np.integer):
            low, high = 0.0, 255.0
        width = (high - low) or 1.0
        center, spread = (low, width) if scaling == "unit" else (low + width / 2, width / 2)
        return np.full(features, center, np.float32), np.full(features, spread**2, np.float32)
    if scaling == "standardize":
        fitted = StandardScaler().fit(flat)
        center, spread = fitted.mean_, fitted.scale_
    elif scaling == "minmax":
        fitted = MinMaxScaler().fit(flat)
        center, spread = fitted.data_min_, 1 / fitted.scale_
    elif scaling == "robust":
        fitted = RobustScaler().fit(flat)
        center, spread = fitted.center_, fitted.scale_
    else:
        raise InputError(f"input_scaling={scaling!r} is unknown.")
    return center.astype(np.float32), np.square(spread).astype(np.float32)
