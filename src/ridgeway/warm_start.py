"""Warm starts along a strength: each lane begins where the one before it ended, as in glmnet's paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ridgeway.engine.lanes import LanePlan
from ridgeway.errors import InputError
from ridgeway.hyperparameters import is_built


def check_warm_start(name: str, values: Mapping[str, Sequence[Any]]) -> None:
    """Refuses what no lane could be ordered by.

    Args:
        name: of the hyperparameter.
        values: of the family, by name.

    Raises:
        InputError: the family does not vary it, or it is built into the model.
    """
    if name not in values:
        raise InputError(
            f"warm_start='{name}' is not varied by the family, which has {', '.join(values)}. Name one of them."
        )
    if is_built(name) or name == "max_epochs" or any(isinstance(value, str) for value in values[name]):
        raise InputError(
            f"warm_start='{name}' is no strength that lanes of one model differ in. Name one, such as weight_decay."
        )


def in_turn(plans: Sequence[LanePlan], name: str) -> list[LanePlan]:
    """The plans, each after the one with the next smaller value that is like it in all else.

    Args:
        plans: of a path.
        name: of the hyperparameter.
    """
    chains: dict[Any, list[LanePlan]] = {}
    for plan in plans:
        others = tuple(sorted((key, value) for key, value in plan.configuration.items() if key != name))
        chains.setdefault((plan.repeat, plan.fold, plan.outer, others), []).append(plan)
    after: dict[int, int] = {}
    for chain in chains.values():
        ordered = sorted(chain, key=lambda plan: (float(plan.configuration[name]), plan.lane))
        after |= {plan.lane: before.lane for before, plan in zip(ordered[:-1], ordered[1:], strict=True)}
    return [replace(plan, after=after.get(plan.lane)) for plan in plans]
