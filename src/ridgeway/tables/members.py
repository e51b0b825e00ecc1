"""The lanes that an estimator predicts by, and what they give for rows that they did not train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import keras
import numpy as np

from ridgeway.data import Dataset
from ridgeway.ensembling.choice import EnsembleChoice, Member
from ridgeway.ensembling.merged import merged_model
from ridgeway.ensembling.record import SIZE, noted_ensemble
from ridgeway.ensembling.select import Predictions, candidates_of
from ridgeway.errors import InputError
from ridgeway.keras_internals import functional_of
from ridgeway.path import Path
from ridgeway.refit import refit_members
from ridgeway.selection import Choice

# Of the time that is left, how much is planned for: what trains beside fewer lanes takes longer than was measured.
_PLANNED = 0.7


@dataclass(frozen=True)
class Members:
    """Lanes, each with how often it counts.

    Attributes:
        path: of the lanes, with its rows in memory.
        members: one configuration with its lanes, one a fold, each.
        refits: whether configurations are trained once more on all rows to predict, instead of these lanes.
        ensemble: how the members were chosen, where several could be.
    """

    path: Path
    members: tuple[Member, ...]
    refits: bool
    ensemble: EnsembleChoice | None = None

    @classmethod
    def chosen(cls, path: Path, ensemble: bool, rule: str) -> Members:
        """The greedy ensemble, or the configuration that a rule picks.

        Where time was too short for any configuration to train in all folds, its best lane has to do.
        """
        candidates = candidates_of(path)
        choice = path.select(rule)
        if not candidates:
            return cls(path, (Member(choice.configuration, 0, (choice.lane,), 1),), False)
        if not ensemble:
            return cls(path, (_chosen(candidates, choice),), True)
        found = noted_ensemble(path) or _few(path, len(candidates))
        if found is None:
            return cls(path, (_chosen(candidates, choice),), True)
        return cls(path, found.members, True, found)

    def predicting(self, seconds: float | None) -> tuple[keras.Model, EnsembleChoice | None]:
        """The model that predicts, and the ensemble that it is; see `model`."""
        affordable = self._affordable(seconds) if self.refits else []
        ensemble = self.ensemble
        if ensemble is not None and affordable:
            taken = sum(one.count for one in affordable)
            left_out = sum(one.count for one in ensemble.members) - taken
            ensemble = replace(ensemble, members=tuple(affordable), left_out=left_out)
        return self._model(affordable), ensemble

    def model(self, seconds: float | None) -> keras.Model:
        """The model that predicts: members trained once more on all rows, or lanes as they are, as one.

        Args:
            seconds: to train in, None for no limit. Networks for which there is no time are left out; where there is
                none for a single one, the lanes of the folds predict as they are.
        """
        return self.predicting(seconds)[0]

    def _model(self, affordable: list[Member]) -> keras.Model:
        if affordable:
            return refit_members(self.path, affordable)
        return merged_model(self.path, self.counts)

    def _affordable(self, seconds: float | None) -> list[Member]:
        """The members, as often as there is time to train them; the most frequent are the first to count less."""
        if seconds is None or functional_of(self.path.structure(self.members[0].lanes[0])) is None:
            # Networks whose graph is not known can't be put into one, as those of the folds would have to be.
            return list(self.members)
        costs = [self._cost(one) for one in self.members]
        counts = [one.count for one in self.members]
        while sum(counts) and np.dot(counts, costs) > _PLANNED * seconds:
            # Of those that count alike the last goes: members stand in the order of their worth.
            counts[max(range(len(counts)), key=lambda place: (counts[place], place))] -= 1
        return [replace(one, count=count) for one, count in zip(self.members, counts, strict=True) if count]

    def _cost(self, member: Member) -> float:
        """Seconds that a network takes to train on all rows, as those of its folds did on a part of them."""
        lanes = self.path.table().set_index("lane").loc[list(member.lanes)]
        an_epoch = float((lanes["seconds"] / lanes["epochs"]).mean())
        share = float(np.mean(self.path.record["folds"]["rows"])) / len(self.x)
        return an_epoch * float(lanes["best_epoch"].median()) / share

    @property
    def kind(self) -> str:
        """What the model gives: "softmax" (logits of classes), "sigmoid" (of yes and no), "plain" (as it is meant)."""
        return self._predictions.averaging(Dataset(self.x, None)).kinds[0]

    @property
    def folds(self) -> tuple[int, ...]:
        """Those in which lanes hold rows out."""
        return tuple(self._lanes)

    def rows(self, fold: int) -> np.ndarray:
        """Numbers of the rows that a fold held out."""
        assert self.path.held_out is not None
        return self.path.held_out.rows(fold)

    @property
    def x(self) -> np.ndarray:
        """All rows."""
        assert self.path.held_out is not None
        return np.asarray(self.path.held_out.dataset.x)

    def means(self, fold: int, x: np.ndarray) -> np.ndarray:
        """What the lanes of a fold give together: probabilities or values, float64 `(row, output)`."""
        means = self._predictions.of(self._lanes[fold], Dataset(x, None))[0]
        return means.astype(np.float64).reshape(len(x), -1)

    @property
    def counts(self) -> dict[int, int]:
        """How many times each lane counts."""
        return {lane: one.count for one in self.members for lane in one.lanes}

    @cached_property
    def _lanes(self) -> dict[int, dict[int, int]]:
        """Lanes and counts by fold."""
        return self._predictions.by_fold(self.counts)

    @cached_property
    def _predictions(self) -> Predictions:
        return Predictions(self.path, self.members[0].lanes[0])


def _chosen(candidates: Sequence[Member], choice: Choice) -> Member:
    """A repeat of the configuration that was chosen; where none trained in all folds, the first candidate."""
    return next((one for one in candidates if set(one.lanes) <= set(choice.lanes)), candidates[0])


def _few(path: Path, candidates: int) -> EnsembleChoice | None:
    """An ensemble where there is none in the report: its candidates' predictions would be too many, or are of one.

    Returns:
        None where predictions alone do not give the metric.
    """
    try:
        return path.select_ensemble(SIZE, members="all" if candidates == 1 else "seeds")
    except InputError:
        return None


def held_out_means(members: Members) -> tuple[np.ndarray, np.ndarray]:
    """Each held-out row by the lanes that did not train on it, fold after fold.

    Returns:
        Row numbers `(row,)`, and what `Members.means` gives for them, `(row, output)`.
    """
    rows: Sequence[np.ndarray] = [members.rows(fold) for fold in members.folds]
    each = [members.means(fold, members.x[own]) for fold, own in zip(members.folds, rows, strict=True)]
    return np.concatenate(rows), np.concatenate(each)
