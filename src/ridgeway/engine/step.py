"""One lane's epoch as a pure function: train on its rows, then evaluate.

Everything lane-wise is an argument (state, values, seed, rows), so that one compiled program serves every lane.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from ridgeway.engine.calibration import RELIABILITY, expected_calibration_error, reliability
from ridgeway.engine.state import ModelState, Weights
from ridgeway.engine.written import written
from ridgeway.hyperparameters import Binding, LaneScalar, StepContext, swapped
from ridgeway.hyperparameters.draws import shared_draws
from ridgeway.keras_internals import (
    StatelessScope,
    adapted_normalizations,
    averaged_weights,
    class_probabilities,
    dropout_math,
    has_own_step,
    inner_optimizer,
    is_likelihood,
    normalization_swap,
    row_losses,
    seed_variables,
)

Logs = dict[str, jax.Array]
Batch = tuple[Any, Any, Any]
Carry = TypeVar("Carry")

#: The validation loss of a lane on hard labels, without penalties: what lanes are compared by. A cross-entropy is the
#: negative log-likelihood of a label.
NLL, DATA_LOSS = "val_nll", "val_data_loss"
COMPARED = (NLL, DATA_LOSS)
#: Its standard error over rows.
ERRORS = tuple(f"{name}_se" for name in COMPARED)


class Lane(NamedTuple):
    """A lane's own inputs to the program: scalars, or arrays of shape `(lane,)` when stacked.

    Attributes:
        values: a float32 scalar a hyperparameter.
        seed: uint32, the seed of its repeat.
        epoch: int32, epochs that it has trained.
        fold: int32, which rows it trains on and which are held out.
    """

    values: dict[str, Any]
    seed: Any
    epoch: Any
    fold: Any = 0


class HeldRows(NamedTuple):
    """Validation rows of lanes with different folds, which share the arrays that others train on.

    Attributes:
        data: all rows, `(x, y, sample_weight)`.
        rows: int32 `(fold, row)`, the numbers of those that each fold holds out; shorter folds end in any numbers.
    """

    data: Batch
    rows: Any


@dataclass(frozen=True)
class BoundHyperparameter:
    """A hyperparameter bound to the model, with the range that the family gives it."""

    name: str
    binding: Binding
    low: float
    high: float


@dataclass(frozen=True)
class EpochProgram:
    """The training and evaluation of one lane, to be traced under `vmap`, `lax.map` or alone.

    Attributes:
        model: compiled and built model.
        bound: the hyperparameters of the family.
        batch_size: rows of a full training batch.
        validation_batch_size: rows of a full validation batch.
        rows: training rows of a lane, by fold.
        validation_rows: validation rows, by fold; 0 for none.
        written: how Keras's layers are, one of `written.WRITTEN`.
        in_step: whether all lanes that are traced together are at one step of one repeat, and so draw alike.
    """

    model: keras.Model
    bound: tuple[BoundHyperparameter, ...]
    batch_size: int
    validation_batch_size: int
    rows: tuple[int, ...]
    validation_rows: tuple[int, ...]
    written: str = "keras"
    in_step: bool = False

    @property
    def steps(self) -> tuple[int, ...]:
        """Training steps of an epoch, a last partial batch included, by fold."""
        return tuple(-(-rows // self.batch_size) for rows in self.rows)

    @property
    def validates(self) -> bool:
        """Whether there are validation rows."""
        return any(self.validation_rows)

    # --- training ---------------------------------------------------------------------------------------------

    def train_step(self, state: ModelState, lane: Lane, step: jax.Array, batch: Batch) -> tuple[Logs, ModelState]:
        """One call of the model's own `train_step`, with the lane's values in place."""
        with self._lane(lane, step, state.trainable):
            logs, new = self.model.train_step(tuple(state), batch)
        return dict(logs), ModelState(*(list(part) for part in new))

    def train_batch(
        self, state: ModelState, lane: Lane, rows: jax.Array, index: jax.Array, data: Batch, size: int
    ) -> tuple[Logs, ModelState]:
        """Trains on the `size` rows that begin at `index` batches into the epoch.

        Args:
            state: the lane's state.
            lane: its inputs.
            rows: int32 `(row,)`, the epoch's order of rows; as long as the longest fold's.
            index: int32 scalar, batches done in this epoch.
            data: the training arrays.
            size: rows in this batch.
        """
        chosen = lax.dynamic_slice(rows, (index * self.batch_size,), (size,))
        batch = jax.tree.map(lambda array: array[chosen], data)
        return self.train_step(state, lane, lane.epoch * by_fold(self.steps, lane.fold) + index, batch)

    def train_epoch(
        self, state: ModelState, lane: Lane, rows: jax.Array, batches: Any, data: Batch
    ) -> tuple[Logs, ModelState]:
        """Trains one epoch.

        Args:
            state: the lane's state; its metrics are reset first, as `fit` does.
            lane: its inputs.
            rows: int32 `(row,)`.
            batches: int32 scalar, full batches to do at most: fewer than there are only where time is measured. None
                for all.
            data: the training arrays.

        Returns:
            The logs of the epoch, as `fit` gives them, and the new state.
        """
        state = state._replace(metrics=self.reset_metrics(state))
        logs = self._empty_logs(state, lane, rows, data)

        def step(index: jax.Array, count: int, carry: tuple[Logs, ModelState]) -> tuple[Logs, ModelState]:
            new_logs, new = self.train_batch(carry[1], lane, rows, index, data, count)
            return (new_logs if carry[0] else {}), alike(new, carry[1])

        logs, state = over_batches(self.rows, self.batch_size, lane.fold, batches, step, (logs, state))
        return logs or self.metrics_result(state), state

    def _empty_logs(self, state: ModelState, lane: Lane, rows: jax.Array, data: Batch) -> Logs:
        """Logs to carry through the loop: none when the metrics hold them, zeros where a user's step makes its own."""
        if not has_own_step(self.model, "train_step"):
            return {}
        size = min(self.batch_size, *self.rows)

        def first(state: ModelState, lane: Lane, rows: jax.Array, data: Batch) -> Logs:
            return self.train_batch(state, lane, rows, jnp.int32(0), data, size)[0]

        shapes = jax.eval_shape(first, state, lane, rows, data)
        if set(shapes) == set(jax.eval_shape(self.metrics_result, state)):
            return {}
        return {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}

    # --- evaluation -------------------------------------------------------------------------------------------

    def evaluate(self, state: ModelState, lane: Lane, data: Batch | HeldRows, batches: Any) -> tuple[Logs, ModelState]:
        """Evaluates as `model.evaluate` does, over the validation rows of the lane's fold.

        `batches` is as in `train_epoch`.

        Returns:
            Logs under Keras's names without prefix, with `nll` (or `data_loss`, where the loss is no cross-entropy) and
            its standard error where the model has a compiled loss and Keras's own `test_step`, and with `ece` and
            `reliability` where its output is class probabilities; and the state, which `evaluate` may change too.
        """
        state = state._replace(metrics=self.reset_metrics(state))
        size = self.validation_batch_size

        def at(index: jax.Array, count: int, state: ModelState) -> tuple[Logs, dict[str, jax.Array], ModelState]:
            return self.test_step(state, lane, _rows_at(data, lane.fold, index * size, count))

        count = min(size, *self.validation_rows)
        own, beside = jax.eval_shape(lambda given: at(jnp.int32(0), count, given)[:2], state)
        metrics_hold = set(own) == set(jax.eval_shape(self.metrics_result, state))
        logs: Logs = {} if metrics_hold else {name: jnp.zeros(s.shape, s.dtype) for name, s in own.items()}
        sums = {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in beside.items()}

        def step(index: jax.Array, count: int, carry: tuple[Logs, Logs, ModelState]) -> tuple[Logs, Logs, ModelState]:
            new_logs, found, new = at(index, count, carry[2])
            return ({} if metrics_hold else new_logs), _added(carry[1], found), alike(new, carry[2])

        logs, sums, state = over_batches(self.validation_rows, size, lane.fold, batches, step, (logs, sums, state))
        if metrics_hold:
            logs = self.metrics_result(state)
        return self.evaluation_logs(scalars(logs), sums, by_fold(self.validation_rows, lane.fold)), state

    def evaluation_logs(self, logs: Logs, sums: Logs, rows: Any) -> Logs:
        """The logs of an evaluation, with what ridgeway adds, from sums over so many rows; see `test_step`."""
        if "losses" in sums:
            name = (NLL if is_likelihood(self.model) else DATA_LOSS).removeprefix("val_")
            mean, square = sums["losses"] / rows
            variance = jnp.maximum(square - mean**2, 0.0)
            logs = {**logs, name: mean, f"{name}_se": jnp.sqrt(variance / jnp.maximum(rows - 1, 1))}
        if RELIABILITY in sums:
            bins = sums[RELIABILITY]
            logs = {**logs, "ece": expected_calibration_error(bins), RELIABILITY: bins}
        return logs

    def test_step(self, state: ModelState, lane: Lane, batch: Batch) -> tuple[Logs, dict[str, jax.Array], ModelState]:
        """One call of the model's own `test_step`; sums over the batch's rows of what ridgeway adds."""
        seen: dict[str, jax.Array] = {}
        model = self.model
        original = model.compute_loss
        restores = [swap for item in self.bound for swap in item.binding.restores()]

        def compute_loss(
            x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **keywords: Any
        ) -> Any:
            with swapped(restores):
                losses = row_losses(model, y, y_pred, sample_weight)
            if losses is not None:
                seen["losses"] = _sums(losses)
            probabilities = class_probabilities(model, y, y_pred)
            if probabilities is not None:
                seen[RELIABILITY] = reliability(*probabilities)
            return original(x, y, y_pred, sample_weight, **keywords)

        # A test_step of the user's own may not ask for a loss, or ask elsewhere in the trace.
        watch = [] if has_own_step(model, "test_step") else [(model, "compute_loss", compute_loss)]
        with self._lane(lane, jnp.int32(0)), swapped(watch):
            logs, (trainable, non_trainable, metrics) = model.test_step(
                (state.trainable, state.non_trainable, state.metrics), batch
            )
        new = state._replace(trainable=list(trainable), non_trainable=list(non_trainable), metrics=list(metrics))
        return dict(logs), seen, new

    # --- prediction -------------------------------------------------------------------------------------------

    def predict(self, weights: Weights, lane: Lane, x: Any, size: int) -> Any:
        """The outputs of the model's own `predict_step` on all rows.

        Args:
            weights: the lane's trainable and non-trainable values.
            lane: its inputs.
            x: inputs, leading axis the rows.
            size: rows computed at a time.
        """
        rows = jax.tree.leaves(x)[0].shape[0]
        full = rows // size

        def outputs(batch: Any) -> Any:
            return self.model.predict_step(weights, batch)[0]

        with self._lane(lane, jnp.int32(0)):
            parts = []
            if full:
                batches = jax.tree.map(lambda array: array[: full * size].reshape(full, size, *array.shape[1:]), x)
                found = lax.map(outputs, batches)
                parts.append(jax.tree.map(lambda array: array.reshape(full * size, *array.shape[2:]), found))
            if rows % size:
                parts.append(outputs(jax.tree.map(lambda array: array[full * size :], x)))
        return jax.tree.map(lambda *pieces: jnp.concatenate(pieces), *parts)

    # --- one epoch of a lane ----------------------------------------------------------------------------------

    def epoch(
        self, state: ModelState, lane: Lane, rows: jax.Array, batches: Any, data: Batch, validation: Any
    ) -> tuple[Logs, ModelState]:
        """Trains an epoch and evaluates on the validation arrays, if there are any.

        `batches` is int32 `(2,)`: the full batches of training and of validation to do; None for all.
        """
        train, check = (None, None) if batches is None else batches
        logs, state = self.train_epoch(state, lane, rows, train, data)
        return self.with_validation(logs, state, lane, check, validation)

    def with_validation(
        self, logs: Logs, state: ModelState, lane: Lane, batches: Any, validation: Any
    ) -> tuple[Logs, ModelState]:
        """Adds the validation logs, each name with the prefix `val_`."""
        if self.validates:
            raw = state.trainable
            found, state = self.evaluate(state._replace(trainable=self.weights(state)[0]), lane, validation, batches)
            if self.evaluates_averages:
                state = state._replace(trainable=raw)
            logs = {**scalars(logs), **{f"val_{name}": value for name, value in found.items()}}
        elif "loss" in logs:
            # No validation would notice weights that the epoch's last update left infinite: the loss was taken before.
            healthy = jnp.all(jnp.stack([jnp.all(jnp.isfinite(value)) for value in state.trainable]))
            logs = {**logs, "loss": jnp.where(healthy, logs["loss"], jnp.nan)}
        return (logs if self.validates else scalars(logs)), state

    @property
    def batches(self) -> tuple[int, int]:
        """Full batches of a whole epoch, of training and of validation; of the longest fold."""
        return (max(self.rows) // self.batch_size, max(self.validation_rows) // self.validation_batch_size)

    @property
    def averages(self) -> bool:
        """Whether the optimizer keeps a moving average of the weights."""
        return self.evaluates_averages or bool(inner_optimizer(self.model).use_ema)

    @property
    def evaluates_averages(self) -> bool:
        """Whether the averages are what is validated and kept, too."""
        return any(item.binding.evaluates_averages for item in self.bound)

    def weights(self, state: ModelState) -> Weights:
        """What is validated and kept of a state: of one lane, or of a stack."""
        return (self.finalize(state), state.non_trainable) if self.evaluates_averages else state.weights

    def finalize(self, state: ModelState) -> list[Any]:
        """The trainable values that `fit` leaves behind: averages where the optimizer keeps a moving average."""
        if not self.averages:
            return state.trainable
        places = self._optimizer_places
        averages = averaged_weights(inner_optimizer(self.model))
        return [
            raw if average is None else state.optimizer[places[id(average)]]
            for raw, average in zip(state.trainable, averages, strict=True)
        ]

    @property
    def _optimizer_places(self) -> dict[int, int]:
        """The place of each optimizer variable in the state, by its id."""
        return {id(variable): place for place, variable in enumerate(self.model.optimizer.variables)}

    def starting_values(self, values: Mapping[str, float]) -> dict[int, float]:
        """The optimizer variables that start at a lane's own value, by their place in the optimizer's list."""
        places = self._optimizer_places
        return {
            places[id(variable)]: value
            for item in self.bound
            for variable, value in item.binding.variables(values[item.name])
        }

    def continued(self, initial: ModelState, weights: Weights, values: Mapping[str, float]) -> ModelState:
        """A starting state with the weights of another lane: random generators and the optimizer begin anew.

        Args:
            initial: the lane's own starting state.
            weights: of the other lane.
            values: the lane's hyperparameters.
        """
        seeds = {id(variable) for variable in seed_variables(self.model)}
        non_trainable = [
            own if id(variable) in seeds else other
            for variable, own, other in zip(
                self.model.non_trainable_variables, initial.non_trainable, weights[1], strict=True
            )
        ]
        optimizer = list(initial.optimizer)
        for place, value in self.starting_values(values).items():
            optimizer[place] = np.asarray(value, optimizer[place].dtype)
        return initial._replace(trainable=list(weights[0]), non_trainable=non_trainable, optimizer=optimizer)

    # --- pieces -----------------------------------------------------------------------------------------------

    def reset_metrics(self, state: ModelState) -> list[jax.Array]:
        """The metrics' starting values; `reset_state` of the metric objects, as `fit` calls each epoch."""
        return [jnp.asarray(variable.value, variable.dtype) for variable in self.model.metrics_variables]

    def metrics_result(self, state: ModelState) -> Logs:
        """The metrics' values under Keras's names."""
        mapping = list(zip(self.model.metrics_variables, state.metrics, strict=True))
        with StatelessScope(state_mapping=mapping):
            return dict(self.model.get_metrics_result())

    @contextlib.contextmanager
    def _lane(self, lane: Lane, step: jax.Array, trained: Sequence[jax.Array] = ()) -> Iterator[None]:
        """The model as this lane has it, for the time of a trace; `trained` are the values that are trained on."""
        values = {item.name: LaneScalar(lane.values[item.name], item.low, item.high, item.name) for item in self.bound}
        before = {id(v): value for v, value in zip(self.model.trainable_variables, trained, strict=bool(trained))}
        context = StepContext(seed=lane.seed, step=step, values=values, epoch=lane.epoch, before=before)
        with contextlib.ExitStack() as stack:
            # One after another, so that what acts on the same place acts on what the others left there; by name, so
            # that the family's own order changes nothing.
            for item in sorted(self.bound, key=lambda item: item.name):
                stack.enter_context(swapped(item.binding.swaps(values[item.name], context)))
            # Their statistics are state like any other: lanes may differ in them.
            stack.enter_context(swapped([normalization_swap(layer) for layer in adapted_normalizations(self.model)]))
            stack.enter_context(dropout_math())
            stack.enter_context(shared_draws(self.in_step))
            stack.enter_context(written(self.written))
            yield


def by_fold(values: Sequence[int], fold: Any) -> Any:
    """The value of a fold: a plain number where all are equal, so that nothing is looked up."""
    return values[0] if len(set(values)) == 1 else jnp.asarray(values, jnp.int32)[fold]


def over_batches(
    rows: Sequence[int], size: int, fold: Any, batches: Any, step: Callable[[Any, int, Carry], Carry], carry: Carry
) -> Carry:
    """Runs a step over a fold's rows: its full batches, then the rows left over.

    Batches are never padded or masked: batch normalization and the mean of a loss would notice. Where folds differ in
    length, what only some of them have runs under a condition; under `vmap` the others compute it too and drop it.

    Args:
        rows: number of rows, by fold.
        size: rows of a full batch.
        fold: int32 scalar.
        batches: int32 scalar, full batches to do at most; None for all: a number that the program knows costs a GPU no
            look from the host at each step.
        step: takes the batch's number, its rows and the carry.
        carry: what the first step gets.

    Returns:
        What the last step gave.
    """
    full = [count // size for count in rows]
    fewest, most = min(full), max(full)
    common = fewest if batches is None else jnp.minimum(batches, fewest)
    if fewest:
        carry = lax.fori_loop(0, common, lambda index, old: step(index, size, old), carry)
    if most > fewest:
        own = by_fold(full, fold) if batches is None else jnp.minimum(batches, by_fold(full, fold))
        carry = lax.fori_loop(common, own, lambda index, old: step(index, size, old), carry)
    for left in sorted({count % size for count in rows} - {0}):
        run = partial(step, jnp.asarray(by_fold(full, fold), jnp.int32), left)
        having = [int(count % size == left) for count in rows]
        carry = run(carry) if all(having) else lax.cond(by_fold(having, fold) == 1, run, lambda old: old, carry)
    return carry


def _rows_at(data: Batch | HeldRows, fold: Any, start: Any, count: int) -> Batch:
    if not isinstance(data, HeldRows):
        return jax.tree.map(lambda array: lax.dynamic_slice_in_dim(array, start, count), data)
    chosen = lax.dynamic_slice(data.rows, (fold, start), (1, count))[0]
    batch: Batch = jax.tree.map(lambda array: array[chosen], data.data)
    return batch


def scalars(logs: Mapping[str, Any]) -> Logs:
    """Logs as float32 scalars: a metric with a value for each class (`F1Score`) gives `f1_score_0` and so on."""
    flat: Logs = {}
    for name, value in logs.items():
        values = jnp.asarray(value, jnp.float32)
        parts = values.reshape(-1)
        flat |= {name: values} if values.ndim == 0 else {f"{name}_{k}": part for k, part in enumerate(parts)}
    return flat


def _added(sums: Logs, found: Logs) -> Logs:
    return {name: value + found[name] for name, value in sums.items()}


def _sums(losses: jax.Array) -> jax.Array:
    losses = losses.astype(jnp.float32)
    return jnp.stack([jnp.sum(losses), jnp.sum(losses**2)])


def alike(new: ModelState, old: ModelState) -> ModelState:
    """The new state in the old one's dtypes: a weak type that came in by a constant would not fit the loop."""
    return jax.tree.map(lambda value, reference: jnp.asarray(value, reference.dtype), new, old)
