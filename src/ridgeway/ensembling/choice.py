"""The lanes of an ensemble, and what they are worth together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ridgeway.selection.values import shown


@dataclass(frozen=True)
class Member:
    """One configuration in an ensemble, as one repeat trained it.

    Attributes:
        configuration: value of every hyperparameter.
        repeat: its number.
        lanes: its lanes: one, or one a fold, whose mean it gives.
        count: how many times it was taken; its weight in the mean is `count` over the sum of all counts.
    """

    configuration: dict[str, Any]
    repeat: int
    lanes: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Score:
    """A value on test rows, with its 95 % percentile interval by bootstrap over them."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class EnsembleChoice:
    """Lanes that are better together.

    Attributes:
        chosen_by: "greedy" or "seeds".
        members: the most frequent first.
        metric: what was measured, such as "val_nll".
        mode: "min" or "max".
        candidates: out of how many the members were taken.
        validation: the ensemble's metric on the validation rows, by which it was chosen; NaN where there were none.
            With folds each row is predicted by the lanes that did not train on it.
        single_validation: the best candidate's, on the same rows.
        single_lanes: that candidate's lanes.
        trace: the metric after each member that was taken.
        rows: number of validation rows.
        test: the ensemble on test rows; None where none were set aside.
        single_test: the best candidate on them.
        gain: by how much the ensemble is better there than the candidate, on the same draws of rows.
        test_rows: number of test rows.
        left_out: how many more were taken, of which there was no time to train them once more on all rows; the scores
            are those of all together.
    """

    chosen_by: str
    members: tuple[Member, ...]
    metric: str
    mode: str
    candidates: int
    validation: float
    single_validation: float
    single_lanes: tuple[int, ...]
    trace: tuple[float, ...]
    rows: int
    test: Score | None = None
    single_test: Score | None = None
    gain: Score | None = None
    test_rows: int = 0
    left_out: int = 0

    @property
    def counts(self) -> dict[int, int]:
        """How many times each lane counts in the mean."""
        return {lane: member.count for member in self.members for lane in member.lanes}

    def __str__(self) -> str:
        """On a few lines: the scores, then a line a member."""
        size = sum(member.count for member in self.members)
        name = self.metric.removeprefix("val_")
        members = "1 member" if size == 1 else f"{size} members, {len(self.members)} of them different"
        lines = [
            f"{members}: {name} {self.validation:.4g} on validation rows (best alone {self.single_validation:.4g})"
        ]
        if self.test and self.single_test:
            lines[0] += f", {self.test.value:.4g} on test rows (best alone {self.single_test.value:.4g})"
        if self.left_out:
            lines[0] += f"; these are scores of {size + self.left_out}, of which time left {self.left_out} out"
        for member in self.members:
            values = ", ".join(f"{name}={shown(value, 4)}" for name, value in member.configuration.items())
            lines.append(f"  {member.count} × {values} (repeat {member.repeat})")
        return "\n".join(lines)

    @classmethod
    def from_json(cls, noted: dict[str, Any]) -> EnsembleChoice:
        """Reads what `dataclasses.asdict` gave, as it stands in `run.json`."""
        # Runs of before have no `left_out`.
        own = {field.name: noted[field.name] for field in fields(cls) if field.name in noted}
        scores = {name: Score(**own[name]) if own[name] else None for name in ("test", "single_test", "gain")}
        members = tuple(Member(**{**one, "lanes": tuple(one["lanes"])}) for one in own["members"])
        tuples = {name: tuple(own[name]) for name in ("single_lanes", "trace")}
        return cls(**{**own, **scores, **tuples, "members": members})
