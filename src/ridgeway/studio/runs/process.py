"""A process by its number and the moment when it started: numbers alone are used again."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process of this machine.

    Attributes:
        pid: its number.
        started: when it started, as the system tells it; empty for one that never came to say.
    """

    pid: int
    started: str

    @property
    def is_alive(self) -> bool:
        """Whether it still runs: not another one of its number, nor one that has ended and was not waited for."""
        return bool(self.started) and _started(self.pid) == self.started

    def interrupt(self) -> bool:
        """Presses Ctrl-C for it; whether it was there."""
        try:
            # Held by a descriptor, it can't become another one between the look and the signal.
            held = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else None
        except OSError:
            return False
        try:
            if not self.is_alive:
                return False
            if held is None:
                os.kill(self.pid, signal.SIGINT)
            else:
                signal.pidfd_send_signal(held, signal.SIGINT)
            return True
        except ProcessLookupError:
            return False
        finally:
            if held is not None:
                os.close(held)


def this_process() -> Process:
    """The one that asks."""
    return Process(os.getpid(), _started(os.getpid()) or "unknown")


def _started(pid: int) -> str | None:
    """When a process started, told from the machine's own start; None where it does not run."""
    if (_PROC / "self" / "stat").exists():
        try:
            stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
            boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return None
        # The command's name stands in parentheses and may hold anything.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else f"{boot[:8]}-{fields[19]}"
    told = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip() or None
