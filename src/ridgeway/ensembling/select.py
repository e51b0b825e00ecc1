"""Which lanes make an ensemble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ridgeway.bootstrap import Sample, drawn, draws_of, ends_of
from ridgeway.data import Dataset, HeldOut, check_dataset
from ridgeway.engine.labels import check_fit, check_model_labels
from ridgeway.ensembling.averaging import Averaging
from ridgeway.ensembling.choice import EnsembleChoice, Member, Score
from ridgeway.ensembling.greedy import Means, greedy
from ridgeway.errors import InputError
from ridgeway.prediction import Predictor
from ridgeway.scoring import Judge
from ridgeway.selection.values import value_of
from ridgeway.streaming import at_hand

if TYPE_CHECKING:
    from ridgeway.path import Path

MEMBERS = ("all", "seeds")

# Candidates that are scored at a time: their means lie in memory together.
_AT_ONCE = 16


def select_ensemble(
    path: Path, size: int, members: str, rule: str, data: tuple[Any, Any, Any] | None, n_boot: int, seed: int
) -> EnsembleChoice:
    """See `Path.select_ensemble`."""
    if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
        raise InputError(f"k={size!r} is no whole number above 0. Pass how many members to take, such as 8.")
    if members not in MEMBERS:
        raise InputError(f"members={members!r} is unknown. Pass 'all' or 'seeds'.")
    candidates = candidates_of(path)
    if members == "seeds":
        chosen = set(path.select(rule).lanes)
        candidates = [one for one in candidates if chosen.issuperset(one.lanes)]
    if not candidates:
        raise InputError("No configuration has kept an epoch in all of its folds: there is nothing to put together.")
    held_out = path.held_out
    if data is not None:
        model = path.structure(candidates[0].lanes[0])
        dataset = at_hand(Dataset(*data), model)
        check_dataset(dataset)
        check_fit(model, jax.tree.map(lambda array: array[:1], (dataset.x, dataset.y, dataset.sample_weight)))
        check_model_labels(model, dataset)
        held_out = HeldOut(dataset)
    predictions = Predictions(path, candidates[0].lanes[0])
    single: Sequence[int] = candidates[0].lanes
    if held_out is None:
        if members == "all":
            raise InputError(
                "An ensemble is chosen by validation rows, and this path holds none. Pass validation_split, "
                "validation_data or cv to fit_path, or rows by path.ensemble(k, x=x, y=y)."
            )
        taken, trace, alone, rows = list(range(min(size, len(candidates)))), [], float("nan"), 0
    else:
        bench = _Bench(predictions, held_out, candidates)
        alone_scores = bench.alone()
        if members == "seeds":
            taken = list(range(min(size, len(candidates))))
            trace = [bench.together(taken[: count + 1]) for count in range(len(taken))]
        else:
            try:
                taken, trace = greedy(bench.candidates, bench.with_each, int(size))
            except ValueError:
                raise InputError(f"No lane has a finite {path.metric} on these rows. Look at path.table().") from None
            trace = [bench.sign * value for value in trace]
        best = int(np.nanargmin(bench.sign * alone_scores))
        single, alone, rows = candidates[best].lanes, float(alone_scores[best]), bench.rows
    counts = Counter(taken)
    chosen_members = tuple(
        Member(one.configuration, one.repeat, one.lanes, count)
        for place, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        for one in [candidates[place]]
    )
    score = trace[-1] if trace else float("nan")
    found = EnsembleChoice(
        "greedy" if members == "all" else "seeds",
        chosen_members,
        path.metric,
        path.mode,
        len(candidates),
        score,
        alone,
        tuple(single),
        tuple(trace),
        rows,
    )
    test = None if path.parts is None else path.parts.test
    return found if test is None else _tested(found, predictions, test, n_boot, seed)


def candidates_of(path: Path) -> list[Member]:
    """Each configuration of each repeat that kept an epoch in all folds, in the order of lanes."""
    table = path.table().sort_values("lane", kind="stable")
    table["kept"] = table["best_epoch"].notna() & (table["stopped"] != "diverged")
    found = []
    names = [*path.hyperparameters, "repeat"]
    for key, lanes in table.groupby(names, sort=False, dropna=False):
        if lanes["kept"].all() and len(lanes) == path.folds:
            *values, repeat = map(value_of, key)
            configuration = dict(zip(path.hyperparameters, values, strict=True))
            found.append(Member(configuration, int(repeat), tuple(map(int, lanes["lane"])), 1))
    return found


class Predictions:
    """What lanes predict, on the scale on which it is averaged.

    Args:
        path: of the lanes.
        lane: one that kept an epoch, which tells what the outputs are.
    """

    def __init__(self, path: Path, lane: int) -> None:
        self.path = path
        self._lane = lane
        self._predict = Predictor(path)
        self._averaging: Averaging | None = None

    def averaging(self, dataset: Dataset) -> Averaging:
        """What the mean of these lanes' outputs is."""
        if self._averaging is None:
            outputs = self._predict(self._lane, dataset.map(lambda array: array[:1]).x)
            self._averaging = Averaging.of(self.path.structure(self._lane), outputs)
        return self._averaging

    def outputs(self, lane: int, dataset: Dataset) -> Any:
        """A lane's outputs, as its model gives them."""
        return self._predict(lane, dataset.x)

    def of(self, counts: Mapping[int, int], dataset: Dataset) -> list[np.ndarray]:
        """The mean of lanes, each as often as it counts, on all rows: float32 `(row, ...)` by output."""
        averaging = self.averaging(dataset)
        each = [averaging.into(self.outputs(lane, dataset)) for lane in counts]
        weights = list(counts.values())
        return [np.average(leaves, axis=0, weights=weights).astype(np.float32) for leaves in zip(*each, strict=True)]

    def out_of_fold(self, counts: Mapping[int, int], held: HeldOut) -> list[np.ndarray]:
        """Each row by the lanes that did not train on it, fold after fold."""
        each = [self.of(own, held.of(fold)) for fold, own in self.by_fold(counts).items()]
        return [np.concatenate(parts) for parts in zip(*each, strict=True)]

    def by_fold(self, counts: Mapping[int, int]) -> dict[int, dict[int, int]]:
        """Lanes and their counts by the fold that they belong to, ascending."""
        found: dict[int, dict[int, int]] = {}
        for lane, count in counts.items():
            found.setdefault(int(self.path.lane(lane)["fold"]), {})[lane] = count
        return dict(sorted(found.items()))


