"""What a learner may set, and the name under which a result is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

#: Told the share of the work that is done, 0 to 1.
Progress = Callable[[float], None]


def one_of(*allowed: float) -> AfterValidator:
    """What lets a number through that is one of those given: each other one would be compiled and trained anew."""

    def check(value: float) -> float:
        if value not in allowed:
            raise ValueError(f"{value} is none of {', '.join(map(str, allowed))}.")
        return value

    return AfterValidator(check)


#: Share of wrong labels that is planted among training rows.
Wrong = Annotated[float, one_of(0.0, 0.1, 0.2)]


class ExperimentSettings(BaseModel):
    """Settings that all experiments have; each adds its own, all of them bounded.

    Attributes:
        seed: of the data's split, the starting weights and the order of rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, le=9999)


class WrongLabelsSettings(ExperimentSettings):
    """Those of experiments that plant wrong labels.

    Attributes:
        wrong: share of wrong labels planted among the training rows.
    """

    wrong: Wrong = 0.2


def key(experiment: str, version: int, settings: ExperimentSettings) -> str:
    """The name of a result: it changes with the experiment, its version and every setting.

    Args:
        experiment: its id.
        version: of the computing module.
        settings: all of them, defaults included.

    Returns:
        32 hexadecimal digits.
    """
    text = json.dumps([experiment, version, settings.model_dump(mode="json")], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
