"""Numbers that say what happens in a layer, from arrays of a few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

# Share of the greatest slope below which a unit counts as saturated: it passes on a twentieth of its gradient.
SATURATED = 0.05


def ranked(values: jax.Array) -> jax.Array:
    """A layer's inputs `(row, ..., feature)` as float32 `(row, feature)`, each feature sorted by itself."""
    return jnp.sort(values.reshape(-1, values.shape[-1]).astype(jnp.float32), axis=0)


def shift(before: jax.Array, after: jax.Array) -> dict[str, jax.Array]:
    """How far a layer's input distribution moved, in units of its own standard deviation before.

    Ioffe & Szegedy 2015 call this movement internal covariate shift; Santurkar et al. 2018 measure it otherwise, by
    gradients, and doubt that it explains batch normalization.

    Args:
        before: `(row, feature)`, as `ranked` gives them.
        after: likewise, of the same rows.

    Returns:
        Means over features: `shift_mean` |Δ mean|, `shift_spread` |Δ standard deviation|, and `shift_wasserstein`, the
        1-Wasserstein distance of the two samples. Features that did not vary before don't count.
    """
    spread = jnp.std(before, axis=0)
    counts = spread > 1e-6
    unit = jnp.where(counts, spread, 1.0)

    def over_features(values: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(counts, values / unit, 0.0)) / jnp.maximum(jnp.sum(counts), 1)

    # Of two equally large samples it is the mean distance between values of equal rank.
    distance = jnp.mean(jnp.abs(after - before), axis=0)
    return {
        "shift_mean": over_features(jnp.abs(jnp.mean(after, axis=0) - jnp.mean(before, axis=0))),
        "shift_spread": over_features(jnp.abs(jnp.std(after, axis=0) - spread)),
        "shift_wasserstein": over_features(distance),
    }


def saturation(slopes: jax.Array) -> dict[str, jax.Array]:
    """The share of units in the flat part of their activation.

    Args:
        slopes: slope over the greatest slope, `(row, ..., unit)`.

    Returns:
        `saturation`: share of units and rows with a slope under 5 % of the greatest; `dead`: share of units that are so
        for every row, such as a ReLU that is never active.
    """
    flat = slopes.reshape(-1, slopes.shape[-1]) < SATURATED
    return {"saturation": jnp.mean(flat, dtype=jnp.float32), "dead": jnp.mean(jnp.all(flat, axis=0), dtype=jnp.float32)}


def gradient(gradients: jax.Array, weights: jax.Array) -> dict[str, jax.Array]:
    """A kernel's gradient norm, and its ratio to the kernel's norm (0 for a kernel that is 0)."""
    norm, size = jnp.linalg.norm(gradients.ravel()), jnp.linalg.norm(weights.ravel())
    return {"gradient_norm": norm, "gradient_ratio": jnp.where(size > 0, norm / jnp.where(size > 0, size, 1.0), 0.0)}


def largest_eigenvalue(
    gradient_of: Callable[[Any], Any], weights: Any, direction: Any, iterations: int
) -> tuple[jax.Array, Any]:
    """The Hessian's eigenvalue of greatest size, by power iteration on Hessian-vector products (Pearlmutter 1994).

    Args:
        gradient_of: gives the loss's gradient at weights.
        weights: a tree of arrays.
        direction: where to start, like `weights`; each epoch goes on from the last one's, so that few are enough.
        iterations: how many products to take.

    Returns:
        The Rayleigh quotient of the last direction, and the direction.
    """

    def product(vector: Any) -> Any:
        return jax.jvp(gradient_of, (weights,), (vector,))[1]

    def step(_: int, carry: tuple[jax.Array, Any]) -> tuple[jax.Array, Any]:
        vector = _scaled(carry[1])
        image = product(vector)
        return _dot(vector, image), image

    value, image = jax.lax.fori_loop(0, iterations, step, (jnp.float32(0.0), direction))
    return value, _scaled(image)


def _dot(one: Any, other: Any) -> jax.Array:
    return sum(
        (jnp.sum(a * b, dtype=jnp.float32) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)),
        start=jnp.float32(0.0),
    )


def _scaled(vector: Any) -> Any:
    norm = jnp.sqrt(_dot(vector, vector))
    return jax.tree.map(lambda part: part / jnp.where(norm > 0, norm, 1.0).astype(part.dtype), vector)
