"""What a model gives for a batch, seen from outside: its losses, the shapes of their outputs, the logs of an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ridgeway.data import Stream
from ridgeway.engine.probe import Job
from ridgeway.keras_internals import has_own_step, labelled_outputs


@dataclass(frozen=True)
class Signature:
    """What models whose lanes are compared have in common.

    Attributes:
        outputs: for each output with a loss the loss's name, whether it takes logits, and the output's shape.
        logs: names of the logs that an epoch gives, ascending.
    """

    outputs: tuple[tuple[str, bool, tuple[int, ...]], ...]
    logs: tuple[str, ...]

    @classmethod
    def of(cls, job: Job) -> Signature:
        """Reads it off a job by tracing, without computing."""
        x, y = job.first[:2]
        outputs = tuple(
            (loss.name, bool(loss.keywords.get("from_logits", False)), shape[1:])
            for loss, _, shape in labelled_outputs(job.program.model, x, y)
        )
        return cls(outputs, tuple(sorted(log_names(job))))

    def difference(self, other: Signature) -> str | None:
        """What this one has and another has otherwise, in a few words; None where they are alike."""
        if self.outputs != other.outputs:
            mine, theirs = (
                ", ".join(f"{loss}{' of logits' if logits else ''} on {shape}" for loss, logits, shape in one.outputs)
                for one in (self, other)
            )
            return f"has the outputs {mine or 'without a loss'}, not {theirs or 'without a loss'}"
        if self.logs != other.logs:
            return f"has the logs {', '.join(self.logs)}, not {', '.join(other.logs)}"
        return None


def log_names(job: Job) -> list[str]:
    """Names of the logs that an epoch gives, by tracing it without computing."""
    program, state, lane = job.program, job.initials[0], job.example_lane
    rows = jax.ShapeDtypeStruct((max(program.rows),), jnp.int32)
    batches = jax.ShapeDtypeStruct((2,), jnp.int32)
    data, validation = (
        _shapes(rows_of) if isinstance(rows_of, Stream) else rows_of for rows_of in (job.data, job.validation)
    )
    if has_own_step(program.model, "train_step"):
        shapes = jax.eval_shape(program.epoch, state, lane, rows, batches, data, validation)[0]
    else:
        # Its logs are its metrics: there is no need to trace a step of training for their names.
        logs = jax.eval_shape(program.metrics_result, state)
        shapes = jax.eval_shape(
            lambda *given: program.with_validation(*given)[0],
            logs,
            state,
            lane,
            batches.update(shape=()),
            validation,
        )
    return [name for name, shape in shapes.items() if not shape.shape]


def _shapes(stream: Stream) -> Any:
    """A stream's rows as if they were arrays, by their shapes."""
    return jax.tree.map(
        lambda array: jax.ShapeDtypeStruct((stream.rows, *array.shape[1:]), array.dtype), stream.head(1)
    )
