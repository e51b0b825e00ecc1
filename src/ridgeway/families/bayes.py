"""Configurations that a model of the scores so far proposes."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgeway.errors import InputError
from ridgeway.families.family import Configuration, Family, Value, checked_values
from ridgeway.families.range import Range, checked_ranges, ends
from ridgeway.hyperparameters import is_built

if TYPE_CHECKING:
    import optuna


# Proposals in a row that were all made before, until one is drawn at random instead.
_PROPOSALS = 16
# Draws at random for one configuration, until the search ends.
_DRAWS = 1000


class Bayes(Family):
    """Configurations proposed in batches by Optuna's tree-structured Parzen estimator, from the scores of those before.

    Lanes of a batch train side by side; Optuna counts those that are asked for and not yet told as bad ones (constant
    liar), so that a batch does not hold the same proposal several times (Bergstra et al. 2011; Akiba et al. 2019). The
    first 10 configurations are drawn at random. All configurations differ: a proposal that was made before is told
    the score of the first, which it would have by the law of lanes, and Optuna is asked again.

    Args:
        n: configurations in all, at least 1; fewer train where lists have fewer combinations.
        batch: configurations that train side by side before the next are asked for. 8 by default: larger batches use
            the machine better, smaller ones learn more often.
        seed: of the proposals.
        storage: where Optuna keeps the study: a URL such as "sqlite:///studies.db" or an Optuna storage. None: the
            file `optuna.db` in the run's directory, or memory without one. Optuna's own dashboard opens it.
        values: ranges and lists by name, for names that are no Python identifiers.
        **named: for each hyperparameter a `Range`, a list to pick from, or one value for all lanes.

    Raises:
        InputError: as `Random`, or a batch below 1.

    Example:
        >>> import ridgeway as rw
        >>> family = rw.Bayes(40, weight_decay=rw.Range(1e-5, 1e-1, log=True, zero=0.2), dropout=rw.Range(0.0, 0.8))
    """

    def __init__(
        self,
        n: int,
        batch: int = 8,
        seed: int = 0,
        storage: Any = None,
        values: Mapping[str, Range | Iterable[Value]] | None = None,
        **named: Range | Iterable[Value] | Value,
    ) -> None:
        for name, count, least in (("n", n, 1), ("batch", batch, 1), ("seed", seed, 0)):
            if not isinstance(count, int | np.integer) or count < least:
                raise InputError(f"Bayes({name}={count!r}) is no whole number from {least}. Pass one.")
        self.n, self.batch, self.seed, self.storage = int(n), int(batch), int(seed), storage
        self.ranges = checked_ranges({**(values or {}), **named})
        self.values = checked_values(
            {name: ends(given) if isinstance(given, Range) else given for name, given in self.ranges.items()}
        )

    def configurations(self) -> list[Configuration]:
        """One for each structure that lists name, with the least of each number: what is known before the search."""
        known = [
            values if is_built(name) and not isinstance(self.ranges[name], Range) else values[:1]
            for name, values in self.values.items()
        ]
        return [dict(zip(self.values, combination, strict=True)) for combination in itertools.product(*known)]

    def __len__(self) -> int:
        """Configurations that train: `n`, or all that lists and ranges of whole numbers hold where these are fewer."""
        return int(min(self.n, math.prod(_size(name, given) for name, given in self.ranges.items())))

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={g if isinstance(g, Range) else list(g)}" for n, g in self.ranges.items())
        return f"Bayes({self.n}, batch={self.batch}, seed={self.seed}, {shown})"

    def search(self, name: str, mode: str, storage: Any = None) -> Search:
        """Begins a study.

        Args:
            name: of the study.
            mode: "min" or "max".
            storage: where to keep it if the family does not say.

        Raises:
            InputError: the storage can't be opened.
        """
        import optuna

        with _quiet():
            kept = self.storage if self.storage is not None else storage
            sampler = optuna.samplers.TPESampler(seed=self.seed, constant_liar=True)
            try:
                if kept is not None:
                    # A run that goes on asks and tells anew what it had asked and told: so the sampler stands as it
                    # stood. Where it begins there is no study to delete.
                    with contextlib.suppress(KeyError):
                        optuna.delete_study(study_name=name, storage=kept)
                study = optuna.create_study(
                    study_name=name,
                    direction="minimize" if mode == "min" else "maximize",
                    sampler=sampler,
                    storage=kept,
                )
            except Exception as error:
                raise InputError(
                    f"Optuna can't keep the study in {self.storage or storage!r}: {error}. Pass another storage, such "
                    "as 'sqlite:///study.db'."
                ) from error
        return Search(self, study)


def study_in(directory: str | os.PathLike[str]) -> str:
    """The URL of the study's file in a run's directory, whatever characters its name holds.

    A "?" or a "%20" of the name would otherwise be read as part of the URL.
    """
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=os.path.join(os.fspath(directory), "optuna.db")).render_as_string(False)


@dataclass
class Search:
    """A study under way.

    Attributes:
        family: what is searched.
        study: Optuna's.
        asked: configurations asked for so far.
    """

    family: Bayes
    study: optuna.Study
    asked: int = 0
    _open: dict[int, list[Any]] = field(default_factory=dict)
    _numbers: dict[tuple[Value, ...], int] = field(default_factory=dict)
    _scores: dict[int, float] = field(default_factory=dict)

    def ask(self) -> list[Configuration]:
        """The next batch, all different and new; empty when the search is over.

        The first of them has the number `asked` had before.
        """
        found: list[Configuration] = []
        for _ in range(min(self.family.batch, len(self.family) - self.asked)):
            configuration = self._new()
            if configuration is None:
                break
            found.append(configuration)
        return found

    def _new(self) -> Configuration | None:
        """A configuration that was not asked for before, which has the next number; None where none is found."""
        for attempt in range(_PROPOSALS + 1):
            if attempt == _PROPOSALS:
                # The estimator insists on what it knows, as it may where few combinations are left.
                drawn = self._drawn()
                if drawn is None:
                    return None
                self.study.enqueue_trial(_parameters(drawn, self.family.ranges))
            trial = self.study.ask()
            configuration = {name: _suggested(trial, name, given) for name, given in self.family.ranges.items()}
            number = self._numbers.setdefault(tuple(configuration.values()), self.asked)
            if number == self.asked:
                self._open[number] = [trial]
                self.asked += 1
                return configuration
            if number in self._open:
                self._open[number].append(trial)
            else:
                self._tell(trial, self._scores[number])
        return None

    def _drawn(self) -> Configuration | None:
        random = np.random.default_rng([self.family.seed, self.asked])
        for _ in range(_DRAWS):
            drawn = {name: _draw(name, given, random) for name, given in self.family.ranges.items()}
            if tuple(drawn.values()) not in self._numbers:
                return drawn
        return None

    def awaits(self, number: int) -> bool:
        """Whether a configuration was asked for and not told of yet."""
        return number in self._open

    def tell(self, number: int, score: float) -> None:
        """Tells a configuration's score; NaN where it has none, such as where its lanes diverged."""
        self._scores[number] = score
        for trial in self._open.pop(number):
            self._tell(trial, score)

    def _tell(self, trial: Any, score: float) -> None:
        import optuna

        if np.isfinite(score):
            self.study.tell(trial, float(score))
        else:
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def close(self) -> None:
        """Tells that the configurations still open were given up."""
        for number in list(self._open):
            self.tell(number, np.nan)


