"""The topics of the lecture, in its order: each is a lesson, has an experiment, and is asked about in the quiz."""

from __future__ import annotations

from typing import Literal, get_args

Lesson = Literal[
    "overview",
    "weight-decay",
    "norms",
    "early-stopping",
    "saving-best",
    "dropout",
    "input-normalization",
    "normalizations",
    "covariate-shift",
    "coding",
    "label-smoothing",
]
LESSONS: tuple[Lesson, ...] = get_args(Lesson)
