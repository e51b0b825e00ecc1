"""What is done to a kernel after each update, in an order that does not depend on who asks first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras

from ridgeway.keras_internals import Swap, constraint_swap, iterations

if TYPE_CHECKING:
    from ridgeway.hyperparameters.hyperparameter import StepContext

Step = Callable[[Any], Any]


@dataclass(frozen=True)
class AfterUpdate:
    """The steps that stand in the place of a kernel's constraint, in the order in which they are taken.

    Soft threshold and then group shrink is the proximal step of the sparse group lasso (Simon et al. 2013), the
    other order is not. Both come before the user's own constraint, which so holds after each update.

    Attributes:
        soft_threshold: of `l1`.
        group_shrink: of `group_lasso`.
        own: the constraint that the user gave.
        max_norm: of `max_norm`.
    """

    soft_threshold: Step | None = None
    group_shrink: Step | None = None
    own: Step | None = None
    max_norm: Step | None = None

    def __call__(self, kernel: Any) -> Any:
        """The kernel after all steps."""
        value = keras.ops.convert_to_tensor(kernel)
        for step in (self.soft_threshold, self.group_shrink, self.own, self.max_norm):
            if step is not None:
                value = step(value)
        return value


def after_update_swap(variable: Any, **steps: Step | None) -> Swap:
    """Adds steps, named as in `AfterUpdate`, to what a variable's constraint does by now."""
    present = variable.constraint
    before = present if isinstance(present, AfterUpdate) else AfterUpdate(own=present)
    return constraint_swap(variable, replace(before, **steps))


def until_relaxed(step: Step, variable: Any, strength: Any, context: StepContext, axes: Sequence[int] = ()) -> Step:
    """A proximal step that ends where the lane is relaxed, see `Relax`: from there on what was 0 is kept at 0.

    Args:
        step: the proximal step.
        variable: whose kernel it takes.
        strength: the lane's value of the penalty; where it is 0, nothing is kept, since nothing was taken away.
        context: of the training step.
        axes: over which weights leave together; none where each stands for itself.

    Returns:
        The step itself where the family has no `relax`, and outside of training.
    """
    relax, before = context.values.get("relax"), context.before.get(id(variable))
    if relax is None or before is None:
        return step
    ops = keras.ops
    alive = ops.not_equal(before, 0)
    if axes:
        alive = ops.any(alive, axis=axes, keepdims=True)
    penalized = (strength.value > 0) & (relax.value > 0)
    relaxed = penalized & (ops.cast(context.epoch, relax.value.dtype) >= relax.value)

    def until(kernel: Any) -> Any:
        return ops.where(relaxed, ops.where(alive, kernel, ops.zeros_like(kernel)), step(kernel))

    return until


def proximal_threshold(optimizer: Any, strength: Any, dtype: Any) -> Any:
    """η · strength, η being the learning rate of the step that was just taken: how far a proximal step goes."""
    ops = keras.ops
    threshold = ops.cast(optimizer.learning_rate, dtype) * ops.cast(strength, dtype)
    if optimizer.gradient_accumulation_steps:
        # Between updates the weights stand still, and so must the threshold.
        done = (iterations(optimizer) + 1) % optimizer.gradient_accumulation_steps == 0
        threshold = threshold * ops.cast(done, dtype)
    return threshold
