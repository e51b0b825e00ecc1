"""Lanes on a real Ray cluster of several node processes on this machine: as without it, whatever is lost."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import ridgeway as rw
from ridgeway.cli import app
from ridgeway.cluster import worker
from ridgeway.cluster.chunks import Chunk, News, chunk_size, parted
from ridgeway.engine.slots import Round
from ridgeway.errors import ClusterFailure, InputError
from ridgeway.progress import ProgressBar
from small_run import X, Y, network, train

ray = pytest.importorskip("ray")

# One core, and one device, a node: what the processes of the nodes have too, so that digits agree to the last.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
pytestmark = [
    # Ray leaves the logs and sockets of its own processes to them.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.xdist_group("ray"),
]

MEMORY = 100 * 2**20


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


CLIENT_PORT = _free_port()


NODE = {"include_dashboard": False, "object_store_memory": MEMORY}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "ray_client_server_port": CLIENT_PORT, **NODE})
    for _ in range(2):
        made.add_node(num_cpus=1, **NODE)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def cluster(nodes: Any) -> Any:
    """A cluster that `fit_path` has to connect to by itself."""
    ray.shutdown()
    return nodes


@pytest.fixture
def connected(nodes: Any) -> Any:
    """A cluster that this process is connected to already, whose workers have imported all that they need."""
    if not ray.is_initialized():
        ray.init(nodes.address, logging_level=logging.WARNING, log_to_driver=False)
    return nodes


KINDS: dict[str, dict[str, Any]] = {
    "grid": {},
    "halving, repeats and probes": {"halving": 2, "repeats": 2, "probes": ["saturation"]},
    "folds and a test": {"cv": 2, "test_split": 0.2, "validation_split": 0.0},
    "structures": {"family": rw.Grid(weight_decay=[0.0, 0.3], normalization=["none", "batch"], ema=[0.0, 0.9])},
    "bayes": {"family": rw.Bayes(9, batch=3, weight_decay=rw.Range(1e-4, 1.0, log=True), dropout=rw.Range(0.0, 0.8))},
}


def assert_same_table(alone: rw.Path, spread: rw.Path) -> None:
    """The law of lanes across machines: as without Ray, to float32 rounding; words and counts exactly."""
    for table, other in ((alone.table(), spread.table()), (alone.history(), spread.history())):
        table, other = (one.drop(columns="seconds", errors="ignore") for one in (table, other))
        pd.testing.assert_frame_equal(table, other, rtol=2e-4, atol=2e-5)
    assert alone.best.configuration == spread.best.configuration


def test_no_cluster_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # Before any cluster of these tests is there.
    from ray._private.services import find_gcs_addresses

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if find_gcs_addresses():
        pytest.skip("A Ray cluster runs on this machine.")
    with pytest.raises(InputError, match="no Ray cluster answers.*ray start --head"):
        train(cluster="auto")


@pytest.mark.parametrize("kind", KINDS)
def test_a_cluster_gives_the_table_of_one_machine(kind: str, connected: Any) -> None:
    spread = train(cluster=connected.address, **KINDS[kind])
    assert_same_table(train(**KINDS[kind]), spread)
    record = spread.record["executor"]
    assert record["cluster"]["tasks"] == 2 and record["cluster"]["nodes"] == 3


def test_all_nodes_take_part_and_the_bar_and_callbacks_hear_of_all(
    connected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[Any] = []
    leave = ProgressBar.__exit__
    monkeypatch.setattr(ProgressBar, "__exit__", lambda bar, *details: (bars.append(bar), leave(bar, *details))[1])

    class Heard(keras.callbacks.Callback):
        rounds = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.rounds += 1

    heard = Heard()
    path = train(cluster=connected.address, out=tmp_path / "run", callbacks=[heard], verbose=1)
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    trained = {(event["lane"], event["epoch"]) for event in events if event["event"] == "epoch"}
    assert trained == {(lane, epoch) for lane in range(6) for epoch in range(1, 9)}
    assert heard.rounds and len(path.table()) == 6
    assert bars[0]._progress.tasks[0].completed == bars[0]._progress.tasks[0].total == 48


def big(seed: int = 2) -> dict[str, Any]:
    """Work of some seconds, so that there is a middle to lose a node in."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(4000, 30)).astype(np.float32)
    y = (x[:, :3].sum(1) + random.normal(size=4000) > 0).astype(np.int32)
    return {"x": x, "y": y}


