"""A run that something killed goes on where it was, and ends as if nothing had."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
import pandas as pd
import pytest

import ridgeway as rw
from ridgeway.checkpoints import generations, identity
from ridgeway.checkpoints.identity import _configured
from small_run import X, Y, network
from small_run import train as small_run

# A kill leaves no time to close files.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SCRIPT = Path(__file__).parent / "resumed_run.py"


class Killed(BaseException):
    """What no handler of the run's takes notice of, as little as it could of SIGKILL."""


RANGES = {"weight_decay": rw.Range(1e-4, 1.0, log=True), "dropout": rw.Range(0.0, 0.8)}
KINDS: dict[str, dict[str, Any]] = {
    "grid": {},
    "map": {"executor": "map"},
    "steps": {"executor": "steps"},
    "halving": {"halving": 2, "repeats": 2},
    "folds": {"cv": 2, "test_split": 0.2, "validation_split": 0.0},
    "streamed": {"streamed": True, "shuffle_buffer": 40},
    "probes": {"probes": ["saturation", "generalization_gap"]},
    "structures": {
        "family": rw.Grid(weight_decay=[0.0, 0.3], normalization=["none", "batch"], ema=[0.0, 0.9]),
        "halving": 2,
    },
    "warm": {"warm_start": "weight_decay"},
    "bayes": {"family": rw.Bayes(9, batch=3, **RANGES)},
}


def train(out: Path, **changed: Any) -> rw.Path:
    x = on_disk(X) if changed.pop("streamed", False) else X
    return small_run(out=out, x=x, **changed)


def on_disk(rows: np.ndarray) -> np.ndarray:
    """The rows as a memory-mapped array."""
    folder = tempfile.mkdtemp(prefix="ridgeway-rows-")
    np.save(Path(folder) / "x.npy", rows)
    mapped = np.load(Path(folder) / "x.npy", mmap_mode="r")
    # It stays readable for as long as it is mapped.
    shutil.rmtree(folder)
    return mapped


def kill_after(monkeypatch: pytest.MonkeyPatch, checkpoints: int) -> None:
    """Ends the run, as nothing that can be caught, as soon as so many checkpoints are written."""
    save = generations.Checkpoints.save
    count = 0

    def saved(self: generations.Checkpoints, *arguments: Any) -> None:
        nonlocal count
        save(self, *arguments)
        self.wait()
        count += 1
        if count == checkpoints:
            raise Killed

    monkeypatch.setattr(generations.Checkpoints, "save", saved)


def assert_same(whole: Path, resumed: Path) -> None:
    """All that was trained, bit for bit."""
    names = {file.name for file in whole.iterdir() if file.suffix in (".parquet", ".safetensors")} - {"timings.parquet"}
    assert {"lanes.parquet", "history.parquet", "weights.safetensors", "last_weights.safetensors"} <= names
    for name in names:
        assert (whole / name).read_bytes() == (resumed / name).read_bytes(), name
    logs = [
        [{**json.loads(line), "time": 0} for line in (run / "events.jsonl").read_text().splitlines()]
        for run in (whole, resumed)
    ]
    trained = [[line for line in log if line["event"] in ("epoch", "lane")] for log in logs]
    assert trained[0] == trained[1]


def unreported(patch: pytest.MonkeyPatch) -> None:
    """Runs write an empty report: drawing one takes as long as their training."""
    patch.setattr(rw.Path, "report", lambda path, file: Path(file).write_text(""))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Gives the directory of an uninterrupted run of a kind."""
    made: dict[str, Path] = {}

    def of(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("whole") / kind
            with pytest.MonkeyPatch.context() as patch:
                unreported(patch)
                train(made[kind], **KINDS[kind])
        return made[kind]

    return of


#: After how many checkpoints each kind is killed, in a row; 1, 5 and 11 from the start, where all three are.
KILLS = {kind: [1, 4, 6] if kind in ("grid", "structures", "bayes") else [5, 6] for kind in KINDS if kind != "halving"}


@pytest.mark.parametrize("kind", KILLS)
def test_a_killed_run_ends_as_if_it_had_not_been(
    kind: str, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    for checkpoints in KILLS[kind]:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            kill_after(patch, checkpoints)
            train(out, resume=True, **KINDS[kind])
        assert json.loads((out / "run.json").read_text())["status"] == "running"
    trained = train(out, resume=True, **KINDS[kind])
    assert_same(whole(kind), out)
    assert trained.record["status"] == "finished" and not (out / "state").exists()


def test_killed_again_and_again(whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving, within rungs and between them."""
    out = tmp_path / "run"
    kills = 0
    while kills < 40:
        with monkeypatch.context() as patch:
            kill_after(patch, 3 if kills else 1)
            try:
                train(out, resume=True, **KINDS["halving"])
            except Killed:
                kills += 1
                continue
        break
    assert kills > 3
    assert_same(whole("halving"), out)
    assert not (out / "state").exists()


