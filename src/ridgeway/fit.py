"""`fit_path`: from a model, data and a family to a path."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import jax
import keras
import numpy as np

from ridgeway import compilation_cache, record, storage
from ridgeway.callbacks import seconds_of
from ridgeway.checkpoints import remove_checkpoints
from ridgeway.checkpoints.identity import comparable, differing, identity, without_versions
from ridgeway.checkpoints.status import UNFINISHED
from ridgeway.cluster.connection import Share, check_cluster, connected
from ridgeway.cluster.crew import Crew
from ridgeway.cluster.queues import ClusterQueues
from ridgeway.cluster.shipment import Shipment
from ridgeway.compile_time import seconds_compiled
from ridgeway.continuation import Continuation, check_same, restored_of
from ridgeway.data import (
    Dataset,
    Parts,
    apply_class_weight,
    check_dataset,
    check_labels,
    describe,
    fingerprint,
    folds_of,
    is_streamed,
    nested_of,
    row_orders,
    split_tail,
    split_test,
)
from ridgeway.engine.arrays import as_arrays
from ridgeway.engine.binding import check_effects
from ridgeway.engine.callbacks import Understood, understand
from ridgeway.engine.halving import rungs
from ridgeway.engine.labels import check_fit, check_model_labels
from ridgeway.engine.probe import choose
from ridgeway.engine.queues import LaneQueues, Queues
from ridgeway.engine.signature import log_names
from ridgeway.engine.step import COMPARED
from ridgeway.errors import InputError
from ridgeway.families import Bayes, Family, study_in
from ridgeway.grouping import Grouping
from ridgeway.hyperparameters import Decay, hyperparameter, is_built
from ridgeway.keras_internals import compiled_losses, has_own_step, is_likelihood
from ridgeway.locking import holding
from ridgeway.path import Path
from ridgeway.probes import checked_probes
from ridgeway.run import Run
from ridgeway.streaming import checked, fingerprint_of, record_of, refuse, streamed_parts
from ridgeway.structures import Builder, Variants, arguments_of, key_of, source_of
from ridgeway.telling import warn
from ridgeway.time_limit import TimeLimit
from ridgeway.warm_start import check_warm_start


@holding("out")
def fit_path(
    model: keras.Model | Callable[..., keras.Model],
    x: Any,
    y: Any,
    family: Family,
    *,
    batch_size: int | None = 32,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    validation_batch_size: int | None = None,
    shuffle: bool = True,
    shuffle_buffer: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    repeats: int = 1,
    cv: Any = None,
    groups: Any = None,
    nested: Any = None,
    test_split: float = 0.0,
    test_data: Any = None,
    halving: int | None = None,
    warm_start: str | None = None,
    time_limit: float | datetime.timedelta | Callable[[float], float] | None = None,
    seed: int = 0,
    decay: Decay = "kernels",
    slots: int | None = None,
    executor: str = "auto",
    cluster: str | None = None,
    probes: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    checkpoint_every: float | datetime.timedelta = 30.0,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Trains a family of regularized copies of a model at once.

    Arguments that `keras.Model.fit` has too mean what they mean there. Each lane (a configuration with one repeat)
    equals a `fit` with that configuration, seed and batch order, to float32 rounding, whatever trains beside it.

    Args:
        model: compiled Keras 3 model on the JAX backend; Sequential, functional or subclassed. Its weights are not
            changed: repeat 0 of every configuration starts from them. Or a function that returns such a model: those of
            its arguments that the family names, such as its width and depth, are varied, and each combination is built
            once, after `keras.utils.set_random_seed(seed)`.
        x: inputs, leading axis the rows: an array, a list of rows, or a list, tuple or dict of arrays. Or what is read
            while lanes train and may be larger than memory: the path of a `.npy`, `.npz`, Parquet or CSV file or of a
            folder of Parquet files, a `pyarrow.dataset`, a memory-mapped array, a `keras.utils.PyDataset`, or a
            `grain.MapDataset` of rows (docs/data.md). All lanes then share one pass over the rows, in one order.
        y: labels, likewise. With a table on disk the name of their column, with a `.npy` file the path of another one;
            None where x gives labels itself.
        family: which configurations to train, as `Grid(weight_decay=[0.0, 1e-3])`.
        batch_size: rows a step, 32 where None. A last, smaller batch is trained on too.
        epochs: most epochs of a lane.
        verbose: "auto" shows a progress bar on a terminal only, 1 everywhere, 0 never.
        callbacks: Keras callbacks, or one. `EarlyStopping` and `ModelCheckpoint` act for each lane by itself; others
            are told the logs of the best lane so far once an epoch.
        validation_split: share of the rows, taken from the end, unshuffled, to validate on.
        validation_data: `(x, y)` or `(x, y, sample_weight)` to validate on instead. Beside x that is streamed it may be
            streamed too.
        validation_batch_size: rows a validation step. None: about `batch_size`, or up to four times that where it
            divides the rows evenly, which changes no number but rounding.
        shuffle: whether to draw a new order of rows each epoch. The order depends on seed, repeat and epoch only. Rows
            that are streamed are shuffled by blocks, in an order for all lanes of a pass.
        shuffle_buffer: of rows that are streamed, how many are in memory and shuffled together; twice as many are held,
            for the next ones are read meanwhile. None: as many as take 64 MiB.
        class_weight: weight of each class in the training loss.
        sample_weight: weight of each row in the training loss.
        repeats: lanes a configuration, each with its own seed: other starting weights, order and dropout. Their
            spread gives the standard errors.
        cv: cross-validation, in place of validation data: a number of folds (shuffled by `seed`; stratified where
            the loss is a cross-entropy of classes), a scikit-learn splitter such as `GroupKFold(5)` or
            `TimeSeriesSplit(5)`, or an iterable of `(train, held out)` row numbers. Each fold of each repeat is a lane
            of its own, and equals a `fit` on the fold's rows. `path.refit()` then trains the chosen configuration on
            all rows.
        groups: group of each row. A number of folds, in `cv` and in `nested`, then holds out whole groups; a splitter
            is given them.
        nested: outer folds for `path.honest()` where there are too few rows to set some aside for a test: a number of
            folds, or as `cv`. In each, `cv` splits the rows that it trains on, the best configuration is chosen by
            these inner folds alone, and its lanes are judged on the rows that the outer fold set aside. So many lanes
            are added: outer times inner folds for each configuration and repeat.
        test_split: share of the rows, drawn by `seed` and stratified where the loss is a cross-entropy of classes, that
            takes no part in training or choosing: for `path.honest()`, what the chosen configuration is worth.
        test_data: `(x, y)` or `(x, y, sample_weight)` for that instead.
        halving: where given, all lanes train a few epochs, then one configuration in so many, the best, goes on from
            where it is, and so on, until few train all epochs (Jamieson & Talwalkar 2016). The rungs stand in the
            record. A lane that is cut keeps its best epoch, and its column `stopped` says "halved". 3 is usual.
        warm_start: a strength of the family, such as "weight_decay": each lane begins with the kept weights of the one
            with the next smaller strength, all else alike, and not with the starting weights; the optimizer and the
            random generators begin anew (glmnet's warm starts, Friedman, Hastie & Tibshirani 2010; from dense to
            sparse, as Lemhadri et al. 2021 found better for networks). It needs fewer epochs a lane and gives smooth
            paths, at a price: a lane is no lone `fit`, stronger lanes have trained longer in all, and differences
            between strengths are biased by that. Lanes of one chain wait for each other.
        time_limit: seconds, or a `datetime.timedelta`, from the call until lanes stop training; what comes after, such
            as writing the run, is not in it. Lanes that train then keep their best epoch and stop as "time is up"; with
            `halving` each rung has its share of the time, so that a family may hold more configurations than there is
            time for. Lanes that have not begun are left out, and configurations without all of their lanes are chosen
            only where there is no other. Or a function that gives these seconds, asked once, after the first epoch,
            with the seconds that it has taken until then, most of which compiling takes. Results then depend on the
            machine. The time is looked at after each epoch, so that lanes have one at least, however long compiling
            takes; a warning says so where that is all.
        seed: of all random draws.
        decay: what `weight_decay` acts on: "kernels", the practice since Loshchilov & Hutter 2019, or "all"
            trainable variables, as Keras's own does.
        slots: lanes side by side. None: chosen.
        executor: "vmap", "patches", "map", "steps", or "auto": chosen by timing a few steps.
        cluster: a Ray cluster to train on: "auto" for the one that this machine belongs to, or an address such as
            "ray://host:10001" (docs/scale.md). Chunks of lanes are its tasks. None: this machine alone.
        probes: what to measure inside the lanes after an epoch, for `path.probes()`: any of "covariate_shift",
            "saturation", "gradients", "sharpness", "generalization_gap". They look at a few training rows, and at
            small data not after every epoch, so that they take less than a tenth of the training time.
        out: directory to write the run to; it must not hold another run, nor be in use by another process. While lanes
            train, a thread of its own writes checkpoints into it, so that `resume` can go on.
        resume: whether to go on with the run that is in `out`, from its last checkpoint, if it was killed, stopped by
            Ctrl-C, or failed. Pass all else as it was: the result is then what the run would have given without the
            break, bit for bit on the same machine. A directory without a run begins one; the path of a finished run is
            read. Callbacks of your own begin anew.
        checkpoint_every: seconds, or a `datetime.timedelta`, from one checkpoint to the next: what is lost at most when
            a run is killed. They come more rarely where writing takes long, so that it costs less than 3 %; 0 writes
            one after every epoch.
        extra: JSON-able notes to keep in the record.

    Returns:
        The path. Ctrl-C stops after the running epoch and returns what has been trained; with `out` after one more, so
        that `resume` can go on from there.

    Raises:
        InputError: something passed can't be used; the message says what to do.
        AllLanesDiverged: no lane has a finite loss; its `path` holds what was trained.
        StorageFull: there is no space for the run in `out`; its `path` holds what was trained.
    """
    began, compiled = time.perf_counter(), seconds_compiled()
    compilation_cache.enable()
    _check_family(family)
    batch_size, epochs, repeats = (
        _whole(name, value)
        for name, value in (("batch_size", batch_size or 32), ("epochs", epochs), ("repeats", repeats))
    )
    if validation_batch_size is not None:
        validation_batch_size = _whole("validation_batch_size", validation_batch_size)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed={seed!r} is no whole number from 0. Pass one, such as 0.")
    if halving is not None and (_whole("halving", halving) < 2):
        raise InputError("halving=1 would cut nothing. Pass 2 or more; 3 is usual.")
    if warm_start is not None:
        _check_warm_start(warm_start, family, halving, cluster)
    limit = time_limit if time_limit is None or callable(time_limit) else seconds_of("time_limit", time_limit)
    if decay not in ("kernels", "all"):
        raise InputError(f"decay={decay!r} is unknown. Pass 'kernels' or 'all'.")
    seed = int(seed)
    probes = checked_probes(probes)
    if cluster is not None:
        check_cluster(cluster)
    every = 0.0 if checkpoint_every == 0 else seconds_of("checkpoint_every", checkpoint_every)
    if resume and out is None:
        raise InputError("resume=True needs the directory of the run that goes on. Pass it as out=.")
    about = record.begun()
    before = restored = None
    if resume and out is not None and (before := storage.begun(out)) is not None:
        about |= {name: before[name] for name in ("id", "created")}
        restored = restored_of(out) if before["status"] in UNFINISHED else None
    source = source_of(model, family.values, seed)
    builder = source if isinstance(source, Builder) else None
    variants, given_model = Variants(source), model
    model = variants.given(family.configurations()[0])
    if out is not None:
        storage.claim(out, about["id"])
    if cv is not None and (validation_split or validation_data is not None):
        raise InputError("cv holds out rows by itself. Leave validation_split and validation_data out, or cv.")
    if groups is not None and cv is None:
        raise InputError("groups are kept together by folds, and there are none. Pass cv, such as cv=5.")
    _check_nested(nested, cv, family, bool(test_split) or test_data is not None)
    if is_streamed(x):
        refuse(family, executor, cv=cv, groups=groups, nested=nested, test_split=test_split)
        if shuffle_buffer is not None:
            shuffle_buffer = _whole("shuffle_buffer", shuffle_buffer)
        parts = streamed_parts(
            model,
            Dataset(x, y, sample_weight),
            class_weight,
            validation_split,
            validation_data,
            shuffle_buffer,
            seed if shuffle else None,
        )
        test = None if test_data is None else as_arrays(_given("test_data", test_data), model)
        if test is not None:
            check_dataset(test)
        parts = replace(parts, test=test)
    else:
        if shuffle_buffer is not None:
            raise InputError("shuffle_buffer is for rows that are streamed, and x is in memory. Leave it out.")
        whole, groups, test = _without_test(model, Dataset(x, y, sample_weight), groups, test_split, test_data, seed)
        parts = replace(
            _parts(model, whole, class_weight, validation_split, validation_data, cv, groups, seed, nested), test=test
        )
    train, validation = parts.train, parts.validation
    data = (train.x, train.y, train.sample_weight)
    first = jax.tree.map(lambda array: array[:1], data)
    # Before the model is built, where labels that do not fit would end in an error of Keras's; again for all models.
    _check_known_labels(model, train, validation)
    check_fit(model, first)
    for dataset in (train, validation, test):
        if dataset is not None:
            check_model_labels(model, dataset)
    if parts.streamed is not None:
        streamed = checked(parts.streamed, parts.train, model, bool(validation_split) and validation_data is None)
        parts = replace(parts, streamed=streamed)
        batch_size = streamed.train.batch_size or batch_size
        if streamed.validation is not None:
            validation_batch_size = streamed.validation.batch_size or validation_batch_size
    if validation_batch_size is None:
        validation_batch_size = _even(parts.validation_rows, batch_size) if any(parts.validation_rows) else batch_size
        if has_own_step(model, "test_step"):
            # What a step of the user's own makes of a batch may depend on its size.
            validation_batch_size = batch_size
    _check_epochs(family, epochs)
    family = _acting(family, variants, decay)
    grouping = Grouping(
        variants,
        family,
        parts,
        repeats,
        batch_size,
        validation_batch_size,
        epochs,
        decay,
        seed,
        builder,
        warm_start=warm_start,
    )
    queued = grouping.groups(family.configurations())
    logs = log_names(queued[0].job)
    if builder and (taken := set(builder.arguments) & {name.removeprefix("val_") for name in logs}):
        raise InputError(f"'{min(taken)}' is an argument of {builder} and a log of its model. Give one another name.")
    understood = understand(keras.tree.flatten(callbacks or []), model, logs, epochs)
    if nested is not None and understood.rules.path is not None:
        raise InputError(
            "PathStopping ends lanes by the scores of others, those of the outer folds too, so that nested would not "
            "be honest. Leave one of them out."
        )
    grouping.keepers = len(understood.rules.keeping)
    queued = grouping.groups(family.configurations())
    for group in queued:
        check_effects(group.job.program, group.job.initials[0], group.job.example_lane, first)
    metric, mode = _metric(understood, logs)
    about |= {
        "hyperparameters": record.of_hyperparameters(
            family.values, queued[0].bound, builder.defaults if builder else {}
        ),
        "metric": metric,
        "mode": mode,
        "monitor": understood.rules.keeping[0].monitor.name if understood.rules.keeping[0].monitor else None,
        "repeats": repeats,
        "own_repeats": record.of_repeats(family, repeats),
        "folds": None if parts.folds is None else record.of_folds(parts.folds),
        "nested": None
        if parts.nested is None
        else {"splitter": parts.nested.name, "rows": list(map(len, parts.nested.held_out))},
        "seed": seed,
        "epochs": epochs,
        "batch_size": batch_size,
        "shuffle": bool(shuffle),
        "class_weight": None if class_weight is None else {int(k): float(v) for k, v in class_weight.items()},
        "decay": decay,
        "data": {
            "rows": max(parts.rows[: parts.choosing]),
            "validation_rows": max(parts.validation_rows[: parts.choosing]),
            "test_rows": test.rows if test else 0,
            "x": describe(train.x),
            "y": describe(train.y),
            "fingerprint": fingerprint(train) if parts.streamed is None else fingerprint_of(parts.streamed.train),
        }
        | ({} if parts.streamed is None else record_of(parts.streamed)),
        "model": record.of_model(model, logs) | ({"built_by": builder.name} if builder else {}),
        "callbacks": list(understood.described),
        "probes": list(probes),
        "extra": dict(extra or {}),
    }
    steps = () if halving is None else rungs(len(family.configurations()), epochs, halving)
    about["halving"] = None if halving is None else {"factor": halving, "rungs": list(steps)}
    if warm_start is not None:
        about["warm_start"] = warm_start
    if isinstance(family, Bayes) and halving is not None:
        raise InputError("Bayes learns from lanes that trained alike, which halving cuts. Leave one of them out.")
    if out is not None:
        models = {key_of(one): variants.given(one) for one in map(arguments_of, family.configurations())}
        search_words = repr(family) if isinstance(family, Bayes) else None
        rows = _fingerprints(parts)
        about["same"] = identity(about, queued, understood.rules, rows, models.values(), search_words)
        if before is not None:
            if before["status"] not in UNFINISHED:
                return _finished(out, given_model, parts, before, about)
            check_same(out, before.get("same") or {}, about["same"])
    search = None
    if isinstance(family, Bayes):
        search = family.search(about["id"], mode, None if out is None else study_in(out))
        queued = grouping.groups(search.ask())
    continuation = None
    if out is not None:
        continuation = Continuation.of(FilePath(out), every, about["same"], restored)
    moment = None if continuation is None else continuation.moment
    if moment is not None:
        # The kind and the width that were chosen then: with others the last digits would differ.
        executor, slots = moment.executor["name"], moment.executor["slots"]
        began -= moment.elapsed
    limited = None if limit is None else TimeLimit(began, limit, None if moment is None else moment.limit, compiled)
    run = Run(variants, about, understood, probes, out, parts, grouping, steps, search, limited, continuation)
    with contextlib.ExitStack() as held:
        queues_of: Callable[..., LaneQueues]
        if cluster is None:
            choice = choose(queued[0].job, executor, slots)
            about["executor"] = choice.record
            order = row_orders(parts, seed, shuffle, choice.executor.slots, repeats)
            queues_of = functools.partial(Queues, choice=choice, order=order, seed=seed)
        else:
            held.enter_context(connected(cluster))
            shipment = Shipment.of(about, source, grouping, understood.rules, probes)
            crew = Crew(shipment, Share.of_nodes(), every)
            lanes = sum(len(group.plans) for group in queued)
            about["executor"], seconds = crew.measure(queued[0], lanes, executor, slots)
            queues_of = functools.partial(ClusterQueues, crew=crew, record=about["executor"], lane_seconds=seconds)
        if moment is not None:
            about["executor"] |= {name: moment.executor[name] for name in ("why", "timings")}
        run.train(queued, queues_of, began, time.perf_counter(), verbose)
    return run.finish()


