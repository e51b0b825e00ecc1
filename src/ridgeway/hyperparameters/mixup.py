"""Mixup (Zhang et al. 2018, "mixup: beyond empirical risk minimization")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ridgeway.errors import InputError
from ridgeway.hyperparameters.draws import permutation, place_key
from ridgeway.hyperparameters.hyperparameter import Binding, Decay, Hyperparameter, StepContext
from ridgeway.hyperparameters.inputs import floating
from ridgeway.hyperparameters.swap import swapped
from ridgeway.hyperparameters.training import refuse_own_step, training_swap
from ridgeway.keras_internals import Swap, compiled_losses, flat_losses_swap

if TYPE_CHECKING:
    import keras

    from ridgeway.hyperparameters.swap import LaneScalar

#: Added to a lane's seed, so that mixup draws other numbers than noise and input dropout.
MIXUP_SEED = 0x313C


class Mixup(Hyperparameter):
    """The α ≥ 0 of mixup: each batch is trained on mixed with a permutation of itself.

    One share λ ~ Beta(α, α) a batch: x ← λx + (1 − λ)x[permutation], and the loss is
    λ · loss(y) + (1 − λ) · loss(y[permutation]), each with the rows' own sample weights. For a loss that is linear in
    its labels, cross-entropy with one-hot labels among them, that is the loss of mixed labels; it serves any labels.
    Penalties and losses that layers add count once. λ is taken as max(λ, 1 − λ): the two give the same batches, for
    the permutation's inverse is as likely, and metrics in training then compare with the label of the larger
    share. Of several inputs all floating ones (pixels in uint8 too) are mixed, with the same λ and permutation; whole
    numbers are not. At 0 nothing is mixed; validation never is.
    """

    name = "mixup"

    def bind(self, model: keras.Model, decay: Decay) -> Binding:
        """See the base class."""
        refuse_own_step(model, self.name)
        if not compiled_losses(model):
            raise InputError("mixup acts on nothing in this model: it has no loss that takes labels. Compile with one.")
        return _MixupBinding(model)


class _MixupBinding(Binding):
    base = 0.0

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def swaps(self, value: LaneScalar, context: StepContext) -> Sequence[Swap]:
        def mixing(original: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
            *variables, x, y, sample_weight = arguments
            rows = jax.tree.leaves(x)[0].shape[0]
            share, order = mixup_draw(context, value.value, rows)
            reached: list[bool] = []
            losses = flat_losses_swap(self._model, lambda loss: _mixed_loss(loss, share, order, reached))
            with swapped([losses]):
                result = original(*variables, _mixed_inputs(x, share, order), y, sample_weight, **keywords)
            if not reached:
                raise InputError(
                    f"mixup acts on nothing in this model: {type(self._model).__name__}.compute_loss never asks for "
                    "the compiled loss. Let it call super().compute_loss, or leave mixup out."
                )
            return result

        return [training_swap(self._model, mixing)]

    def write(self, value: float) -> None:
        """Nothing to write: mixup changes batches, and the weights already carry its effect."""


def mixup_draw(context: StepContext, alpha: Any, rows: int) -> tuple[jax.Array, jax.Array]:
    """What a lane mixes a batch by; a pure function of its arguments.

    Args:
        context: of the step; its seed and step are read.
        alpha: scalar ≥ 0.
        rows: in the batch.

    Returns:
        The larger of the two shares, float32 scalar in [0.5, 1], 1 where alpha is 0; and the permutation of the rows
        that the smaller share comes from, int32 `(rows,)`.
    """
    for_share, for_order = jax.random.split(place_key(context, MIXUP_SEED))
    mixes = jnp.asarray(alpha, jnp.float32) > 0
    concentration = jnp.where(mixes, jnp.asarray(alpha, jnp.float32), 1.0)
    share = jax.random.beta(for_share, concentration, concentration, dtype=jnp.float32)
    return jnp.where(mixes, jnp.maximum(share, 1 - share), 1.0), permutation(for_order, rows)


def _mixed_inputs(x: Any, share: jax.Array, order: jax.Array) -> Any:
    mixed = [floating(leaf) for leaf in jax.tree.leaves(x)]
    if all(leaf is None for leaf in mixed):
        raise InputError(
            "mixup acts on nothing here: no input holds floating numbers, and whole numbers can't be mixed. Pass x as "
            "float32, or leave mixup out."
        )

    def mix(leaf: jax.Array) -> jax.Array:
        weight = share.astype(leaf.dtype)
        return weight * leaf + (1 - weight) * leaf[order]

    leaves, structure = jax.tree.flatten(x)
    return jax.tree.unflatten(
        structure, [given if leaf is None else mix(leaf) for given, leaf in zip(leaves, mixed, strict=True)]
    )


def _mixed_loss(
    loss: Callable[..., Any], share: jax.Array, order: jax.Array, reached: list[bool]
) -> Callable[..., Any]:
    def mixed(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        reached.append(True)
        own = loss(y_true, y_pred, sample_weight)
        y_other, weight_other = jax.tree.map(lambda rows: jnp.asarray(rows)[order], (y_true, sample_weight))
        return share * own + (1 - share) * loss(y_other, y_pred, weight_other)

    return mixed
