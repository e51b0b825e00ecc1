"""Lanes grouped by structure: each group is what one compiled program trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax

from ridgeway.data import Parts
from ridgeway.engine.binding import bind
from ridgeway.engine.lanes import LanePlan
from ridgeway.engine.probe import Job
from ridgeway.engine.queues import Group
from ridgeway.engine.state import initial_states
from ridgeway.engine.step import EpochProgram, HeldRows
from ridgeway.families import Configuration, Family
from ridgeway.hyperparameters import Decay, is_choice
from ridgeway.structures import Variants, scaled_states, structure_of


@dataclass
class Grouping:
    """Binds a family to the model, structure by structure, each once.

    Attributes:
        variants: the model in its structures.
        family: what is varied.
        parts: the rows.
        repeats: lanes a configuration and fold.
        batch_size: training rows a step.
        validation_batch_size: validation rows a step.
        epochs: most epochs of a lane.
        keepers: sets of kept weights that each lane has.
        decay: what weight decay acts on.
        seed: of all random draws.
    """

    variants: Variants
    family: Family
    parts: Parts
    repeats: int
    batch_size: int
    validation_batch_size: int
    epochs: int
    decay: Decay
    seed: int
    keepers: int = 1
    _known: dict[tuple[tuple[str, str], ...], Group] = field(init=False, default_factory=dict)

    def groups(self, configurations: Sequence[Configuration], first: int = 0) -> list[Group]:
        """The lanes to train, those of one structure together, in the order in which structures first come.

        Args:
            configurations: in the order in which they are numbered.
            first: the number of the first.
        """
        plans: dict[tuple[tuple[str, str], ...], list[LanePlan]] = {}
        folds = self.parts.count
        for number, configuration in enumerate(configurations, start=first):
            members = plans.setdefault(tuple(sorted(structure_of(configuration).items())), [])
            members += [
                LanePlan(
                    (number * self.repeats + repeat) * folds + fold,
                    configuration,
                    repeat,
                    fold,
                    self._start(configuration, repeat, fold),
                    number,
                )
                for repeat in self.family.repeats_of(number, self.repeats)
                for fold in range(folds)
            ]
        return [self._group(key, members) for key, members in plans.items()]

    @property
    def _scalings(self) -> list[str]:
        return [str(scaling) for scaling in self.family.values.get("input_scaling", ())]

    def _start(self, configuration: Mapping[str, Any], repeat: int, fold: int) -> int:
        """The place of a lane's starting state among those of `_initials`."""
        if not self._scalings:
            return repeat
        scaling = self._scalings.index(str(configuration["input_scaling"]))
        return (fold * len(self._scalings) + scaling) * self.repeats + repeat

    def _group(self, key: tuple[tuple[str, str], ...], plans: list[LanePlan]) -> Group:
        if key not in self._known:
            self._known[key] = self._built(plans)
        known = self._known[key]
        known.job = replace(known.job, keepers=self.keepers)
        return replace(known, plans=plans, job=replace(known.job, lanes=len(plans), values=plans[0].numbers))

    def _built(self, plans: Sequence[LanePlan]) -> Group:
        model, parts = self.variants.of(plans[0].configuration), self.parts
        data = (parts.train.x, parts.train.y, parts.train.sample_weight)
        numbers = {
            name: [float(value) for value in values]
            for name, values in self.family.values.items()
            if not is_choice(name)
        }
        bound = bind(model, numbers, self.decay, self.seed, jax.tree.map(lambda array: array[:1], data))
        program = EpochProgram(
            model,
            bound,
            min(self.batch_size, max(parts.rows)),
            self.validation_batch_size,
            parts.rows,
            parts.validation_rows,
        )
        initials = initial_states(model, self.repeats, self.seed)
        if self._scalings:
            # Each fold by the statistics of its own training rows.
            initials = [
                state
                for fold in range(parts.count)
                for states in scaled_states(model, initials, parts.training(fold).x, self._scalings)
                for state in states
            ]
        checked: Any = None
        if parts.validation is not None:
            checked = (parts.validation.x, parts.validation.y, parts.validation.sample_weight)
        if parts.folds is not None:
            checked = HeldRows(checked, parts.folds.padded())
        job = Job(program, data, checked, initials, 1, len(plans), self.epochs, plans[0].numbers, self.repeats)
        return Group(list(plans), bound, job)
