"""How much memory there is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Version 2 of control groups, then version 1: what a container may use.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_USED = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")


class Memory(NamedTuple):
    """Bytes of memory, None where the system does not say.

    Attributes:
        total: that the machine has, or the container may use.
        free: that are left for new processes.
    """

    total: int | None
    free: int | None


def memory() -> Memory:
    """This machine's, or this container's."""
    total, free = _machine()
    for limit, used in zip(map(_number, _LIMITS), map(_number, _USED), strict=True):
        # Version 1 says "none" by a number near 2^63.
        if limit is not None and (total is None or limit < total):
            total = limit
            left = None if used is None else max(limit - used, 0)
            free = left if free is None else free if left is None else min(free, left)
    return Memory(total, free)


def _machine() -> tuple[int | None, int | None]:
    if os.name == "nt":
        return _windows()
    found: dict[str, int] = {}
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0]) * 1024
    total = found.get("MemTotal")
    if total is None:
        # macOS.
        with suppress(OSError, ValueError, AttributeError):
            total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return total, found.get("MemAvailable")


def _windows() -> tuple[int | None, int | None]:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "pages", "page", "virtual", "left", "extended")),
        ]

    status = Status()
    status.length = ctypes.sizeof(Status)
    with suppress(OSError, AttributeError):
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
            return int(status.total), int(status.free)
    return None, None


def _number(file: str) -> int | None:
    with suppress(OSError, ValueError):
        return int(Path(file).read_text())
    return None
