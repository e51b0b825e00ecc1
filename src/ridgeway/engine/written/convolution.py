"""Convolutions of many lanes.

`taps`, for the CPU: XLA's CPU backend computes the two gradients of a convolution 8 to 30 times slower than the same
convolution forward, because they come in a layout for which it has no fast kernel, and a convolution of few channels
slowly either way. Here few channels are a sum over the window's places ("taps") in one loop; the gradient to the inputs
is one product, whose columns are then added where they belong; and that to the kernel is a product over patches for few
channels, else a convolution in the fast layout.

`patches_product`, for accelerators: a kernel a lane makes a grouped convolution with a group a lane, for which cuDNN
has no fast kernel. Here the windows are laid out and multiplied by the kernel, which is one batched matrix product.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ridgeway.engine.written.apart import apart

_LAYOUT = ("NHWC", "HWIO", "NHWC")
# Channels, and channels times places in the window, up to which a sum over taps is 1.4 to 8 times faster.
_FEW_CHANNELS, _FEW_TAPS = 3, 32
# Numbers in all windows side by side beyond which they take too much memory: 64 MiB.
_LARGEST = 2**24
Pads = tuple[tuple[int, int], tuple[int, int]]
Pair = tuple[int, int]


def keras_conv(
    way: Callable[..., jax.Array],
    original: Callable[..., jax.Array],
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> jax.Array:
    """`keras.ops.conv`, in another way where it has two dimensions, channels last and no groups.

    Args:
        way: `taps` or `patches_product`.
        original: Keras's own.
        inputs: as in Keras, and all that follow.
        kernel: likewise.
        strides: likewise.
        padding: likewise.
        data_format: likewise.
        dilation_rate: likewise.
    """
    kernel = jnp.asarray(kernel)
    inputs = jnp.asarray(inputs, kernel.dtype)
    plain = inputs.ndim == 4 and data_format != "channels_first" and inputs.shape[-1] == kernel.shape[-2]
    # A sum over taps in half precision would be rounded at each; a product sums in single precision.
    exact = way is not taps or jnp.result_type(kernel) == jnp.float32
    if not plain or not exact or padding not in ("valid", "same"):
        return original(inputs, kernel, strides, padding, data_format, dilation_rate)
    stride, dilation = pair(strides), pair(dilation_rate)
    pads = lax.padtype_to_pads(inputs.shape[1:3], _reach(kernel.shape, dilation), stride, padding.upper())
    return way(inputs, kernel, stride, (tuple(pads[0]), tuple(pads[1])), dilation)


def patches_product(inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair) -> jax.Array:
    """As `taps`, as the product of all windows, laid out side by side, and the kernel.

    It takes the memory of the inputs times the kernel's height and width.
    """
    height, width, channels, filters = kernel.shape
    # XLA joins the slices to one copy.
    slices = _slices(inputs, (height, width), stride, pads, dilation)
    windows = jnp.concatenate(slices, axis=-1).reshape(-1, height * width * channels)
    return (windows @ kernel.reshape(-1, filters)).reshape(*slices[0].shape[:3], filters)


def _slices(inputs: jax.Array, size: Pair, stride: Pair, pads: Pads, dilation: Pair, first: int = 1) -> list[jax.Array]:
    """Each place of all windows, row by row; `first` is the axis of the height, which that of the width follows."""
    around = [(0, 0)] * inputs.ndim
    around[first : first + 2] = pads
    padded = jnp.pad(inputs, around)
    ends = [
        (have - (steps - 1) * spread - 1) // step * step + 1
        for have, steps, spread, step in zip(padded.shape[first : first + 2], size, dilation, stride, strict=True)
    ]
    lead = (slice(None),) * first
    return [
        padded[
            (
                *lead,
                slice(row * dilation[0], row * dilation[0] + ends[0], stride[0]),
                slice(column * dilation[1], column * dilation[1] + ends[1], stride[1]),
            )
        ]
        for row, column in itertools.product(range(size[0]), range(size[1]))
    ]


def pair(value: int | Sequence[int]) -> Pair:
    """Two sizes from one or two."""
    if isinstance(value, int):
        return (value, value)
    first, second = value
    return (first, second)


def _convolve(inputs: Any, kernel: Any, stride: Pair, pads: Any, spread: Pair, dilation: Pair) -> jax.Array:
    return lax.conv_general_dilated(
        inputs, kernel, stride, pads, lhs_dilation=spread, rhs_dilation=dilation, dimension_numbers=_LAYOUT
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def taps(inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair) -> jax.Array:
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
    return _taps(inputs, kernel, stride, pads, dilation)


def _taps(inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair) -> jax.Array:
    if not _few(kernel):
        return _convolve(inputs, kernel, stride, pads, (1, 1), dilation)

    def summed(kernel: jax.Array, inputs: jax.Array) -> jax.Array:
        slices = _slices(inputs, (kernel.shape[0], kernel.shape[1]), stride, pads, dilation)
        weights = kernel.reshape(-1, *kernel.shape[2:])
        terms = [
            part[..., channel : channel + 1] * weights[tap, channel]
            for tap, part in enumerate(slices)
            for channel in range(kernel.shape[2])
        ]
        return reduce(jnp.add, terms)

    return apart(summed, kernel, inputs)


def _few(kernel: jax.Array) -> bool:
    """Whether a sum over taps and channels beats the backend's convolution."""
    return kernel.shape[2] <= _FEW_CHANNELS and int(np.prod(kernel.shape[:3])) <= _FEW_TAPS