class _Bench:
    """Candidates' predictions on the rows that they are judged on."""

    def __init__(self, predictions: Predictions, held: HeldOut, candidates: Sequence[Member]) -> None:
        path = predictions.path
        if held.folds is None:
            each = [predictions.of(dict.fromkeys(one.lanes, 1), held.dataset) for one in candidates]
            judged = held.dataset
        else:
            each = [predictions.out_of_fold(dict.fromkeys(one.lanes, 1), held) for one in candidates]
            order: Any = np.concatenate([held.rows(fold) for fold in range(len(held.folds))])
            judged = held.dataset.map(lambda array: array[order])
        self.candidates = [np.stack(leaves) for leaves in zip(*each, strict=True)]
        self.sign = 1.0 if path.mode == "min" else -1.0
        self.rows = judged.rows
        averaging = predictions.averaging(judged)
        lane = candidates[0].lanes[0]
        like = predictions.outputs(lane, judged.map(lambda array: array[:1]))
        judge = Judge(path.structure(lane), path.metric, judged)
        sign = self.sign

        def score(candidate: Any, total: Any, count: Any) -> Any:
            means = [(one + other) / count for one, other in zip(candidate, total, strict=True)]
            return sign * judge.score(averaging.back(means, like))

        self._scores = jax.jit(jax.vmap(score, in_axes=(0, None, None)))

    def with_each(self, candidates: Means, total: Means, count: int) -> np.ndarray:
        """See `greedy`."""
        number = len(candidates[0])
        found = [
            self._scores([array[start : start + _AT_ONCE] for array in candidates], list(total), np.float32(count))
            for start in range(0, number, _AT_ONCE)
        ]
        return np.concatenate([np.asarray(part) for part in found])

    def alone(self) -> np.ndarray:
        """The metric of each candidate."""
        return self.sign * self.with_each(self.candidates, [np.zeros_like(array[0]) for array in self.candidates], 1)

    def together(self, members: Sequence[int]) -> float:
        """The metric of the mean of some."""
        mean = [array[list(members)].mean(axis=0, keepdims=True) for array in self.candidates]
        zeros = [np.zeros_like(array[0]) for array in mean]
        return self.sign * float(self.with_each(mean, zeros, 1)[0])


def _tested(found: EnsembleChoice, predictions: Predictions, test: Dataset, n_boot: int, seed: int) -> EnsembleChoice:
    """With the scores on test rows: of the ensemble, of the best alone, and of their difference."""
    if n_boot < 2:
        raise InputError(f"n_boot={n_boot} draws give no interval. Pass at least 2, such as 1000.")
    path, averaging = predictions.path, predictions.averaging(test)
    judge = Judge(path.structure(found.single_lanes[0]), path.metric, test)
    like = predictions.outputs(found.single_lanes[0], test.map(lambda array: array[:1]))
    alone = dict.fromkeys(found.single_lanes, 1)
    outputs = [averaging.back(predictions.of(counts, test), like) for counts in (found.counts, alone)]
    # The same draws of rows for both, whose difference is then free of what the rows have in common.
    each = [drawn(judge, output, judge.losses(output)) for output in outputs]
    values = [judge(output) for output in outputs]
    together = Sample(values[0], test.rows, lambda rows: np.stack([one(rows) for one in each], axis=1))
    draws = draws_of([together], n_boot, seed)
    sign = 1.0 if found.mode == "max" else -1.0
    both, single, gain = (
        Score(point, *ends_of(drawn_points))
        for point, drawn_points in (
            (values[0], draws[:, 0]),
            (values[1], draws[:, 1]),
            (sign * (values[0] - values[1]), sign * (draws[:, 0] - draws[:, 1])),
        )
    )
    return replace(found, test=both, single_test=single, gain=gain, test_rows=test.rows)