def _finished(
    out: str | os.PathLike[str], model: Any, parts: Parts, before: Mapping[str, Any], about: Mapping[str, Any]
) -> Path:
    """The path of a run that had ended, with its rows.

    Raises:
        InputError: these are other rows, or another training.
    """
    same = before.get("same") or {}
    if comparable(same, about["same"]):
        other = differing(without_versions(same), without_versions(about["same"]))
    else:
        other = [] if before["data"] == about["data"] else ["data"]
    if other:
        raise InputError(
            f"'{out}' holds a finished run on other {', '.join(other)}. Pass what it was begun with to read it, or "
            "another directory to train."
        )
    path = storage.load_path(out, model)
    # Where the process was killed after its last file, checkpoints are left.
    remove_checkpoints(FilePath(out))
    path.parts = parts
    return path


def _fingerprints(parts: Parts) -> dict[str, str]:
    """Digests, by name, of the rows that the record says nothing of."""
    # With folds the rows that are held out are those that are trained on, by their numbers.
    apart = {"test": parts.test} if parts.trained is not None else {"validation": parts.validation, "test": parts.test}
    rows = {f"{name} rows": fingerprint(dataset) for name, dataset in apart.items() if dataset is not None}
    if parts.trained is not None:
        rows["rows of folds"] = parts.trained.fingerprint()
    if parts.streamed is not None and parts.streamed.validation is not None and parts.validation is None:
        rows["validation rows"] = fingerprint_of(parts.streamed.validation)
    return rows