def _forward(
    inputs: jax.Array, kernel: jax.Array, stride: Pair, pads: Pads, dilation: Pair
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _taps(inputs, kernel, stride, pads, dilation), (inputs, kernel)


def _backward(
    stride: Pair, pads: Pads, dilation: Pair, saved: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    inputs, kernel = saved
    places = int(np.prod(kernel.shape[:3]))
    fits = gradient.size // gradient.shape[-1] * places <= _LARGEST
    to_inputs = _to_inputs if fits else _to_inputs_by_convolution
    to_kernel = _to_kernel_by_patches if fits and _few(kernel) else _to_kernel
    arguments = (inputs, kernel, gradient, stride, pads, dilation)
    return to_inputs(*arguments), to_kernel(*arguments)


def _to_inputs(
    inputs: jax.Array, kernel: jax.Array, gradient: jax.Array, stride: Pair, pads: Pads, dilation: Pair
) -> jax.Array:
    """What each output sends to each place of its window, by one product; then added up where the places meet."""
    height, width, channels, filters = kernel.shape
    sent = gradient.reshape(-1, filters) @ jnp.transpose(kernel, (3, 0, 1, 2)).reshape(filters, -1)
    spread = _reach(gradient.shape[1:], stride)

    def met(sent: jax.Array) -> jax.Array:
        total = jnp.zeros(inputs.shape, sent.dtype)
        for row, column in itertools.product(range(height), range(width)):
            around = []
            for d, place in enumerate((row, column)):
                before = place * dilation[d] - pads[d][0]
                around.append((before, inputs.shape[d + 1] - before - spread[d], stride[d] - 1))
            own = sent[:, :, :, row, column]
            total = total + lax.pad(own, jnp.zeros((), sent.dtype), ((0, 0, 0), *around, (0, 0, 0)))
        return total

    return apart(met, sent.reshape(*gradient.shape[:3], height, width, channels))


def _reach(sizes: Sequence[int], steps: Pair) -> list[int]:
    """From the first to the last of so many places, so many steps apart; of height and width."""
    return [(size - 1) * step + 1 for size, step in zip(sizes[:2], steps, strict=True)]


def _to_inputs_by_convolution(
    inputs: jax.Array, kernel: jax.Array, gradient: jax.Array, stride: Pair, pads: Pads, dilation: Pair
) -> jax.Array:
    """The gradient, spread by the stride, against the kernel turned around: no more memory than the inputs."""
    sizes = range(2)
    window, spread = _reach(kernel.shape, dilation), _reach(gradient.shape[1:], stride)
    turned = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
    before = [window[d] - 1 - pads[d][0] for d in sizes]
    outer = [(before[d], inputs.shape[d + 1] + window[d] - 1 - before[d] - spread[d]) for d in sizes]
    return _convolve(gradient, turned, (1, 1), outer, stride, dilation)


def _to_kernel(
    inputs: jax.Array, kernel: jax.Array, gradient: jax.Array, stride: Pair, pads: Pads, dilation: Pair
) -> jax.Array:
    """The inputs, batch as channel, against the gradient as a kernel spread by the stride."""
    sizes = range(2)
    window, spread = _reach(kernel.shape, dilation), _reach(gradient.shape[1:], stride)
    images = jnp.transpose(inputs, (3, 1, 2, 0))
    filters = jnp.transpose(gradient, (1, 2, 0, 3))
    inner = [(pads[d][0], (window[d] - 1) + spread[d] - pads[d][0] - inputs.shape[d + 1]) for d in sizes]
    found = _convolve(images, filters, dilation, inner, (1, 1), stride)
    return jnp.transpose(found, (1, 2, 0, 3))


def _to_kernel_by_patches(
    inputs: jax.Array, kernel: jax.Array, gradient: jax.Array, stride: Pair, pads: Pads, dilation: Pair
) -> jax.Array:
    """All windows, a row a place and channel, times the gradient."""
    turned, size = jnp.transpose(inputs, (3, 0, 1, 2)), (kernel.shape[0], kernel.shape[1])
    slices = _slices(turned, size, stride, pads, dilation, first=2)
    windows = jnp.stack(slices).reshape(int(np.prod(kernel.shape[:3])), -1)
    # The barrier keeps XLA from laying the windows out the other way around.
    return (lax.optimization_barrier(windows) @ gradient.reshape(-1, kernel.shape[3])).reshape(kernel.shape)


taps.defvjp(_forward, _backward)
