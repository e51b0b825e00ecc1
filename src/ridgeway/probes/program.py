"""The probes of one lane as a pure function of its state, to be traced under `vmap` like an epoch."""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ridgeway.data import Stream
from ridgeway.engine.state import ModelState, read_state
from ridgeway.engine.step import Batch, EpochProgram
from ridgeway.errors import InputError
from ridgeway.hyperparameters import swapped
from ridgeway.keras_internals import adapted_normalizations, normalization_swap, row_losses, training_argument
from ridgeway.probes.capture import Captured, capturing, weighted_layers
from ridgeway.probes.measures import gradient, largest_eigenvalue, ranked, saturation, shift
from ridgeway.telling import warn

#: What each probe records; "" stands for the whole model.
PROBES = ("covariate_shift", "saturation", "gradients", "sharpness", "generalization_gap")
#: Rows that are looked at: enough for means, few enough to be cheap.
ROWS = 64
#: Rows for the loss on training data, whose error would be the gap's.
GAP_ROWS = 512
# Hessian-vector products an epoch; power iteration goes on from the last epoch's direction.
_PRODUCTS = 2
# Of training time.
_SHARE = 0.1
# In a run at least.
_LOOKS = 5
# What each costs in forward passes of one row: a gradient is three, a Hessian-vector product about eight. Small models
# are slower a row here than in training, which `_OVERHEAD` stands for.
_COSTS = {
    "covariate_shift": ROWS,
    "saturation": ROWS,
    "gradients": 3 * ROWS,
    "sharpness": 8 * _PRODUCTS * ROWS,
    "generalization_gap": GAP_ROWS,
}
# What a look costs beside in small models, in parameter-rows, and a number that takes part in a sort: measured on case
# (a) of the benchmark.
_OVERHEAD = 1_000_000
_SORT = 600

_GIVEN_BY = {
    "shift_mean": "covariate_shift",
    "shift_spread": "covariate_shift",
    "shift_wasserstein": "covariate_shift",
    "saturation": "saturation",
    "dead": "saturation",
    "gradient_norm": "gradients",
    "gradient_ratio": "gradients",
    "sharpness": "sharpness",
    "train_loss": "generalization_gap",
}
_NEEDS = {
    "covariate_shift": "a layer with a kernel",
    "saturation": "an activation such as 'relu' outside of recurrent cells",
    "gradients": "a layer with a trainable kernel",
    "sharpness": "a trainable weight",
    "generalization_gap": "a loss",
}

#: A measured value: probe's number's name, layer; in the order of the array that the program gives.
Label = tuple[str, str]


def checked_probes(probes: Iterable[str] | str) -> tuple[str, ...]:
    """The probes asked for, in their usual order.

    Raises:
        InputError: an unknown name; gives the nearest.
    """
    asked = [probes] if isinstance(probes, str) else list(probes)
    for name in asked:
        if name not in PROBES:
            near = difflib.get_close_matches(str(name), PROBES, n=1, cutoff=0.4)
            hint = f" The nearest is {near[0]!r}." if near else ""
            raise InputError(f"Unknown probe {name!r}.{hint} There are {', '.join(PROBES)}.")
    return tuple(name for name in PROBES if name in asked)