def _acting(family: Family, variants: Variants, decay: Decay) -> Family:
    """The family without those of its optional hyperparameters that act on nothing in this model."""
    if not family.optional:
        return family
    idle: dict[str, str] = {}
    for name, values in family.values.items():
        try:
            if is_built(name):
                for value in values:
                    variants.of({name: value})
            else:
                hyperparameter(name).bind(variants.given({}), decay)
        except InputError as error:
            idle[name] = str(error).split(":")[0]
    if not idle:
        return family
    if len(idle) == len(family.values):
        raise InputError(f"None of {', '.join(idle)} acts on this model. Add a layer that one of them acts on.")
    warn(f"Left out of the family: {'; '.join(idle.values())}.")
    return family.without(list(idle))


def _check_family(family: Any) -> None:
    if not isinstance(family, Family):
        raise InputError(f"family is {family!r}. Pass one such as ridgeway.Grid(weight_decay=[0.0, 1e-3]).")


def _check_warm_start(name: str, family: Family, halving: int | None, cluster: str | None) -> None:
    if isinstance(family, Bayes):
        raise InputError("Bayes proposes lanes one after another, not along a path. Use Grid, or leave warm_start out.")
    if halving is not None:
        raise InputError("halving cuts lanes that others would begin from. Leave it or warm_start out.")
    if cluster is not None:
        raise InputError("warm_start goes from lane to lane on one machine. Leave cluster or warm_start out.")
    check_warm_start(name, family.values)


