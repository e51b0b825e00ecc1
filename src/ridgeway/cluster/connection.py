"""A run's connection with a Ray cluster, and what a task may ask of its nodes."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ridgeway.errors import ClusterFailure, InputError, first_line

# Seconds to wait for the head to take a connection.
_PATIENCE = 5.0


def check_cluster(cluster: Any) -> None:
    """Checks how a cluster is named, and that Ray is installed.

    Raises:
        InputError: what to pass, or what to install.
    """
    if not isinstance(cluster, str) or not cluster:
        raise InputError(f"cluster={cluster!r} names no Ray cluster. Pass 'auto' or an address, 'ray://host:10001'.")
    try:
        import ray  # noqa: F401
    except ImportError:
        raise InputError("cluster needs Ray. Install it here and on each node: pip install 'ridgeway[ray]'.") from None


@contextmanager
def connected(cluster: str) -> Iterator[None]:
    """A connection with a cluster that runs; one that the caller has made already is used, and stays.

    Args:
        cluster: "auto" for the cluster of this machine, or an address: "ray://host:10001", or "host:6379" from a node.

    Raises:
        InputError: there is no such cluster.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        ray.init(cluster, logging_level=logging.WARNING, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"cluster={cluster!r}: no Ray cluster answers ({first_line(error)}). Start one by `ray start --head`, and "
            "`ray start --address=HOST:6379` on further machines."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


@dataclass(frozen=True)
class Share:
    """What each task asks of a node.

    Attributes:
        cpus: CPU cores.
        gpus: GPUs, 0 or 1.
    """

    cpus: int
    gpus: int

    @classmethod
    def of_nodes(cls) -> Share:
        """A GPU each, where there are any; else the cores of the smallest node, so that a task has a node to itself.

        Raises:
            InputError: no node has a core to give.
        """
        nodes = [node["Resources"] for node in _alive()]
        gpus = [int(resources["GPU"]) for resources in nodes if resources.get("GPU", 0) >= 1]
        if gpus:
            cores = [int(one.get("CPU", 0)) // int(one["GPU"]) for one in nodes if one.get("GPU", 0) >= 1]
            return cls(min(1, *cores) if len(cores) > 1 else min(1, cores[0]), 1)
        cores = [int(resources["CPU"]) for resources in nodes if resources.get("CPU", 0) >= 1]
        if not cores:
            raise InputError(
                "No node of the cluster has a CPU core or a GPU to give. Start one by "
                "`ray start --address=HOST:6379 --num-cpus=N`."
            )
        return cls(min(cores), 0)

    def seats(self) -> int:
        """Tasks that run at a time on the nodes that are there now; at least 1, for others may come."""
        seats = 0
        for node in _alive():
            resources = node["Resources"]
            fit = [int(resources.get("CPU", 0)) // self.cpus] if self.cpus else []
            fit += [int(resources.get("GPU", 0)) // self.gpus] if self.gpus else []
            seats += min(fit, default=0)
        return max(seats, 1)

    def options(self) -> dict[str, Any]:
        """For a task of Ray."""
        return {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "scheduling_strategy": "SPREAD",
            # A lost task goes on from its lanes' last states, not from the beginning as Ray would let it.
            "max_retries": 0,
            "runtime_env": {
                "env_vars": {"KERAS_BACKEND": "jax"} | ({} if self.gpus else {"RIDGEWAY_CPU_DEVICES": str(self.cpus)})
            },
        }


def check_head() -> None:
    """Asks whether the head is there, which Ray itself waits for a minute to find out, and then ends the process.

    Raises:
        ClusterFailure: it is not.
    """
    import ray

    if ray.util.client.ray.is_connected():
        # Ray's client notices by itself, and may not be able to reach the head other than through its server.
        return
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except OSError as error:
        raise head_is_gone(error) from error


def head_is_gone(error: Exception) -> ClusterFailure:
    """What to raise where the head does not answer."""
    return ClusterFailure(
        f"The cluster's head does not answer any more ({first_line(error)}). What is trained is kept where `out` names "
        "a directory: go on from there by resume=True, on another cluster or without one."
    )


def nodes() -> int:
    """Nodes that are alive."""
    return len(_alive())


def _alive() -> list[dict[str, Any]]:
    import ray

    check_head()
    return [node for node in ray.nodes() if node["Alive"]]
