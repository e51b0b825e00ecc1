"""Configurations drawn at random."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterable, Mapping

import numpy as np

from ridgeway.errors import InputError
from ridgeway.families.family import Configuration, Family, Value, checked_values
from ridgeway.families.range import Range, checked_ranges

# Draws for one configuration before the family counts as exhausted.
_TRIES = 1000


class Random(Family):
    """Configurations drawn at random, each hyperparameter by itself.

    Where few of many hyperparameters matter, as a rule, random draws find a good configuration with fewer lanes than a
    grid: each lane tries a new value of the ones that matter (Bergstra & Bengio 2012, "Random Search for
    Hyper-Parameter Optimization", JMLR 13). All configurations differ; what a hyperparameter is drawn as
    does not depend on the others that are there.

    Args:
        n: configurations, at least 1.
        seed: of the draws, a whole number from 0.
        values: ranges and lists by name, for names that are no Python identifiers ("dense_1.kernel_regularizer.l2").
        **named: for each hyperparameter a `Range`, a list to pick from evenly, or one value for all lanes.

    Raises:
        InputError: an impossible name, a value or an end of a range out of its range, no values, a count or a
            seed that is none, or lists with fewer combinations than `n`.

    Example:
        >>> import ridgeway as rw
        >>> family = rw.Random(32, weight_decay=rw.Range(1e-5, 1e-1, log=True, zero=0.2), dropout=[0.0, 0.25, 0.5])
        >>> len(family)
        32
    """

    def __init__(
        self,
        n: int,
        seed: int = 0,
        values: Mapping[str, Range | Iterable[Value]] | None = None,
        **named: Range | Iterable[Value] | Value,
    ) -> None:
        if not isinstance(n, int | np.integer) or n < 1:
            raise InputError(f"Random(n={n!r}) is no whole number from 1. Pass how many configurations to draw.")
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise InputError(f"Random(seed={seed!r}) is no whole number from 0. Pass one.")
        self.n, self.seed = int(n), int(seed)
        self.ranges = checked_ranges({**(values or {}), **named})
        self._configurations = self._draw()
        self.values = checked_values({name: [drawn[name] for drawn in self._configurations] for name in self.ranges})

    def _draw(self) -> list[Configuration]:
        sizes = [math.inf if isinstance(given, Range) else len(given) for given in self.ranges.values()]
        if math.prod(sizes) < self.n:
            raise InputError(
                f"Random({self.n}) can't draw {self.n} different configurations from lists with "
                f"{math.prod(sizes)} combinations. Lower n, or use Grid for all of them."
            )
        drawn: dict[tuple[Value, ...], Configuration] = {}
        for number in range(self.n):
            for attempt in itertools.count():
                configuration = {name: self._value(name, number, attempt) for name in self.ranges}
                if tuple(configuration.values()) not in drawn:
                    break
                if attempt == _TRIES:
                    raise InputError(
                        f"Random({self.n}) found only {len(drawn)} different configurations. Lower n, or the "
                        "probabilities `zero` of the ranges."
                    )
            drawn[tuple(configuration.values())] = configuration
        return list(drawn.values())

    def _value(self, name: str, number: int, attempt: int) -> Value:
        given = self.ranges[name]
        # A stream of its own for each name and draw: leaving one out changes no other.
        random = np.random.default_rng([self.seed, number, attempt, zlib.crc32(name.encode())])
        return (
            given.draw(random, given.whole(name))
            if isinstance(given, Range)
            else given[int(random.integers(len(given)))]
        )

    def configurations(self) -> list[Configuration]:
        """The draws, in their order."""
        return [dict(configuration) for configuration in self._configurations]

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={g if isinstance(g, Range) else list(g)}" for n, g in self.ranges.items())
        return f"Random({self.n}, seed={self.seed}, {shown})"