def _check_epochs(family: Family, epochs: int) -> None:
    longest = max(map(float, family.values.get("max_epochs", (1.0,))))
    if longest > epochs:
        raise InputError(
            f"max_epochs={longest:g} of the family is beyond epochs={epochs}, where all lanes end. Pass "
            f"epochs={longest:g}, or lower values."
        )
    latest = max(map(float, family.values.get("relax", (0.0,))))
    # Lanes that end at epochs of their own may well end before.
    if latest >= epochs and "max_epochs" not in family.values:
        raise InputError(
            f"relax={latest:g} of the family leaves no epoch of epochs={epochs} without the penalty. Pass "
            f"epochs={latest * 1.5:.0f}, lower values, or 0, which does not relax."
        )


def _check_nested(nested: Any, cv: Any, family: Family, tested: bool) -> None:
    if nested is None:
        return
    if cv is None:
        raise InputError("nested needs the folds by which each outer fold chooses. Pass them as cv, such as cv=5.")
    if tested:
        raise InputError("nested and test rows are two ways to one honest estimate. Leave one of them out.")
    if isinstance(family, Bayes):
        raise InputError(
            "Bayes proposes by scores on all rows, those of the outer folds too, so that nested would not be honest. "
            "Use Random or Grid, or set rows aside by test_split."
        )


