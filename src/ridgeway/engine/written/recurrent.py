"""Keras's LSTM with the sums of its kernels' gradients taken out of the loop over time.

By automatic differentiation the gradient's loop adds up two kernels and a bias step by step, and keeps some arrays
twice. Here the loop gives the gradient to the gates' scores only, and the kernels' gradients are one product over all
steps each, as in cuDNN (Appleyard, Kočiský & Blunsom 2016, Optimizing Performance of Recurrent Neural Networks on
GPUs). The product of inputs and kernel stays in the loop: XLA's CPU backend computes `sigmoid` and `tanh` of a part of
a larger array several times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
from jax import lax

from ridgeway.keras_internals import keras_function

# Hidden and cell state, or the outputs of all steps and the last cell state.
State = tuple[jax.Array, jax.Array]


def keras_inner_loop(original: Callable[..., Any], layer: keras.layers.LSTM, *arguments: Any, **keywords: Any) -> Any:
    """`keras.layers.LSTM.inner_loop`, by `keras_lstm` where the cell is Keras's own."""
    if type(layer.cell) is not keras.layers.LSTMCell:
        return original(layer, *arguments, **keywords)
    with keras_function("lstm", keras_lstm):
        return original(layer, *arguments, **keywords)


def keras_lstm(
    _: Callable[..., Any],
    sequences: Any,
    initial_state_h: Any,
    initial_state_c: Any,
    mask: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    activation: Any,
    recurrent_activation: Any,
    return_sequences: bool = False,
    go_backwards: bool = False,
    unroll: bool = False,
) -> Any:
    """The inner loop of `keras.layers.LSTM`, by `lstm` where it has no mask and Keras's default activations.

    Raises:
        NotImplementedError: another LSTM; Keras then goes on with its own loop.
    """
    plain = activation is keras.activations.tanh and recurrent_activation is keras.activations.sigmoid
    if mask is not None or not plain or unroll:
        raise NotImplementedError
    inputs = jnp.swapaxes(jnp.asarray(sequences), 0, 1)
    weights = jnp.asarray(kernel)
    outputs, cell = lstm(
        inputs[::-1] if go_backwards else inputs,
        weights,
        jnp.asarray(recurrent_kernel),
        jnp.zeros(weights.shape[1], weights.dtype) if bias is None else jnp.asarray(bias),
        jnp.asarray(initial_state_h),
        jnp.asarray(initial_state_c),
    )
    last = outputs[-1]
    return last, jnp.swapaxes(outputs, 0, 1) if return_sequences else last[:, None], [last, cell]


@jax.custom_vjp
def lstm(
    inputs: jax.Array, kernel: jax.Array, recurrent: jax.Array, bias: jax.Array, hidden: jax.Array, cell: jax.Array
) -> State:
    """A layer's outputs.

    Args:
        inputs: `(time, row, input)`.
        kernel: `(input, 4 units)`, of the input, forget, cell and output gates.
        recurrent: `(unit, 4 units)`.
        bias: `(4 units,)`.
        hidden: `(row, unit)`, before the first step.
        cell: likewise.

    Returns:
        The outputs of all steps, `(time, row, unit)`, and the last cell state.
    """
    return _forward(inputs, kernel, recurrent, bias, hidden, cell)[0]


def _forward(
    inputs: jax.Array, kernel: jax.Array, recurrent: jax.Array, bias: jax.Array, hidden: jax.Array, cell: jax.Array
) -> tuple[State, tuple[Any, ...]]:
    def step(before: State, given: jax.Array) -> tuple[State, tuple[jax.Array, ...]]:
        scores = jnp.split(given @ kernel + before[0] @ recurrent + bias, 4, -1)
        i, f, o = (jax.nn.sigmoid(scores[gate]) for gate in (0, 1, 3))
        g = jnp.tanh(scores[2])
        now = f * before[1] + i * g
        through = jnp.tanh(now)
        output = o * through
        return (output, now), (output, before[0], before[1], i, f, g, o, through)

    (_, last), (outputs, earlier, *kept) = lax.scan(step, (hidden, cell), inputs)
    return (outputs, last), (inputs, kernel, recurrent, earlier, kept)


def _backward(saved: tuple[Any, ...], given: State) -> tuple[jax.Array, ...]:
    inputs, kernel, recurrent, earlier, kept = saved
    to_outputs, to_cell = given
    turned = recurrent.T

    def step(carry: State, at: tuple[Any, ...]) -> tuple[State, jax.Array]:
        to_output, (before, i, f, g, o, through) = at
        to_hidden = carry[0] + to_output
        to_now = carry[1] + to_hidden * o * (1 - through * through)
        to_scores = jnp.concatenate(
            [
                to_now * g * i * (1 - i),
                to_now * before * f * (1 - f),
                to_now * i * (1 - g * g),
                to_hidden * through * o * (1 - o),
            ],
            -1,
        )
        return (to_scores @ turned, to_now * f), to_scores

    begin = (jnp.zeros_like(to_cell), to_cell)
    (to_hidden, to_first), to_scores = lax.scan(step, begin, (to_outputs, kept), reverse=True)
    flat = to_scores.reshape(-1, to_scores.shape[-1])
    # Rows turned first: the product's fast kernel sums over the second axis. The barrier keeps XLA from turning back.
    to_kernel, to_recurrent = (
        lax.optimization_barrier(rows.reshape(-1, rows.shape[-1]).T) @ flat for rows in (inputs, earlier)
    )
    return to_scores @ kernel.T, to_kernel, to_recurrent, flat.sum(0), to_hidden, to_first


lstm.defvjp(_forward, _backward)
