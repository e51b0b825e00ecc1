"""Lanes as named arrays and notes, and back.

Lanes of one structure lie side by side, the lane axis first: a run of a thousand small lanes is written as a few dozen
arrays. Arrays are named by their place; what the places mean stands in the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ridgeway.engine.executor import Probe, Saved
from ridgeway.engine.lanes import LanePlan, LaneResult
from ridgeway.engine.queues import Course, Group, plan_of
from ridgeway.engine.slots import Standing, Waiting
from ridgeway.engine.state import shared
from ridgeway.engine.watch import Watched

Packed = tuple[dict[str, np.ndarray], dict[str, Any]]


class Lanes:
    """What the lanes of a run are called by in its checkpoints.

    Args:
        groups: the run's, in their order; they may grow.
        plans: of all lanes asked for so far, by number; they may grow too.
        probe_of: what looks into a group's lanes.
    """

    def __init__(
        self, groups: Sequence[Group], plans: Mapping[int, LanePlan], probe_of: Callable[[int], Probe | None]
    ) -> None:
        self._groups, self._plans, self._probe_of = groups, plans, probe_of

    def packed_course(self, course: Course) -> Packed:
        """A run's lanes under way."""
        entries: list[LanePlan | Waiting] = [*course.standing.queue, *(one for left in course.left for one in left)]
        waiting = [*course.standing.live.values(), *course.standing.waiting]
        waiting += [one for one in entries if isinstance(one, Waiting)]
        arrays, packs = self._packed(waiting, lambda one: one.result.plan, _pack_waiting)
        notes = {
            "place": course.place,
            "live": [[slot, one.result.plan.lane] for slot, one in course.standing.live.items()],
            "queue": [plan_of(one).lane for one in course.standing.queue],
            "waiting": [one.result.plan.lane for one in course.standing.waiting],
            "left": [[plan_of(one).lane for one in left] for left in course.left],
            "executors": [[place, *executor] for place, executor in course.executors.items()],
            "watched": [course.watched.best, list(course.watched.behind.items()), course.watched.seconds],
            "packs": packs,
        }
        return arrays, notes

    def course(self, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> Course:
        """What `packed_course` packed."""
        waiting = {one.result.plan.lane: one for one in self._unpacked(arrays, notes["packs"], self._unpack_waiting)}

        def entry(lane: int) -> LanePlan | Waiting:
            return waiting.get(lane) or self._plans[lane]

        best, behind, seconds = notes["watched"]
        standing = Standing(
            {slot: waiting[lane] for slot, lane in notes["live"]},
            [entry(lane) for lane in notes["queue"]],
            [waiting[lane] for lane in notes["waiting"]],
        )
        left = [[entry(lane) for lane in lanes] for lanes in notes["left"]]
        executors = {place: (name, slots) for place, name, slots in notes["executors"]}
        return Course(notes["place"], standing, left, executors, Watched(best, dict(behind), seconds))

    def packed_results(self, results: Sequence[LaneResult]) -> Packed:
        """Lanes that have ended."""
        arrays, packs = self._packed(results, lambda one: one.plan, _pack_ended)
        return arrays, {"order": [result.plan.lane for result in results], "packs": packs}

    def results(self, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> list[LaneResult]:
        """What `packed_results` packed, in the same order."""
        found = {one.plan.lane: one for one in self._unpacked(arrays, notes["packs"], self._unpack_ended)}
        return [found[lane] for lane in notes["order"]]

    def _packed(
        self, lanes: Iterable[Any], plan_of: Callable[[Any], LanePlan], pack: Callable[[Sequence[Any]], Packed]
    ) -> Packed:
        """Lanes of one structure in a pack, whose arrays have its number before their names."""
        places = {plan.lane: place for place, group in enumerate(self._groups) for plan in group.plans}
        apart: dict[tuple[Any, ...], list[Any]] = {}
        for one in lanes:
            apart.setdefault((places[plan_of(one).lane], _shape(one)), []).append(one)
        arrays: dict[str, np.ndarray] = {}
        packs = {}
        for number, ((place, _), alike) in enumerate(apart.items()):
            own, notes = pack(alike)
            arrays |= {f"{number}-{name}": array for name, array in own.items()}
            packs[str(number)] = {"group": place, **notes}
        return arrays, packs

    def _unpacked(
        self,
        arrays: Mapping[str, np.ndarray],
        packs: Mapping[str, Any],
        unpack: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], list[Any]],
    ) -> list[Any]:
        apart: dict[str, dict[str, np.ndarray]] = {number: {} for number in packs}
        for name, array in arrays.items():
            number, _, own = name.partition("-")
            apart[number][own] = array
        return [one for number, notes in packs.items() for one in unpack(apart[number], notes)]

    def _unpack_waiting(self, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> list[Waiting]:
        results = self._unpack_histories(arrays, notes)
        initial = self._groups[notes["group"]].job.initials[0]
        carry = None
        if notes["carry"]:
            probe = self._probe_of(notes["group"])
            assert probe is not None
            carry = jax.eval_shape(probe.start, initial)
        like = Saved(initial, [initial.weights] * notes["keepers"], carry)
        saved = _rows(arrays, "state", jax.tree.structure(like), len(results))
        rules = [_columns(arrays, name, notes["rules"][name]) for name in ("stopping", "keeping")]
        return [
            Waiting(result, own, [one[lane] for one in rules[0]], [one[lane] for one in rules[1]])
            for lane, (result, own) in enumerate(zip(results, saved, strict=True))
        ]

    def _unpack_ended(self, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> list[LaneResult]:
        results = self._unpack_histories(arrays, notes)
        weights = self._groups[notes["group"]].job.initials[0].weights
        like = jax.tree.structure((weights, [weights] * notes["keepers"]))
        for result, (last, kept) in zip(results, _rows(arrays, "weights", like, len(results)), strict=True):
            result.last, result.kept = last, kept
        return results

    def _unpack_histories(self, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> list[LaneResult]:
        results = []
        start = looked = 0
        for one in notes["lanes"]:
            stop, looks = start + one["epochs"], one["probed"]
            results.append(
                LaneResult(
                    self._plans[one["lane"]],
                    [dict(zip(notes["logs"], row, strict=True)) for row in arrays["history"][start:stop].tolist()],
                    [
                        {name: arrays[f"array{place}"][epoch] for place, name in enumerate(notes["arrays"])}
                        for epoch in range(start, stop)
                    ],
                    [(epoch, arrays["probed"][looked + place]) for place, epoch in enumerate(looks)],
                    one["stopped"],
                    tuple(one["kept_epochs"]),
                    one["fell_back"],
                    seconds=one["seconds"],
                )
            )
            start, looked = stop, looked + len(looks)
        return results


def _shape(one: Any) -> tuple[Any, ...]:
    """What lanes of one pack have in common beside their structure."""
    if isinstance(one, Waiting):
        return (one.saved.carry is None, bool(one.result.history))
    return (bool(one.history),)


def _pack_histories(results: Sequence[LaneResult]) -> Packed:
    first = results[0]
    logs = list(first.history[0]) if first.history else []
    names = list(first.arrays[0]) if first.arrays else []
    rows = [[epoch[name] for name in logs] for result in results for epoch in result.history]
    arrays = {"history": np.array(rows, np.float64).reshape(len(rows), len(logs))}
    for place, name in enumerate(names):
        arrays[f"array{place}"] = np.stack([epoch[name] for result in results for epoch in result.arrays])
    measured = [values for result in results for _, values in result.probed]
    if measured:
        arrays["probed"] = np.stack(measured)
    lanes = [
        {
            "lane": result.plan.lane,
            "epochs": len(result.history),
            "probed": [epoch for epoch, _ in result.probed],
            "stopped": result.stopped,
            "kept_epochs": list(result.kept_epochs),
            "fell_back": result.fell_back,
            "seconds": result.seconds,
        }
        for result in results
    ]
    return arrays, {"logs": logs, "arrays": names, "lanes": lanes}


def _pack_ended(results: Sequence[LaneResult]) -> Packed:
    arrays, notes = _pack_histories(results)
    arrays |= _leaves("weights", [(result.last, result.kept) for result in results])
    return arrays, notes | {"keepers": len(results[0].kept)}


def _pack_waiting(lanes: Sequence[Waiting]) -> Packed:
    arrays, notes = _pack_histories([one.result for one in lanes])
    arrays |= _leaves("state", [one.saved for one in lanes])
    rules = {}
    for name, each in (
        ("stopping", [one.stopping for one in lanes]),
        ("keeping", [one.keeping for one in lanes]),
    ):
        rules[name] = [len(rule) for rule in each[0]]
        for rule, width in enumerate(rules[name]):
            for value in range(width):
                arrays[f"{name}{rule}.{value}"] = np.array([own[rule][value] for own in each])
    saved = lanes[0].saved
    return arrays, notes | {"rules": rules, "carry": saved.carry is not None, "keepers": len(saved.kept)}


def _leaves(name: str, trees: Sequence[Any]) -> dict[str, np.ndarray]:
    """Each leaf of all trees, side by side; one that all share, such as a frozen weight, once."""
    flat = [jax.tree.leaves(tree) for tree in trees]
    return {
        f"{name}{place}": np.asarray(values[0])[None] if shared(values) else np.stack(values)
        for place, values in enumerate(zip(*flat, strict=True))
    }


def _rows(arrays: Mapping[str, np.ndarray], name: str, like: Any, count: int) -> list[Any]:
    """The trees that `_leaves` put side by side."""
    leaves = [list(arrays[f"{name}{place}"]) for place in range(like.num_leaves)]
    leaves = [leaf * count if len(leaf) == 1 else leaf for leaf in leaves]
    return [jax.tree.unflatten(like, [leaf[row] for leaf in leaves]) for row in range(count)]


def _columns(arrays: Mapping[str, np.ndarray], name: str, widths: Sequence[int]) -> list[list[tuple[Any, ...]]]:
    """For each rule, where each lane stands with it."""
    return [
        list(zip(*(arrays[f"{name}{rule}.{value}"] for value in range(width)), strict=True))
        for rule, width in enumerate(widths)
    ]
