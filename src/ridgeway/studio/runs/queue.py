"""Starts jobs, at most so many at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import filelock

from ridgeway.studio.runs.jobs import LOG, Jobs, State, claim
from ridgeway.studio.runs.process import Process
from ridgeway.studio.settings import Settings

_logger = logging.getLogger(__name__)

# Seconds between looks at the queue.
_EVERY = 0.5


class Queue:
    """The jobs of a workspace, of which some work and the others wait.

    What works goes on when the studio ends, each in a session of its own, and is found again when one starts.

    Args:
        settings: the studio's.
        jobs: the workspace's.
    """

    def __init__(self, settings: Settings, jobs: Jobs) -> None:
        self._settings, self._jobs = settings, jobs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._guard = threading.Lock()
        # Another studio may serve the same workspace.
        self._lock = filelock.FileLock(settings.own / "queue.lock", thread_local=False)

    def look(self) -> None:
        """Starts what may start."""
        with self._guard:
            self._bury()
            try:
                self._lock.acquire(blocking=False)
            except filelock.Timeout:
                return
            try:
                states = [(job, self._jobs.state(job.name)) for job in self._jobs.all()]
                # A child that has not said its name yet is at work too.
                working = {job.name for job, state in states if state == State.working} | set(self._children)
                for job, state in states:
                    if state == State.waiting and job.name not in working and len(working) < self._settings.max_runs:
                        self._start(job.name)
                        working.add(job.name)
            finally:
                self._lock.release()

    def _start(self, name: str) -> None:
        place = self._jobs.place(name)
        with open(place / LOG, "wb") as log:
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", "ridgeway.studio.runs.command", str(place)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._settings.workspace,
                env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def _bury(self) -> None:
        """Waits for children that have ended; one that never said its name must not be started for ever."""
        for name, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[name]
                place = self._jobs.place(name)
                if place.exists() and self._jobs.process(name) is None:
                    claim(place, Process(child.pid, ""))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Looks at the queue again and again."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OSError:
                # A full disk, say: the jobs wait, and are tried again.
                _logger.exception("The queue of runs could not be read or written.")
            await asyncio.sleep(_EVERY)
