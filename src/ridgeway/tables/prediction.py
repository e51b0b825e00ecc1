"""What a model gives for rows, whichever rows stand beside them, and whichever threads ask."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

import jax
import keras
import numpy as np

from ridgeway.keras_internals import training_argument

# Matrix products round by the number of rows: in batches of one size a row's outputs are the same alone and among
# others.
BATCH = 256

Program = Callable[[np.ndarray], jax.Array]
# Keras's own predict donates the variables that it passes to JAX, and one model's can't be in two calls at once. These
# donate nothing. Keras is traced under the lock: that, too, is nothing for several threads at once.
_programs: weakref.WeakKeyDictionary[keras.Model, dict[tuple[str | None, int], Program]] = weakref.WeakKeyDictionary()
_tracing = threading.RLock()


def model_outputs(model: keras.Model, x: np.ndarray, before: str | None = None) -> np.ndarray:
    """A model's outputs, float64 `(row, output)`; several threads may ask at once.

    Args:
        model: built, with one output.
        x: float32 `(row, feature)`.
        before: name of the last layer, to have what goes into it instead of what comes out.
    """
    padded = np.zeros((-(-len(x) // BATCH) * BATCH, *x.shape[1:]), np.float32)
    padded[: len(x)] = x
    program = _program(model, before, x.shape[1])
    parts = [np.asarray(program(padded[start : start + BATCH]), np.float64) for start in range(0, len(padded), BATCH)]
    return np.concatenate(parts)[: len(x)].reshape(len(x), -1)


def _program(model: keras.Model, before: str | None, features: int) -> Program:
    with _tracing:
        known = _programs.setdefault(model, {})
        if (before, features) not in known:
            known[before, features] = _compiled(model, before, features)
        return known[before, features]


def _compiled(model: keras.Model, before: str | None, features: int) -> Program:
    held: Callable[[], keras.Model | None] = weakref.ref(model)
    if before is not None:
        # Shares its layers, and so its variables.
        part = keras.Model(model.inputs[0], model.get_layer(before).input, name=f"{model.name}_{before}")
        held = lambda: part  # noqa: E731
        model = part
    # The variables, and not the model, which is to go when nobody else has it.
    trainable, other = list(model.trainable_variables), list(model.non_trainable_variables)

    @jax.jit
    def outputs(trained: list[jax.Array], others: list[jax.Array], x: jax.Array) -> jax.Array:
        traced = held()
        assert traced is not None
        return traced.stateless_call(trained, others, x, **training_argument(traced, False))[0]

    def program(x: np.ndarray) -> jax.Array:
        return outputs([variable.value for variable in trainable], [variable.value for variable in other], x)

    program(np.zeros((BATCH, features), np.float32))
    return program
