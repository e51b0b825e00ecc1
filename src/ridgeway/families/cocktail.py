"""Joint configurations of many regularizers at once (Kadra et al. 2021)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from ridgeway.errors import InputError
from ridgeway.families.family import Configuration, Family, checked_values
from ridgeway.hyperparameters import hyperparameter

#: How often a regularizer is part of a draw.
SHARE = 0.5

# What stands for "off", and the range of values that a regularizer is drawn from when it is on. Strengths that act over
# orders of magnitude are drawn evenly on a log scale.
_LOG, _EVEN, _WORDS = "log", "even", "words"
RANGES: dict[str, tuple[str, Any]] = {
    "weight_decay": (_LOG, (1e-5, 1e-1)),
    "l1": (_LOG, (1e-6, 1e-2)),
    "l2": (_LOG, (1e-6, 1e-2)),
    "dropout": (_EVEN, (0.05, 0.8)),
    "input_dropout": (_EVEN, (0.05, 0.5)),
    "label_smoothing": (_EVEN, (0.02, 0.3)),
    "normalization": (_WORDS, ("batch", "layer", "group")),
    "noise": (_EVEN, (0.02, 0.5)),
    "mixup": (_EVEN, (0.1, 1.0)),
    "max_norm": (_EVEN, (0.5, 4.0)),
    "ema": (_EVEN, (0.9, 0.999)),
    "clip_norm": (_LOG, (0.1, 10.0)),
    "stochastic_depth": (_EVEN, (0.05, 0.5)),
    "sam": (_LOG, (0.01, 0.2)),
}


class Cocktail(Family):
    """Draws joint configurations of all regularizers that act on the model.

    Kadra et al. 2021 ("Well-tuned simple nets excel on tabular datasets") find that plain networks with a tuned mix of
    many regularizers beat those with any one of them. Each regularizer is on in half of the draws, by itself; then its
    value comes from a range of its own (`ridgeway.families.cocktail.RANGES`), even on a log scale where strengths act
    over orders of magnitude. The first configuration is the plain model, for comparison. What acts on nothing in a
    model, such as `dropout` without a dropout layer, is left out with a warning.

    Args:
        n: configurations, at least 2.
        seed: of the draws.
        only: names to draw from instead of all.

    Raises:
        InputError: fewer than 2 configurations, or a name that is not among the regularizers.

    Example:
        >>> import ridgeway as rw
        >>> len(rw.Cocktail(64))
        64
    """

    optional = True

    def __init__(self, n: int, seed: int = 0, only: Iterable[str] | None = None) -> None:
        if not isinstance(n, int | np.integer) or n < 2:
            raise InputError(f"Cocktail(n={n!r}) is no whole number from 2. Pass how many configurations to draw.")
        self.n, self.seed = int(n), int(seed)
        names = list(RANGES) if only is None else list(only)
        unknown = [name for name in names if name not in RANGES]
        if unknown:
            raise InputError(f"Cocktail can't draw '{unknown[0]}'. It draws from {', '.join(RANGES)}.")
        self._names = names
        self._configurations = self._draw()
        self.values = checked_values({name: [drawn[name] for drawn in self._configurations] for name in names})

    def _draw(self) -> list[Configuration]:
        drawn: list[Configuration] = []
        for number in range(self.n):
            configuration: Configuration = {}
            for name in self._names:
                # A stream of its own for each name and draw: leaving one out changes no other.
                random = np.random.default_rng([self.seed, number, list(RANGES).index(name)])
                on = number > 0 and random.random() < SHARE
                configuration[name] = _value(name, random) if on else _off(name)
            drawn.append(configuration)
        return drawn

    def without(self, names: Collection[str]) -> Cocktail:
        """The same draws without some regularizers."""
        return Cocktail(self.n, self.seed, [name for name in self._names if name not in names])

    def configurations(self) -> list[Configuration]:
        """The plain model first, then the draws."""
        return [dict(configuration) for configuration in self._configurations]

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"Cocktail({self.n}, seed={self.seed}, only={self._names})"


def _off(name: str) -> float | str:
    return "none" if RANGES[name][0] == _WORDS else 0.0


def _value(name: str, random: np.random.Generator) -> float | str:
    kind, among = RANGES[name]
    if kind == _WORDS:
        return str(random.choice(among))
    low, high = among
    value = np.exp(random.uniform(np.log(low), np.log(high))) if kind == _LOG else random.uniform(low, high)
    # Four digits say all that a draw is worth, and stay readable in tables.
    return hyperparameter(name).check(float(f"{value:.4g}"))