@dataclass(frozen=True)
class ProbeProgram:
    """Looks at one lane after an epoch.

    Attributes:
        program: how the lane trains.
        probes: what to measure.
        data: the training rows to look at, fold axis first, at most `GAP_ROWS` a fold, the same for all its lanes and
            epochs.
        every: epochs from one look to the next.
    """

    program: EpochProgram
    probes: tuple[str, ...]
    data: Batch
    every: int

    @classmethod
    def of(
        cls,
        program: EpochProgram,
        probes: tuple[str, ...],
        data: Batch | Stream,
        epochs: int,
        folds: Sequence[np.ndarray] | None = None,
    ) -> ProbeProgram:
        """Takes the first rows of each fold, and looks so often that it costs less than a tenth of the training time.

        In a short run it looks five times all the same: one look says nothing of how things move.

        Args:
            program: how the lane trains.
            probes: what to measure.
            data: arrays that hold the training rows, or what streams them.
            epochs: most epochs of a lane.
            folds: numbers of each fold's training rows; None where all rows are of the one fold.
        """
        rows = max(program.rows)
        few = min(GAP_ROWS, *program.rows)
        if isinstance(data, Stream):
            data = data.head(few)
        firsts = [slice(few)] if folds is None else [own[:few] for own in folds]
        looked_at = jax.tree.map(lambda array: np.stack([array[own] for own in firsts]), data)
        once = cls(program, probes, looked_at, 1)
        beside = _OVERHEAD * len(probes)
        if "covariate_shift" in probes:
            shapes = jax.eval_shape(once._ranked, read_state(program.model))
            beside += _SORT * sum(shape.size for shape in shapes.values())
        cost = sum(_COSTS[name] for name in probes) + beside / max(program.model.count_params(), 1)
        return replace(once, every=max(1, min(math.ceil(cost / (_SHARE * 3 * rows)), epochs // _LOOKS))).acting()

    def acting(self) -> ProbeProgram:
        """Without those of the probes that find nothing to measure in this model.

        Raises:
            InputError: none is left.

        Warns:
            UserWarning: some are left out.
        """
        measured = {_GIVEN_BY[name] for name, _ in self.labels(read_state(self.program.model))}
        idle = [name for name in self.probes if name not in measured]
        if not idle:
            return self
        what = f"{', '.join(idle)}: nothing to measure in this model, for it lacks {_NEEDS[idle[0]]}"
        if len(idle) == len(self.probes):
            raise InputError(f"The probes find nothing. {what}. Leave probes out, or add such a layer.")
        warn(f"Probes are left out. {what}.")
        return replace(self, probes=tuple(name for name in self.probes if name in measured))

    def labels(self, state: ModelState) -> list[Label]:
        """What the measured numbers are, by tracing without computing."""
        found: list[Label] = []

        def trace(state: ModelState) -> Any:
            measured = self._measured(state, self.start(state), self._first_fold)[0]
            found.extend(measured)
            return list(measured.values())

        jax.eval_shape(trace, state)
        return found

    def start(self, state: ModelState) -> dict[str, Any]:
        """What stands in the place of an earlier look before there was one."""
        carry: dict[str, Any] = {"looked": jnp.zeros((), bool)}
        if "covariate_shift" in self.probes:
            carry["inputs"] = jax.tree.map(
                lambda shape: jnp.zeros(shape.shape, shape.dtype), jax.eval_shape(self._ranked, state)
            )
        if "sharpness" in self.probes:
            # Any direction that is not orthogonal to the one looked for will do.
            carry["direction"] = [
                jnp.sin(jnp.arange(v.size, dtype=v.dtype) + 1).reshape(v.shape) for v in state.trainable
            ]
        return carry

    def __call__(
        self, state: ModelState, carry: dict[str, Any], data: Batch, fold: Any = 0
    ) -> tuple[jax.Array, dict[str, Any]]:
        """Measures.

        Args:
            state: the lane's, after an epoch.
            carry: of the lane's last look, or `start`.
            data: as in the attribute: an argument, so that it is no constant of the program.
            fold: int32 scalar, the lane's.

        Returns:
            float32 `(label,)`, and the carry for the next look.
        """
        # Where there is one fold no lane needs a copy of its own.
        own = jax.tree.map(lambda array: array[fold if len(array) > 1 else 0], data)
        measured, carry = self._measured(state, carry, own)
        return jnp.stack([jnp.asarray(value, jnp.float32) for value in measured.values()]), carry

    def _measured(
        self, state: ModelState, carry: dict[str, Any], data: Batch
    ) -> tuple[dict[Label, jax.Array], dict[str, Any]]:
        found: dict[Label, jax.Array] = {}
        new: dict[str, Any] = {"looked": jnp.ones((), bool)}
        captured = self._captured(state, data)
        if "covariate_shift" in self.probes:
            # Sorting costs more than the model's own pass: the next look finds these sorted.
            new["inputs"] = {layer: ranked(inputs) for layer, inputs in captured.inputs.items()}
            for layer, after in new["inputs"].items():
                # Before the first look there is nothing to compare with.
                for name, value in shift(carry["inputs"][layer], after).items():
                    found[name, layer] = jnp.where(carry["looked"], value, jnp.nan)
        if "saturation" in self.probes:
            for layer, slopes in captured.slopes.items():
                found |= {(name, layer): value for name, value in saturation(slopes).items()}
        if "gradients" in self.probes or "sharpness" in self.probes:
            found |= self._slopes_of_loss(state, carry, new, data)
        if "generalization_gap" in self.probes:
            found["train_loss", ""] = self._loss(state.trainable, state, data)
        return found, new

    def _slopes_of_loss(
        self, state: ModelState, carry: dict[str, Any], new: dict[str, Any], data: Batch
    ) -> dict[Label, jax.Array]:
        few = jax.tree.map(lambda array: array[:ROWS], data)
        found: dict[Label, jax.Array] = {}

        def gradient_of(trainable: Any) -> Any:
            return jax.grad(self._loss)(trainable, state, few)

        if "gradients" in self.probes:
            gradients = gradient_of(state.trainable)
            owners = {
                id(variable): layer.name
                for layer, kernels in weighted_layers(self.program.model)
                for variable in kernels
            }
            variables = self.program.model.trainable_variables
            for variable, slope, value in zip(variables, gradients, state.trainable, strict=True):
                if id(variable) in owners:
                    for name, number in gradient(slope, value).items():
                        found.setdefault((name, owners[id(variable)]), number)
        if "sharpness" in self.probes:
            value, direction = largest_eigenvalue(gradient_of, state.trainable, carry["direction"], _PRODUCTS)
            found["sharpness", ""] = value
            # A lane that went astray must not leave a direction that is no number.
            fine = jnp.isfinite(value)
            new["direction"] = [
                jnp.where(fine, part, old) for part, old in zip(direction, carry["direction"], strict=True)
            ]
        return found

    def _ranked(self, state: ModelState) -> dict[str, jax.Array]:
        return {layer: ranked(inputs) for layer, inputs in self._captured(state, self._first_fold).inputs.items()}

    @property
    def _first_fold(self) -> Batch:
        first: Batch = jax.tree.map(lambda array: array[0], self.data)
        return first

    def _captured(self, state: ModelState, data: Batch) -> Captured:
        x = jax.tree.map(lambda array: array[:ROWS], data[0])
        with self._scaled(), capturing(self.program.model) as captured:
            # As training sees it: batch normalization by the batch's own statistics.
            model = self.program.model
            model.stateless_call(state.trainable, state.non_trainable, x, **training_argument(model, True))
        return captured

    def _scaled(self) -> contextlib.AbstractContextManager[None]:
        """Input scaling by the lane's own statistics, as in training."""
        model = self.program.model
        return swapped([normalization_swap(layer) for layer in adapted_normalizations(model)])

    def _loss(self, trainable: Any, state: ModelState, data: Batch) -> jax.Array:
        """Mean loss on hard labels, without penalties, as the model predicts."""
        x, y, weight = data
        with self._scaled():
            model = self.program.model
            outputs = model.stateless_call(trainable, state.non_trainable, x, **training_argument(model, False))[0]
        losses = row_losses(self.program.model, y, outputs, weight)
        if losses is None:
            raise InputError(
                "The probes gradients, sharpness and generalization_gap need a loss that Keras computes by row. "
                "Compile with one, or leave these probes out."
            )
        return jnp.mean(losses)