def _whole(name: str, count: Any) -> int:
    if not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"{name}={count!r} is no whole number above 0. Pass at least 1.")
    return int(count)


def _even(rows: Sequence[int], batch_size: int) -> int:
    """A size up to four batches that divides the rows evenly, else the batch size itself.

    Validation gives the same numbers in batches of any size; without a smaller last one there is less to compile.
    """
    sizes = range(min(4 * batch_size, *rows), batch_size - 1, -1)
    return next((size for size in sizes if not any(count % size for count in rows)), batch_size)


def _without_test(
    model: keras.Model, dataset: Dataset, groups: Any, test_split: float, test_data: Any, seed: int
) -> tuple[Dataset, Any, Dataset | None]:
    """All rows but those for the test, checked, with their groups; and those for the test."""
    whole = as_arrays(dataset, model)
    check_dataset(whole)
    if test_data is not None:
        if test_split:
            raise InputError("test_split and test_data can't be given together. Leave one out.")
        test = as_arrays(_given("test_data", test_data), model)
        check_dataset(test)
        return whole, groups, test
    if not test_split:
        return whole, groups, None
    if groups is not None:
        raise InputError(
            "test_split would part rows of one group. Set whole groups aside by yourself and pass them as test_data."
        )
    rest, rows = split_test(whole, test_split, is_likelihood(model), seed)
    return whole.map(lambda array: array[rest]), None, whole.map(lambda array: array[rows])


