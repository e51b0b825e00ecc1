"""Monte-Carlo dropout: predictions that differ by which units are dropped (Gal & Ghahramani 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ridgeway.errors import InputError
from ridgeway.hyperparameters import swapped
from ridgeway.keras_internals import Swap, all_layers, seed_variables, training_argument

# Rates by which layers drop something when they train.
_RATES = ("rate", "dropout", "recurrent_dropout")


def predict_samples(model: keras.Model, x: Any, n: int, seed: int = 0, batch_size: int = 256) -> Any:
    """Predicts `n` times with the model's dropout layers at work and all others as in prediction.

    Args:
        model: built model.
        x: inputs, leading axis the rows.
        n: how many samples of the prediction, at least 1.
        seed: of the draws; each sample and batch has its own.
        batch_size: rows predicted at a time.

    Returns:
        An array `(n, row, ...)`, or the model's structure of them.

    Raises:
        InputError: n below 1, or no layer drops anything.
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"n={n!r} is no whole number above 0. Pass how many samples to draw, such as 50.")
    dropping = [layer for layer in all_layers(model) if _drops(layer)]
    if not dropping:
        raise InputError(
            "This model drops nothing: it has no dropout layer with a rate above 0, and all samples would be alike. "
            "Choose a lane with dropout."
        )
    seeds = {id(variable) for variable in seed_variables(model)}
    trainable = [variable.value for variable in model.trainable_variables]
    non_trainable = [variable.value for variable in model.non_trainable_variables]

    def predict(key: jax.Array, batch: Any) -> Any:
        # Each generator starts elsewhere in each sample, as in training at another step.
        states = [
            jnp.stack([value[0] + key[0], value[1] + key[1]]) if id(variable) in seeds else value
            for variable, value in zip(model.non_trainable_variables, non_trainable, strict=True)
        ]
        with swapped([swap for layer in dropping for swap in _training(layer)]):
            return model.stateless_call(trainable, states, batch, **training_argument(model, False))[0]

    compiled = jax.jit(predict)
    rows = len(keras.tree.flatten(x)[0])
    samples = []
    for sample in range(n):
        words = np.random.SeedSequence([seed, sample]).generate_state(1 + -(-rows // batch_size))
        parts = [
            compiled(
                jnp.array([words[0], words[1 + start // batch_size]], jnp.uint32),
                keras.tree.map_structure(lambda array, start=start: array[start : start + batch_size], x),
            )
            for start in range(0, rows, batch_size)
        ]
        samples.append(
            keras.tree.map_structure(lambda *pieces: np.concatenate([np.asarray(p) for p in pieces]), *parts)
        )
    return keras.tree.map_structure(lambda *drawn: np.stack(drawn), *samples)


def _drops(layer: Any) -> bool:
    dropout = keras.layers.Dropout | keras.layers.GaussianDropout | keras.layers.AlphaDropout
    named = _RATES if isinstance(layer, dropout) else _RATES[1:]
    return any(isinstance(rate := getattr(layer, name, None), int | float) and rate > 0 for name in named)


def _training(layer: Any) -> Sequence[Swap]:
    original = layer.call

    def call(*arguments: Any, **keywords: Any) -> Any:
        return original(*arguments, **{**keywords, "training": True})

    return [(layer, "call", call)]
