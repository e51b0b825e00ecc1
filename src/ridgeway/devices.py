"""What must be set before JAX and Keras start."""

from __future__ import annotations

import os
import sys

_FLAG = "--xla_force_host_platform_device_count"


def prepare() -> None:
    """Shows each CPU core to JAX as a device of its own, and asks Keras for its JAX backend.

    Lanes are shared out among devices; on small nets two devices are about twice as fast as one device with two
    threads (docs/engine.md). Nothing is changed where the user has chosen: a `KERAS_BACKEND`, a Keras
    that is imported already, an XLA flag of theirs, or `RIDGEWAY_CPU_DEVICES=1`. JAX reads the flag when it makes its
    first array, so that `import ridgeway` may come before or after `import keras`.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")
    flags = os.environ.get("XLA_FLAGS", "")
    cores = os.environ.get("RIDGEWAY_CPU_DEVICES") or str(_cores())
    if _FLAG not in flags and int(cores) > 1:
        os.environ["XLA_FLAGS"] = f"{flags} {_FLAG}={cores}".strip()


def one_only() -> None:
    """Shows JAX one device of the CPU, in a process that has not started JAX; unless `RIDGEWAY_CPU_DEVICES` is set.

    A process inherits the flag of the one that it was spawned by, whose `import ridgeway` has set it.
    """
    if "RIDGEWAY_CPU_DEVICES" not in os.environ:
        flags = os.environ.get("XLA_FLAGS", "").split()
        os.environ["XLA_FLAGS"] = " ".join(flag for flag in flags if not flag.startswith(_FLAG))


_EFFORT = "--xla_backend_optimization_level"


def compile_quickly() -> None:
    """Asks XLA for a third less time to compile, in a process that has not started JAX; unless a level is set.

    Small nets train as fast at that level: the course's covariate shift, lanes of a 64-32-32-32-10 net, in 1.3 s of CPU
    at either; compiling takes 2.8 s instead of 4.0 (2026-11-28, AMD EPYC).
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _EFFORT not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_EFFORT}=1".strip()


# Each device holds a copy of the data: beyond this many the copies cost more than the cores bring.
_MOST = 16


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return min(_MOST, len(affinity(0)) if affinity else os.cpu_count() or 1)