def test_a_study_in_a_storage_of_ones_own_goes_on(whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = f"sqlite:///{tmp_path / 'studies.db'}"
    family = rw.Bayes(9, batch=3, storage=storage, **RANGES)
    unreported(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 9)
        train(tmp_path / "run", family=family)
    path = train(tmp_path / "run", family=family, resume=True)
    assert_same(whole("bayes"), tmp_path / "run")
    study = optuna.load_study(study_name=path.record["id"], storage=storage)
    assert [trial.number for trial in study.trials] == list(range(9))


def test_ctrl_c_is_gone_on_from(whole: Any, tmp_path: Path) -> None:
    class Interrupts(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 3:
                os.kill(os.getpid(), signal.SIGINT)

    # Long between checkpoints: that of the interruption is the only one.
    stopped = train(tmp_path / "run", callbacks=[*early(), Interrupts()], checkpoint_every=1000)
    assert stopped.record["status"] == "interrupted" and "interrupted" in set(stopped.table()["stopped"])
    assert rw.load_path(tmp_path / "run").table().equals(stopped.table())
    train(tmp_path / "run", resume=True, callbacks=[*early(), Listens()])
    assert_same(whole("grid"), tmp_path / "run")


def early() -> list[keras.callbacks.Callback]:
    return [keras.callbacks.EarlyStopping(patience=2)]


class Listens(keras.callbacks.Callback):
    """Stands in for another listener: what listens does not decide what is trained."""


def test_a_run_without_a_checkpoint_begins_anew(whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*arguments: Any) -> None:
        raise Killed

    unreported(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(generations.Checkpoints, "save", killed)
        train(tmp_path / "run")
    train(tmp_path / "run", resume=True)
    assert_same(whole("grid"), tmp_path / "run")


def test_a_directory_without_a_run_begins_one_and_a_finished_one_is_read(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreported(monkeypatch)
    first = train(tmp_path / "run", resume=True)
    assert_same(whole("grid"), tmp_path / "run")
    before = (tmp_path / "run" / "lanes.parquet").stat().st_mtime_ns
    again = train(tmp_path / "run", resume=True)
    assert again.table().equals(first.table())
    assert (tmp_path / "run" / "lanes.parquet").stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run that was killed after its fifth checkpoint; tests take copies."""
    out = tmp_path_factory.mktemp("killed") / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 5)
        train(out)
    return out


@pytest.fixture
def killed(killed_once: Path, tmp_path: Path) -> Path:
    """The directory of a run that was killed after its fifth checkpoint."""
    return Path(shutil.copytree(killed_once, tmp_path / "run"))


def files_of(generation: Path) -> list[Path]:
    return sorted(file for file in generation.rglob("*") if file.is_file())


@pytest.mark.parametrize("how", ["cut", "altered", "gone", "added", "notes", "sums"])
def test_the_older_generation_stands_in_for_a_damaged_one(
    how: str, killed: Path, whole: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newest = sorted((killed / "state").glob("generation-*"))
    file = max(files_of(newest), key=lambda one: one.stat().st_size)
    if how == "cut":
        file.write_bytes(file.read_bytes()[:-7])
    elif how == "altered":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif how == "gone":
        file.unlink()
    elif how == "added":
        file = newest / "more"
        file.write_text("")
    else:
        file = newest / {"notes": "notes.json", "sums": "checksums.json"}[how]
        file.write_text("{}" if how == "notes" else "")
    restored = generations.latest(killed)
    assert restored is not None and f"generation-{restored.notes['generation']:06d}" == older.name
    assert f"A checkpoint is not used: '{file}'" in caplog.text
    if how == "altered":
        unreported(monkeypatch)
        train(killed, resume=True)
        assert_same(whole("grid"), killed)


def test_no_whole_generation_is_an_error_that_names_the_files(killed: Path) -> None:
    for generation in (killed / "state").glob("generation-*"):
        (generation / "notes.json").unlink()
    with pytest.raises(rw.errors.InputError, match=r"No checkpoint of .*notes\.json' is missing"):
        train(killed, resume=True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epochs": 9}, "epochs"),
        ({"seed": 5}, "seed"),
        ({"family": rw.Grid(weight_decay=[0.0, 0.2, 1.0], dropout=[0.0, 0.5])}, "hyperparameters"),
        ({"validation_split": 0.3}, "data"),
        ({"callbacks": [keras.callbacks.EarlyStopping(patience=3)]}, "callbacks"),
    ],
)
def test_what_differs_is_named(changed: dict[str, Any], said: str, killed: Path) -> None:
    with pytest.raises(rw.errors.InputError, match=f"was begun with other .*{said}"):
        train(killed, resume=True, **changed)


def test_other_rows_and_other_weights_are_named(killed: Path) -> None:
    with pytest.raises(rw.errors.InputError, match="other starting weights"):
        rw.fit_path(network(2), X, Y, rw.Grid(weight_decay=[0.0, 0.1, 1.0], dropout=[0.0, 0.5]), out=killed,
                    resume=True, epochs=8, batch_size=16, validation_split=0.25, callbacks=early(), slots=4,
                    executor="vmap")  # fmt: skip
    with pytest.raises(rw.errors.InputError, match="other data"):
        rw.fit_path(network(), X + 1, Y, rw.Grid(weight_decay=[0.0, 0.1, 1.0], dropout=[0.0, 0.5]), out=killed,
                    resume=True, epochs=8, batch_size=16, validation_split=0.25, callbacks=early(), slots=4,
                    executor="vmap")  # fmt: skip


def with_layers(*layers: keras.layers.Layer) -> keras.Model:
    """The network with others in the place of its first two layers; its starting weights are the same."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss=loss, metrics=["accuracy"])
    return model


@pytest.mark.parametrize("how", ["regularizer", "function"])
def test_other_layers_are_named(how: str, killed: Path) -> None:
    own = {"regularizer": {"kernel_regularizer": keras.regularizers.L2(0.5)}, "function": {"activation": "gelu"}}[how]
    layers = [keras.layers.Dense(8, **{"activation": "relu", **own}), keras.layers.Dropout(0.1)]
    with pytest.raises(rw.errors.InputError, match="was begun with other .*layers"):
        train(killed, model=with_layers(*layers), resume=True)


def test_names_that_keras_counts_up_do_not_tell_layers_apart() -> None:
    model = network()
    copy = keras.Sequential.from_config({**model.get_config(), "name": "another"})
    for layer in copy.layers:
        layer.name = f"{layer.name}_7"
    copy.set_weights(model.get_weights())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    copy.compile(keras.optimizers.Adam(0.02), loss=loss, metrics=["accuracy"])
    assert _configured(copy) == _configured(model)


def test_other_streamed_rows_to_validate_on_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def validated(rows: np.ndarray, **changed: Any) -> rw.Path:
        data = (on_disk(rows), Y[90:])
        return train(tmp_path / "run", streamed=True, validation_split=0.0, validation_data=data, **changed)

    unreported(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 2)
        validated(X[90:])
    with pytest.raises(rw.errors.InputError, match="was begun with other validation rows"):
        validated(X[90:] * 5 - 3, resume=True)
    validated(X[90:], resume=True)


@pytest.mark.parametrize("package", ["ridgeway", "optuna", "orbax-checkpoint", "jax"])
def test_other_versions_are_named(package: str, killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = identity._versions
    monkeypatch.setattr(identity, "_versions", lambda about: {**versions(about), package: "99"})
    with pytest.raises(rw.errors.InputError, match=f"was begun with other {package} version. Pass"):
        train(killed, resume=True)


def test_what_differs_is_named_before_there_is_a_checkpoint(killed: Path) -> None:
    shutil.rmtree(killed / "state")
    with pytest.raises(rw.errors.InputError, match="was begun with other .*epochs"):
        train(killed, resume=True, epochs=9)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epochs": 20}, "epochs"),
        ({"family": rw.Grid(weight_decay=[0.3])}, "hyperparameters, configurations"),
        ({"seed": 5}, "seed"),
    ],
)
def test_a_finished_run_is_read_for_the_same_only(changed: dict[str, Any], said: str, whole: Any) -> None:
    with pytest.raises(rw.errors.InputError, match=f"holds a finished run on other {said}"):
        train(whole("grid"), resume=True, **changed)


def test_a_finished_run_of_another_version_is_read(whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = identity._versions
    monkeypatch.setattr(identity, "_versions", lambda about: {**versions(about), "ridgeway": "99"})
    assert len(train(whole("grid"), resume=True).table()) == 6


def test_a_finished_study_is_not_asked_anew(whole: Any) -> None:
    before = (whole("bayes") / "optuna.db").read_bytes()
    train(whole("bayes"), resume=True, **KINDS["bayes"])
    assert (whole("bayes") / "optuna.db").read_bytes() == before
    with pytest.raises(rw.errors.InputError, match="holds a finished run on other search"):
        train(whole("bayes"), resume=True, family=rw.Bayes(10, batch=3, **RANGES))


def saving_best(file: Path) -> list[keras.callbacks.Callback]:
    return [*early(), keras.callbacks.ModelCheckpoint(str(file), monitor="val_loss", save_best_only=True)]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_files_of_callbacks(
    moment: str, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says that a run is finished when nothing is left to be written."""
    file = tmp_path / "mine.keras"

    def ends(*_: Any) -> None:
        raise Killed

    unreported(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        if moment == "before":
            patch.setattr("ridgeway.run.write_checkpoints", ends)
        else:
            patch.setattr(generations.Checkpoints, "remove", ends)
        train(tmp_path / "run", callbacks=saving_best(file))
    assert (tmp_path / "run" / "state").exists()
    train(tmp_path / "run", callbacks=saving_best(file), resume=True)
    assert file.exists() and not (tmp_path / "run" / "state").exists()
    assert_same(whole("grid"), tmp_path / "run")


def test_no_checkpoints_are_left_of_lanes_that_all_diverged(tmp_path: Path) -> None:
    model = network()
    model.optimizer.learning_rate = 1e30
    with pytest.raises(rw.AllLanesDiverged):
        train(tmp_path / "run", model=model)
    assert not (tmp_path / "run" / "state").exists()


def test_events_are_on_the_disk_before_their_sum_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, written = os.fsync, generations.Checkpoints.save

    def synced(number: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{number}")).name)
        sync(number)

    def saved(self: generations.Checkpoints, *arguments: Any) -> None:
        self.wait()
        assert done[-1] == "events.jsonl"
        written(self, *arguments)

    unreported(monkeypatch)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(generations.Checkpoints, "save", saved)
    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    train(tmp_path / "run")
    last = max(place for place, name in enumerate(done) if name == "events.jsonl")
    assert all("lanes.parquet" not in name for name in done[:last])


def test_without_resume_the_directory_is_refused(killed: Path) -> None:
    with pytest.raises(rw.errors.InputError, match="holds another run"):
        train(killed)


def test_resume_needs_a_directory() -> None:
    with pytest.raises(rw.errors.InputError, match="resume=True needs the directory"):
        rw.fit_path(network(), X, Y, rw.Grid(weight_decay=[0.0]), resume=True)


@pytest.mark.parametrize("wrong", [-1, "often", float("nan")])
def test_no_time_between_checkpoints_is_refused(wrong: Any) -> None:
    with pytest.raises(rw.errors.InputError, match="checkpoint_every="):
        rw.fit_path(network(), X, Y, rw.Grid(weight_decay=[0.0]), checkpoint_every=wrong)


def test_the_time_that_was_spent_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreported(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, 5)
        train(tmp_path / "run", time_limit=3600)
    noted = sorted((tmp_path / "run" / "state").glob("generation-*"))[-1] / "notes.json"
    spent = json.loads(noted.read_text())["notes"]["run"]["moment"]["elapsed"]
    path = train(tmp_path / "run", time_limit=3600, resume=True)
    assert path.record["seconds"]["total"] > spent > 0
    assert path.record["time_limit"] == pytest.approx(3600)


class Fills(keras.callbacks.Callback):
    """Fills a disk with the end of a round, counted from 0, to the last byte."""

    def __init__(self, disk: Path, epoch: int) -> None:
        super().__init__()
        self.disk, self.epoch = disk, epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            with open(self.disk / "filler", "wb", buffering=0) as file:
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(1 << 16))
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"0")


@pytest.mark.parametrize("epoch", [0, 6])
def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(epoch: int, whole: Any, small_disk: Path) -> None:
    out = small_disk / "run"
    with pytest.raises(rw.StorageFull, match="the disk is full .*Make space") as caught:
        train(out, callbacks=[*early(), Fills(small_disk, epoch)])
    assert len(caught.value.path.table()) >= 4  # type: ignore[attr-defined]
    (small_disk / "filler").unlink()
    # The report alone takes more than such a disk has.
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    train(out, resume=True)
    assert_same(whole("grid"), out)


def run_script(out: Path, kind: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(out), kind, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_real_processes_killed_by_the_system(whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL at moments of the wall clock, also within the writing of a checkpoint; `make soak` has fifty of them.

    The first ends a run that was begun, the second one that went on; the end is in a third process, this one.
    """
    out = tmp_path / "killed"
    random = np.random.default_rng(7)
    for _ in range(2):
        done = run_script(out, "halving", "--kill-after", round(float(random.uniform(0.0, 0.4)), 3))
        assert done.returncode == -signal.SIGKILL, done.stderr
    unreported(monkeypatch)
    train(out, resume=True, **KINDS["halving"])
    assert_same(whole("halving"), out)
    shutil.rmtree(out)


def test_lanes_and_timings_are_apart(whole: Any) -> None:
    """What the clock says is never the same twice: it has a file of its own."""
    assert "seconds" not in pd.read_parquet(whole("grid") / "lanes.parquet")
    assert list(pd.read_parquet(whole("grid") / "timings.parquet")) == ["lane", "seconds"]
    assert "seconds" in rw.load_path(whole("grid")).table()
