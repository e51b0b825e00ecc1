"""What a Ray cluster costs and brings: tasks, messages, states, on node processes of this machine.

All node processes share this machine's cores: what is measured is what the cluster adds, not how many machines would
speed a run up. Run it by `make bench-cluster`; it prints Markdown for docs/scale.md.
"""

from __future__ import annotations

import argparse
import os
import pickle
import statistics
import time
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# One device a node process, and one where lanes train alone: the same program on both sides.
os.environ["RIDGEWAY_CPU_DEVICES"] = "1"
os.environ.setdefault("KERAS_BACKEND", "jax")

MEMORY = 500 * 2**20


def train(epochs: int, lanes: int, cluster: str | None, checkpoint_every: float = 30.0) -> tuple[float, Any]:
    """Seconds of one path on 4,000 rows of 64 features, a 64-64-10 network."""
    import keras
    import numpy as np

    import ridgeway as rw

    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 64)).astype("float32")
    y = random.integers(0, 10, 4000).astype("int32")
    keras.utils.set_random_seed(0)
    layers = [keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dropout(0.1), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    family = rw.Grid(weight_decay=list(rw.logspace(1e-4, 1.0, lanes)))
    began = time.perf_counter()
    path = rw.fit_path(
        model, x, y, family, epochs=epochs, validation_split=0.2, slots=16, executor="vmap", cluster=cluster,
        checkpoint_every=checkpoint_every,
    )  # fmt: skip
    return time.perf_counter() - began, path


def posts(seconds: float, size: int) -> float:
    """Posts of so many bytes that a mailbox takes in a second, from two tasks, while it is emptied."""
    import ray

    from ridgeway.cluster.mailbox import Mailbox

    mailbox = ray.remote(Mailbox).options(num_cpus=0).remote()

    @ray.remote(num_cpus=1)
    def post(mailbox: Any) -> int:
        news, count, until, under_way = b"x" * size, 0, time.monotonic() + seconds, []
        while time.monotonic() < until:
            if len(under_way) >= 2:
                ray.get(under_way.pop(0))
            under_way.append(mailbox.post.remote(news))
            count += 1
        ray.get(under_way)
        return count

    tasks = [post.remote(mailbox) for _ in range(2)]
    while ray.wait(tasks, num_returns=2, timeout=0)[1]:
        ray.get(mailbox.take.remote(0.5))
    return sum(ray.get(tasks)) / seconds


def main() -> None:
    """Prints what is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    import ray
    from ray.cluster_utils import Cluster

    from ridgeway.cluster.chunks import News, Trained
    from ridgeway.cluster.queues import ClusterQueues
    from ridgeway.engine.slots import Waiting

    heard: list[News] = []
    hear = ClusterQueues._heard

    def kept(self: ClusterQueues, news: Any, *arguments: Any) -> Any:
        heard.extend(news)
        return hear(self, news, *arguments)

    ClusterQueues._heard = kept  # type: ignore[method-assign]
    alone = [train(options.epochs, options.lanes, None)[0] for _ in range(options.repeats + 1)][1:]
    print(f"one process, no Ray: {statistics.median(alone):.1f} s ({min(alone):.1f}-{max(alone):.1f})")
    for nodes in (1, 2):
        cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": MEMORY},
        )
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
        ray.init(cluster.address, log_to_driver=False)
        timed = [train(options.epochs, options.lanes, "auto") for _ in range(options.repeats + 1)]
        seconds = [one for one, _ in timed]
        first = [path.record["seconds"]["first_epoch"] for _, path in timed]
        print(
            f"{nodes} node(s): {statistics.median(seconds[1:]):.1f} s ({min(seconds[1:]):.1f}-{max(seconds[1:]):.1f}); "
            f"first {seconds[0]:.1f} s; until the first epoch {first[0]:.1f} s, "
            f"then {statistics.median(first[1:]):.1f} s"
        )
        if nodes == 2:
            heard.clear()
            often, _ = train(options.epochs, options.lanes, "auto", checkpoint_every=0.2)
            lane_epochs = sum(len(one.logs) for news in heard for one in news.rounds)
            small = [len(pickle.dumps(news, protocol=5)) for news in heard if news.standing is None and not news.ended]
            rows = sum(len(one.logs) for n in heard if n.standing is None and not n.ended for one in n.rounds)
            states = [
                len(pickle.dumps(one.saved, protocol=5))
                for news in heard
                for one in news.standing or []
                if isinstance(one, Waiting)
            ]
            ended = [len(pickle.dumps(result, protocol=5)) for news in heard for result in news.ended]
            print(f"states every 0.2 s: {often:.1f} s; {len(heard)} posts for {lane_epochs} lane-epochs")
            print(
                f"bytes: {sum(small) / max(rows, 1):.0f} a lane-epoch; a lane's state {statistics.median(states):.0f}"
            )
            print(f"a lane that has ended {statistics.median(ended):.0f}")
            for size in (1_000, 100_000, 10_000_000):
                rate = posts(4.0, size)
                print(f"mailbox: {rate:.0f} posts of {size:,} bytes a second, {rate * size / 1e6:.0f} MB/s")
            trained = Trained({lane: {"loss": 0.5, "val_loss": 0.5} for lane in range(1024)}, (), 1024)
            began = time.perf_counter()
            for _ in range(100):
                pickle.loads(pickle.dumps(News(1, 1, "x", "y", [trained], []), protocol=5))
            print(f"reading news of 1,024 lanes: {(time.perf_counter() - began) * 10:.2f} ms")
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
