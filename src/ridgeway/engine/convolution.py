"""Keras's convolutions written otherwise, where that is faster for many lanes.

`forward`, for the CPU, a lane at a time: inside a loop XLA's CPU backend computes the two gradients of a convolution 8
to 30 times slower than the same convolution forward, because they come in a layout for which it has no fast kernel
(docs/engine.md). Here both gradients are plain NHWC/HWIO convolutions, which keep it.

`patches`, for lanes in lockstep: a kernel a lane makes a grouped convolution with a group a lane, for which cuDNN has
no fast kernel. Here the windows are laid out and multiplied by the kernel, which is one batched matrix product.

The numbers are the same either way: only the order of sums may differ.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ridgeway.keras_internals import keras_convolution

_LAYOUT = ("NHWC", "HWIO", "NHWC")
Pads = tuple[tuple[int, int], tuple[int, int]]
Pair = tuple[int, int]


#: Ways to write a convolution; "keras" leaves it as it is.
WRITTEN = ("keras", "forward", "patches")


def written_convolutions(how: str) -> contextlib.AbstractContextManager[None]:
    """Lets Keras's convolution layers use another way while a step is traced.

    Args:
        how: one of `WRITTEN`.
    """
    ways: dict[str, Callable[..., jax.Array]] = {"forward": convolution, "patches": patches_product}
    return contextlib.nullcontext() if how == "keras" else keras_convolution(partial(_keras_conv, ways[how]))


def _keras_conv(
    way: Callable[..., jax.Array],
    original: Callable[..., jax.Array],
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> jax.Array:
    kernel = jnp.asarray(kernel)
    inputs = jnp.asarray(inputs, kernel.dtype)
    plain = inputs.ndim == 4 and data_format != "channels_first" and inputs.shape[-1] == kernel.shape[-2]
    if not plain or padding not in ("valid", "same"):
        return original(inputs, kernel, strides, padding, data_format, dilation_rate)
    stride, dilation = _pair(strides), _pair(dilation_rate)
    window = tuple((size - 1) * step + 1 for size, step in zip(kernel.shape[:2], dilation, strict=True))
    pads = lax.padtype_to_pads(inputs.shape[1:3], window, stride, padding.upper())
    return way(inputs, kernel, stride, (tuple(pads[0]), tuple(pads[1])), dilation)


def patches_product(inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair) -> jax.Array:
    """As `convolution`, as the product of all windows, laid out side by side, and the kernel.

    It takes the memory of the inputs times the kernel's height and width.
    """
    height, width, channels, filters = kernel.shape
    padded = jnp.pad(inputs, ((0, 0), *pads, (0, 0)))
    rows, columns = (
        (size - (steps - 1) * spread - 1) // step + 1
        for size, steps, spread, step in zip(padded.shape[1:3], kernel.shape[:2], dilation, stride, strict=True)
    )
    # One slice a place in the window: XLA joins them to one copy.
    slices = [
        padded[
            :,
            row * dilation[0] : row * dilation[0] + (rows - 1) * stride[0] + 1 : stride[0],
            column * dilation[1] : column * dilation[1] + (columns - 1) * stride[1] + 1 : stride[1],
        ]
        for row, column in itertools.product(range(height), range(width))
    ]
    windows = jnp.concatenate(slices, axis=-1).reshape(-1, height * width * channels)
    return (windows @ kernel.reshape(-1, filters)).reshape(len(inputs), rows, columns, filters)


def _pair(value: int | Sequence[int]) -> Pair:
    if isinstance(value, int):
        return (value, value)
    first, second = value
    return (first, second)


def _convolve(inputs: Any, kernel: Any, stride: Pair, pads: Any, spread: Pair, dilation: Pair) -> jax.Array:
    return lax.conv_general_dilated(
        inputs, kernel, stride, pads, lhs_dilation=spread, rhs_dilation=dilation, dimension_numbers=_LAYOUT
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def convolution(inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair) -> jax.Array:
    """Two-dimensional convolution.

    Args:
        inputs: `(batch, height, width, channel)`.
        kernel: `(height, width, channel, filter)`.
        stride: steps of the window.
        pads: zeros before and after, for height and width.
        dilation: spacing of the kernel's entries.

    Returns:
        `(batch, height, width, filter)`.
    """
    return _convolve(inputs, kernel, stride, pads, (1, 1), dilation)


def _forward(
    inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return convolution(inputs, kernel, stride, pads, dilation), (inputs, kernel)


def _backward(
    stride: Pair, pads: Pads, dilation: Pair, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    inputs, kernel = saved
    sizes = range(2)
    window = [(kernel.shape[d] - 1) * dilation[d] + 1 for d in sizes]
    spread = [(gradient.shape[d + 1] - 1) * stride[d] + 1 for d in sizes]
    # To the inputs: the gradient, spread by the stride, against the kernel turned around.
    turned = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
    before = [window[d] - 1 - pads[d][0] for d in sizes]
    outer = [(before[d], inputs.shape[d + 1] + window[d] - 1 - before[d] - spread[d]) for d in sizes]
    to_inputs = _convolve(gradient, turned, (1, 1), outer, stride, dilation)
    # To the kernel: the inputs, batch as channel, against the gradient as a kernel spread by the stride.
    images = jnp.transpose(inputs, (3, 1, 2, 0))
    filters = jnp.transpose(gradient, (1, 2, 0, 3))
    inner = [(pads[d][0], (window[d] - 1) + spread[d] - pads[d][0] - inputs.shape[d + 1]) for d in sizes]
    to_kernel = _convolve(images, filters, dilation, inner, (1, 1), stride)
    return to_inputs, jnp.transpose(to_kernel, (1, 2, 0, 3))


convolution.defvjp(_forward, _backward)
