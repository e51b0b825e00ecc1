"""Lanes grouped by structure: each group is what one compiled program trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax

from ridgeway.data import Parts
from ridgeway.engine.binding import bind
from ridgeway.engine.common import common_places
from ridgeway.engine.labels import check_fit
from ridgeway.engine.lanes import LanePlan
from ridgeway.engine.probe import Job
from ridgeway.engine.queues import Group
from ridgeway.engine.signature import Signature
from ridgeway.engine.state import initial_states
from ridgeway.engine.step import EpochProgram, HeldRows
from ridgeway.errors import InputError
from ridgeway.families import Bayes, Configuration, Family
from ridgeway.hyperparameters import Decay, is_built
from ridgeway.probes import ProbeProgram
from ridgeway.structures import Builder, Structure, Variants, arguments_of, key_of, scaled_states, structure_of
from ridgeway.warm_start import in_turn


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
        builder: the function that builds the model, None where a model was given.
        warm_start: the hyperparameter along which each lane begins with the weights of the one before it, or None.
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
    builder: Builder | None = None
    keepers: int = 1
    warm_start: str | None = None
    _known: dict[Structure, Group] = field(init=False, default_factory=dict)
    _first: tuple[str, Signature] | None = field(init=False, default=None)

    def groups(self, configurations: Sequence[Configuration], first: int = 0) -> list[Group]:
        """The lanes to train, those of one structure together, in the order in which structures first come.

        Args:
            configurations: in the order in which they are numbered.
            first: the number of the first.

        Raises:
            InputError: a hyperparameter acts on nothing in a structure; the function's models can't be compared.
        """
        plans: dict[Structure, list[LanePlan]] = {}
        asked = [*self._choosing(configurations, first), *self._nested(configurations)]
        for plan in asked if self.warm_start is None else in_turn(asked, self.warm_start):
            plans.setdefault(key_of(structure_of(plan.configuration)), []).append(plan)
        return [self._group(key, members) for key, members in plans.items()]

    def group_of(self, plans: Sequence[LanePlan]) -> Group:
        """The group of plans of one structure; errors as in `groups`."""
        return self._group(key_of(structure_of(plans[0].configuration)), list(plans))

    def probe(self, group: Group, names: tuple[str, ...]) -> ProbeProgram | None:
        """What looks into a group's lanes by these probes, None for no looks."""
        if not names:
            return None
        folds = None if self.parts.trained is None else self.parts.trained.train
        return ProbeProgram.of(group.job.program, names, group.job.data, group.job.epochs, folds)

    def _choosing(self, configurations: Sequence[Configuration], first: int) -> Iterator[LanePlan]:
        """The lanes that take part in the choice."""
        folds = self.parts.choosing
        for number, configuration in enumerate(configurations, start=first):
            for repeat in self.family.repeats_of(number, self.repeats):
                for fold in range(folds):
                    lane = (number * self.repeats + repeat) * folds + fold
                    start = self._start(configuration, repeat, fold)
                    yield LanePlan(lane, configuration, repeat, fold, start, number)

    def _nested(self, configurations: Sequence[Configuration]) -> Iterator[LanePlan]:
        """The lanes of the outer folds, numbered after all others, which have the numbers of a run without them."""
        if self.parts.nested is None:
            return
        outers, before = self.parts.nested.outer, self.parts.choosing
        lane = len(configurations) * self.repeats * before
        for number, configuration in enumerate(configurations):
            for repeat in self.family.repeats_of(number, self.repeats):
                for fold, outer in enumerate(outers, start=before):
                    start = self._start(configuration, repeat, fold)
                    yield LanePlan(lane, configuration, repeat, fold, start, number, outer)
                    lane += 1

    @property
    def _scalings(self) -> list[str]:
        return [str(scaling) for scaling in self.family.values.get("input_scaling", ())]

    def _start(self, configuration: Mapping[str, Any], repeat: int, fold: int) -> int:
        """The place of a lane's starting state among those of `_initials`."""
        if not self._scalings:
            return repeat
        scaling = self._scalings.index(str(configuration["input_scaling"]))
        return (fold * len(self._scalings) + scaling) * self.repeats + repeat

    def _group(self, key: Structure, plans: list[LanePlan]) -> Group:
        if key not in self._known:
            self._known[key] = self._built(plans) if self.builder is None else self._alike(self.builder, plans)
        known = self._known[key]
        known.job = replace(known.job, keepers=self.keepers)
        at_once = None if self.warm_start is None else sum(plan.after is None for plan in plans)
        together = at_once is None and not isinstance(self.family, Bayes)
        job = replace(known.job, lanes=len(plans), values=plans[0].numbers, at_once=at_once, together=together)
        return replace(known, plans=plans, job=job)

    def _alike(self, builder: Builder, plans: Sequence[LanePlan]) -> Group:
        """A group of a model that the function built, held against the first one's."""
        called = builder.called(arguments_of(plans[0].configuration))
        data = (self.parts.train.x, self.parts.train.y, self.parts.train.sample_weight)
        try:
            check_fit(self.variants.given(plans[0].configuration), jax.tree.map(lambda array: array[:1], data))
            group = self._built(plans)
        except InputError as error:
            where = "" if str(error).startswith(called) else f"{called}: "
            raise InputError(f"{where}{error}") from error
        signature = Signature.of(group.job)
        first, known = self._first = self._first or (called, signature)
        if difference := signature.difference(known):
            raise InputError(
                f"The model of {called} {difference} as that of {first}: their lanes can't be compared. Let {builder} "
                "build models with the same outputs, losses and metrics."
            )
        return group

    def _built(self, plans: Sequence[LanePlan]) -> Group:
        model, parts = self.variants.of(plans[0].configuration), self.parts
        data = (parts.train.x, parts.train.y, parts.train.sample_weight)
        numbers = {
            name: [float(value) for value in values]
            for name, values in self.family.values.items()
            if not is_built(name)
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
        rows: Any = data
        if parts.streamed is not None:
            rows, checked = parts.streamed.streams(program.batch_size, program.validation_batch_size)
        elif parts.validation is not None:
            checked = (parts.validation.x, parts.validation.y, parts.validation.sample_weight)
        if parts.trained is not None:
            checked = HeldRows(checked, parts.trained.padded())
        job = Job(program, rows, checked, initials, 1, len(plans), self.epochs, plans[0].numbers, self.repeats)
        job = replace(job, common=common_places(program, initials, job.example_lane, job.first))
        return Group(list(plans), bound, job)