def _size(name: str, given: Range | tuple[Value, ...]) -> float:
    """How many values there are to propose."""
    if not isinstance(given, Range):
        return len(given)
    return given.high - given.low + 1 + (given.zero > 0 and given.low > 0) if given.whole(name) else math.inf


def _draw(name: str, given: Range | tuple[Value, ...], random: np.random.Generator) -> Value:
    if isinstance(given, Range):
        return given.draw(random, given.whole(name))
    return given[int(random.integers(len(given)))]


def _parameters(configuration: Configuration, ranges: Mapping[str, Range | tuple[Value, ...]]) -> dict[str, Any]:
    """What `_suggested` asks of a trial, such that it gives this configuration."""
    parameters: dict[str, Any] = {}
    for name, given in ranges.items():
        value = configuration[name]
        if isinstance(given, Range) and given.zero:
            parameters[f"{name} used"] = value != 0
        if not isinstance(given, Range) or not given.zero or value != 0:
            parameters[name] = value
    return parameters


def _suggested(trial: Any, name: str, given: Range | tuple[Value, ...]) -> Value:
    if not isinstance(given, Range):
        # One value leaves nothing to learn.
        return given[0] if len(given) == 1 else trial.suggest_categorical(name, list(given))
    if given.zero and not trial.suggest_categorical(f"{name} used", [True, False]):
        return 0 if given.whole(name) else 0.0
    if given.whole(name):
        return int(trial.suggest_int(name, int(given.low), int(given.high), log=given.log))
    return float(trial.suggest_float(name, given.low, given.high, log=given.log))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's own lines on the terminal, and its warning that the constant liar is experimental."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