def train_big(**changed: Any) -> rw.Path:
    data = big()
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    layers = [keras.Input((30,)), keras.layers.Dense(64, "relu"), keras.layers.Dropout(0.1), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    family = rw.Grid(weight_decay=[0.0, 0.01, 0.1, 1.0], dropout=[0.0, 0.3])
    return rw.fit_path(
        model, data["x"], data["y"], family, epochs=60, validation_split=0.25, slots=4, executor="vmap",
        checkpoint_every=changed.pop("checkpoint_every", 0.2), **changed,
    )  # fmt: skip


def test_a_node_that_is_killed_costs_no_lane(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from ridgeway.cluster.queues import ClusterQueues

    extra = cluster.add_node(num_cpus=1, **NODE)
    heard = ClusterQueues._heard
    killed: list[int] = []

    def watched(self: ClusterQueues, posted: Any, *arguments: Any) -> Any:
        trained = heard(self, posted, *arguments)
        for chunk in self._active.values():
            epochs = max((len(one.history) for one in chunk.live()), default=0)
            if chunk.node == extra.node_id and epochs >= 5 and not killed:
                # As if its power was cut: the raylet and, with it, its workers.
                killed.append(epochs)
                cluster.remove_node(extra, allow_graceful=False)
        return trained

    monkeypatch.setattr(ClusterQueues, "_heard", watched)
    spread = train_big(cluster=cluster.address, out=tmp_path / "run")
    assert killed, "the run was over before the node could be killed"
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    told = [(event["lane"], event["epoch"]) for event in events if event["event"] == "epoch"]
    assert len(told) == len(set(told)) == 8 * 60, "an epoch is told of once, though it is trained twice"
    assert "begins anew" in caplog.text
    monkeypatch.undo()
    assert_same_table(train_big(), spread)


def test_a_chunk_that_kills_its_node_again_and_again_ends_the_run_with_what_is_trained(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ridgeway.cluster.crew import Crew

    def dies(*arguments: Any) -> Any:
        @ray.remote(num_cpus=1, max_retries=0)
        def gone() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        return gone.remote()

    monkeypatch.setattr(Crew, "begin", dies)
    with pytest.raises(ClusterFailure, match="5 times in a row .* `ray status`"):
        train(cluster=cluster.address)


def test_a_stop_by_time_ends_the_lanes_of_all_nodes(connected: Any) -> None:
    path = train_big(cluster=connected.address, time_limit=lambda first: first + 0.5)
    table = path.table()
    assert len(table) and set(table["stopped"]) <= {"time is up", "completed"}
    assert "time is up" in set(table["stopped"]) and (table["epochs"] < 60).any()


def test_ctrl_c_returns_what_is_trained_and_the_run_goes_on_without_a_cluster(connected: Any, tmp_path: Path) -> None:
    class Interrupts(keras.callbacks.Callback):
        done = False

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch >= 4 and not self.done:
                self.done = True
                os.kill(os.getpid(), signal.SIGINT)

    out = tmp_path / "run"
    path = train_big(cluster=connected.address, out=out, callbacks=[Interrupts()])
    assert path.record["status"] == "interrupted" and set(path.table()["stopped"]) == {"interrupted"}
    assert_same_table(train_big(callbacks=None), train_big(out=out, resume=True))


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from test_cluster import train_big
train_big(cluster={address!r}, out={out!r}, checkpoint_every=0)
"""


@pytest.mark.parametrize("caller_dies", [True, False])
def test_the_heads_death_is_survived_by_resume(caller_dies: bool, tmp_path: Path, cluster: Any) -> None:
    from ray.cluster_utils import Cluster

    def made() -> Cluster:
        one = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, **NODE},
        )
        one.add_node(num_cpus=1, **NODE)
        return one

    first = made()
    out = tmp_path / "run"
    code = SCRIPT.format(folder=str(Path(__file__).parent), address=first.address, out=str(out))
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        while not list(out.glob("state/generation-*")) and time.monotonic() < deadline and driver.poll() is None:
            time.sleep(0.1)
        assert list(out.glob("state/generation-*")), "no checkpoint came"
        if caller_dies:
            # The head and the process beside it are gone at once, as when a machine loses its power.
            driver.kill()
        else:
            for name in ("gcs_server", "raylet"):
                os.kill(first.head_node.all_processes[name][0].process.pid, signal.SIGKILL)
            said = driver.communicate(timeout=120)[1].decode()
            assert "ClusterFailure: The cluster's head does not answer any more" in said, said
    finally:
        driver.kill()
        driver.communicate()
        first.shutdown()
    assert json.loads((out / "run.json").read_text())["status"] == ("running" if caller_dies else "failed")
    second = made()
    try:
        spread = train_big(cluster=second.address, out=out, resume=True)
    finally:
        ray.shutdown()
        second.shutdown()
    assert_same_table(train_big(), spread)


def test_rows_on_disk_are_read_by_each_node(connected: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    arguments = {"x": str(tmp_path / "x.npy"), "shuffle_buffer": 40}
    assert_same_table(train(**arguments), train(cluster=connected.address, **arguments))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    with pytest.raises(InputError, match="part of a mapped file"):
        rw.fit_path(
            network(), mapped[::2], Y[::2], rw.Grid(dropout=[0.1]), cluster=connected.address, validation_split=0.2
        )


def test_a_function_of_a_script_builds_models_on_the_nodes(connected: Any) -> None:
    def build(width: int = 4) -> keras.Model:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(2)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    arguments = {"model": build, "family": rw.Grid(width=[4, 8], weight_decay=[0.0, 0.1])}
    assert_same_table(train(**arguments), train(cluster=connected.address, **arguments))


def branched() -> keras.Model:
    inputs = keras.Input((4,))
    sides = [keras.layers.Dense(4, kind)(inputs) for kind in ("relu", "tanh")]
    dropped = keras.layers.Dropout(0.1)(keras.layers.Concatenate()(sides))
    model = keras.Model(inputs, keras.layers.Dense(2)(dropped))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_functional_models_by_rays_client(cluster: Any) -> None:
    model = branched()
    arguments = {"model": model, "family": rw.Grid(weight_decay=[0.0, 0.1], dropout=[0.0, 0.4])}
    assert_same_table(train(**arguments), train(cluster=f"ray://127.0.0.1:{CLIENT_PORT}", **arguments))


def test_the_command_line_and_the_estimators_train_on_a_cluster(cluster: Any, tmp_path: Path) -> None:
    table = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(label=Y)
    table.to_csv(tmp_path / "rows.csv", index=False)
    out = tmp_path / "run"
    words = ["fit", str(tmp_path / "rows.csv"), "--target", "label", "--vary", "dropout=0,0.3", "--epochs", "3"]
    result = CliRunner().invoke(app, [*words, "--out", str(out), "--cluster", cluster.address])
    assert result.exit_code == 0, result.output
    record = json.loads((out / "run.json").read_text())
    assert record["status"] == "finished" and record["executor"]["cluster"]["nodes"] == 3
    few = rw.Grid(dropout=[0.0, 0.2])
    classifier = rw.PathClassifier(family=few, epochs=2, cv=2, time_limit=None, cluster=cluster.address)
    assert classifier.fit(table.drop(columns="label"), table["label"]).path_.record["executor"]["cluster"]


def test_rows_of_a_csv_are_copied_by_each_node(connected: Any, tmp_path: Path) -> None:
    import pyarrow.dataset as pads

    table = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(label=Y)
    table.to_csv(tmp_path / "rows.csv", index=False)
    arguments = {"x": str(tmp_path / "rows.csv"), "y": "label", "shuffle_buffer": 40}
    assert_same_table(train(**arguments), train(cluster=connected.address, **arguments))
    in_memory = pads.dataset(pa.Table.from_pandas(table))
    with pytest.raises(InputError, match="InMemoryDataset of this process.*write_dataset"):
        train(x=in_memory, y="label", cluster=connected.address)


def test_what_cannot_be_done_is_said(cluster: Any) -> None:
    class Own(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    model = keras.Sequential([keras.Input((4,)), Own(), keras.layers.Dropout(0.1), keras.layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(InputError, match="can't be built anew on the cluster.*register_keras_serializable"):
        train(model=model, cluster=cluster.address)
    with pytest.raises(InputError, match="names no Ray cluster"):
        train(cluster=4)


def test_what_states_cost_counts_the_wait_for_the_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        class post:
            @staticmethod
            def remote(news: bytes) -> float:
                return 0.1

    # No reply is there before it is waited for.
    monkeypatch.setattr(ray, "wait", lambda replies, timeout: ([], replies))
    monkeypatch.setattr(ray, "get", time.sleep)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "node"))
    monkeypatch.setattr(worker, "_EVERY", 0.0)
    post = worker.Post(Slow(), Chunk(1, 0, [], None), [], every=1000.0)
    post._told -= 1000.0
    for _ in range(3):
        post.round(Round(0, [], [], 1, 0))
    assert post._cost >= 0.1 and post._account is None
    post.round(Round(0, [], [], 1, 0))
    assert post._cost < 0.2, "logs alone are not what states cost"


def test_news_that_overtake_each_other_are_heard_in_order() -> None:
    chunk = Chunk(1, 0, [], None)
    news = [News(1, 0, "task", sequence, "node", [], []) for sequence in range(4)]
    heard = [[one.sequence for one in chunk.in_order(news[place])] for place in (1, 0, 3, 2)]
    assert heard == [[], [0, 1], [], [2, 3]]


@pytest.mark.parametrize(
    ("lanes", "seats", "slots", "seconds", "size"),
    [
        (1000, 2, 16, 10.0, 125),  # four chunks a seat
        (40, 2, 16, 10.0, 16),  # a chunk fills the slots
        (12, 2, 16, None, 6),  # no more than a seat's share
        (1000, 2, 4, 0.1, 300),  # half a minute of work
        (1, 8, 4, 1.0, 1),
    ],
)
def test_chunks_have_the_size_that_pays(lanes: int, seats: int, slots: int, seconds: float | None, size: int) -> None:
    assert chunk_size(lanes, seats, slots, seconds) == size
    runs = list(parted(range(lanes), size))
    assert sum(runs, []) == list(range(lanes))
    assert max(map(len, runs)) <= size and max(map(len, runs)) - min(map(len, runs)) <= 1
