"""What a run may vary, and what a form says of it; told without Keras, which the server never loads."""

from __future__ import annotations

from dataclasses import dataclass

from ridgeway.errors import InputError
from ridgeway.vary import parse_vary


@dataclass(frozen=True)
class Offered:
    """A hyperparameter that the form offers.

    Attributes:
        name: as `--vary` has it.
        values: that it begins with, as they stand after `--vary name=`.
        low: smallest value that it takes; `below` is the first that is too large.
        below: see `low`.
        chosen: whether it is varied unless one says otherwise.
        words: that it takes in place of numbers.
        task: that it is for, or any.
    """

    name: str
    values: str
    low: float = 0.0
    below: float = float("inf")
    chosen: bool = False
    words: tuple[str, ...] = ()
    task: str = ""


OFFERED = (
    Offered("weight_decay", "0,1e-3,3e-3,1e-2,3e-2,1e-1,3e-1,1", chosen=True),
    Offered("dropout", "0,0.25,0.5", below=1.0, chosen=True),
    Offered("label_smoothing", "0,0.05,0.1,0.2", below=1.0, task="classification"),
    Offered("l1", "0,1e-5,1e-4,1e-3"),
    Offered("l2", "0,1e-5,1e-4,1e-3,1e-2"),
    Offered("input_dropout", "0,0.1,0.2", below=1.0),
    Offered("noise", "0,0.05,0.1"),
    Offered("learning_rate", "3e-4,1e-3,3e-3", low=1e-12),
    Offered("normalization", "none,batch,layer", words=("none", "batch", "layer", "instance", "group")),
)


def parsed(specification: str) -> tuple[str, list[float | str]]:
    """The name and values of a `--vary`, as the command line reads them.

    Raises:
        InputError: it can't be read.
    """
    name, _, values = specification.partition("=")
    if ":" in values:
        return parse_vary(specification)
    given = [value.strip() for value in values.split(",")]
    try:
        return name.strip(), [float(value) for value in given]
    except ValueError:
        if not all(value.isidentifier() for value in given):
            raise InputError(
                f"--vary {specification!r} can't be read. Write numbers or words with commas between them."
            ) from None
        return name.strip(), [*given]
