"""Keras's own layers written otherwise, where that is faster for many lanes.

The numbers are the same either way: only the order of sums may differ. docs/performance.md says what each is worth.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from ridgeway.engine.written.convolution import keras_conv, patches_product, taps
from ridgeway.engine.written.pooling import keras_max_pool
from ridgeway.engine.written.products import keras_matmul
from ridgeway.engine.written.recurrent import keras_inner_loop
from ridgeway.keras_internals import keras_function

_Way = Callable[[], contextlib.AbstractContextManager[None]]
_pooling = partial(keras_function, "max_pool", keras_max_pool)
_recurrent = partial(keras_function, "inner_loop", keras_inner_loop)
_taps = partial(keras_function, "conv", partial(keras_conv, taps))
_patches = partial(keras_function, "conv", partial(keras_conv, patches_product))
_products = partial(keras_function, "matmul", keras_matmul)

_WAYS: dict[str, tuple[_Way, ...]] = {
    "keras": (),
    "cpu": (_taps, _pooling, _recurrent),
    "cpu in lockstep": (_products,),
    "patches": (_patches,),
}
#: Sets of ways: Keras's own; for a CPU, a lane at a time or lanes in lockstep; convolutions as products over patches.
WRITTEN = tuple(_WAYS)


@contextlib.contextmanager
def written(how: str) -> Iterator[None]:
    """Lets Keras's layers use other ways while a step is traced.

    Args:
        how: one of `WRITTEN`.
    """
    with contextlib.ExitStack() as stack:
        for way in _WAYS[how]:
            stack.enter_context(way())
        yield
