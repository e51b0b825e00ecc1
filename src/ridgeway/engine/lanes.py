"""A lane before and after its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ridgeway.hyperparameters import is_built

Weights = tuple[list[Any], list[Any]]

COMPLETED, EARLY, DIVERGED, INTERRUPTED = "completed", "early stopping", "diverged", "interrupted"
TARGET, TIME_UP, PATH_STOPPED, HALVED = "target reached", "time is up", "path stopped", "halved"


@dataclass(frozen=True)
class LanePlan:
    """One training to be done: a configuration with one seed and one fold.

    Attributes:
        lane: its number.
        configuration: a value for every hyperparameter; some are built into the model or its starting state.
        repeat: which seed.
        fold: which part is held out.
        start: place of its starting state among those that the executor holds.
        configuration_number: place of its configuration in the family.
        outer: the outer fold whose rows it must not see, None for a lane that takes part in the choice.
        after: the lane whose kept weights it begins with, None for the starting state.
    """

    lane: int
    configuration: Mapping[str, float | str]
    repeat: int = 0
    fold: int = 0
    start: int = 0
    configuration_number: int = 0
    outer: int | None = None
    after: int | None = None

    @property
    def numbers(self) -> dict[str, float]:
        """The part of the configuration that a step is traced with."""
        return {name: float(value) for name, value in self.configuration.items() if not is_built(name)}

    def epochs(self, most: int) -> int:
        """Most epochs of this lane, where all may have so many."""
        return min(most, int(self.configuration.get("max_epochs", most)))


@dataclass(eq=False)
class LaneResult:
    """What a lane's training gave.

    Attributes:
        plan: what was trained.
        history: the logs of each epoch.
        arrays: what each epoch gave beside numbers, by name.
        probed: epochs, counted from 0, after which the lane was looked at, with what was measured.
        stopped: why, one of the words above.
        kept_epochs: for each keeping rule the kept epoch, counted from 0, or -1.
        fell_back: whether the first rule kept no epoch, so that the last one stands for it.
        last: host weights after the last epoch, as `fit` would leave them.
        kept: host weights of the kept epoch, for each keeping rule.
        seconds: wall time of its epochs, divided among the lanes that trained beside it.
        sizes: of its kept weights, where they have been measured.
    """

    plan: LanePlan
    history: list[dict[str, float]] = field(default_factory=list)
    arrays: list[dict[str, Any]] = field(default_factory=list)
    probed: list[tuple[int, Any]] = field(default_factory=list)
    stopped: str = INTERRUPTED
    kept_epochs: tuple[int, ...] = ()
    fell_back: bool = False
    last: Weights | None = None
    kept: list[Weights] = field(default_factory=list)
    seconds: float = 0.0
    sizes: dict[str, float] | None = None