def _given(name: str, data: Any) -> Dataset:
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise InputError(f"{name} is no (x, y) or (x, y, sample_weight). Pass a tuple of two or three.")
    return Dataset(*data, *([None] * (3 - len(data))))


def _parts(
    model: keras.Model,
    whole: Dataset,
    class_weight: Any,
    validation_split: float,
    validation_data: Any,
    cv: Any,
    groups: Any,
    seed: int,
    nested: Any,
) -> Parts:
    """Training and validation rows, checked, in the dtypes that `fit` would train on."""
    train, validation, folds, outer = whole, None, None, None
    if cv is not None:
        # As it was given: class weights are for training.
        validation = whole
        folds = folds_of(cv, whole, is_likelihood(model), groups, seed)
        if nested is not None:
            outer = nested_of(nested, cv, whole, is_likelihood(model), groups, seed)
    elif validation_data is not None:
        validation = as_arrays(_given("validation_data", validation_data), model)
        check_dataset(validation)
    elif validation_split:
        train, validation = split_tail(whole, validation_split)
    else:
        warn(
            "No validation data: lanes keep their last epoch and are compared by their training loss, which says "
            "nothing of overfitting. Pass validation_split, validation_data or cv."
        )
    if class_weight is not None:
        train = replace(train, sample_weight=apply_class_weight(train.y, class_weight, train.sample_weight))
    return Parts(train, validation, folds, nested=outer)


def _check_known_labels(model: keras.Model, *datasets: Dataset | None) -> None:
    outputs = getattr(model, "outputs", None) if model.built else None
    losses = compiled_losses(model)
    if len(losses) != 1 or not outputs or len(outputs) != 1:
        return
    for dataset in datasets:
        if dataset is not None and isinstance(dataset.y, np.ndarray):
            check_labels(dataset.y, outputs[0].shape[-1], losses[0].name, losses[0].keywords.get("ignore_class"))


def _metric(understood: Understood, logs: Sequence[str]) -> tuple[str, str]:
    """What configurations are compared by: the kept epoch's monitor, free of what differs between lanes by design."""
    monitor = understood.rules.keeping[0].monitor
    if monitor is None:
        return "loss", "min"
    compared = next((name for name in COMPARED if name in logs), None)
    if monitor.name == "val_loss" and compared:
        return compared, "min"
    return monitor.name, monitor.mode
