"""Computing in a process of its own, one job at a time, lessons before the playground."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ridgeway import devices
from ridgeway.studio.course.experiments.registry import PLAYGROUND, Experiment, Results, experiment
from ridgeway.studio.course.experiments.settings import ExperimentSettings

#: Seconds after which a job is given up: compiling on a slow machine takes most of them.
SECONDS = 120.0
#: Jobs that may wait, of all and of one client; a class may sit behind one address.
MOST, MOST_OF_ONE = 32, 20
#: Seconds without a job after which the process ends and gives its memory back.
IDLE = 600.0
# How often the process is asked whether it still lives, in seconds.
_LOOK = 0.5
# Ended jobs that are remembered, for whoever asks late.
_REMEMBERED = 200


class Busy(RuntimeError):
    """Too many jobs wait already."""


@dataclass
class Job:
    """One computation.

    Attributes:
        key: of its result, and its id.
        experiment: what is computed.
        settings: by which.
        state: "waiting", "running", "done" or "failed".
        progress: share that is done, 0 to 1.
        error: of a failed one, what its process said.
        who: asked for it first.
    """

    key: str
    experiment: Experiment
    settings: ExperimentSettings
    state: str = "waiting"
    progress: float = 0.0
    error: str = ""
    who: str = ""
    number: int = field(default=0, repr=False)

    @property
    def order(self) -> tuple[bool, int]:
        """Lessons first, then in the order in which they came."""
        return self.experiment.id == PLAYGROUND, self.number


class Jobs:
    """A queue of computations, with one process that works it off.

    JAX starts in that process only, which is spawned for the first job, or once it is said that one may come.

    Args:
        folder: of the results, which the process writes.
        seconds: after which a job is given up.
        most: jobs that may wait.
        idle: seconds without a job after which the process ends.
        target: what the process runs.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float = SECONDS,
        most: int = MOST,
        idle: float = IDLE,
        target: Callable[[Connection, str], None] | None = None,
    ) -> None:
        self._folder, self._seconds, self._most, self._idle = folder, seconds, most, idle
        self._target = target or work
        self._jobs: dict[str, Job] = {}
        self._count = 0
        self._wanted = False
        self._rest = self._worked = 0.0
        self._change = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def submit(self, one: Experiment, settings: ExperimentSettings, who: str = "") -> Job:
        """Puts a computation into the queue, unless the same one is there.

        Args:
            one: what to compute.
            settings: by which.
            who: asks.

        Raises:
            Busy: too many wait, or too many of whoever asks.
        """
        name = one.key(settings)
        with self._change:
            known = self._jobs.get(name)
            if known is not None and known.state in ("waiting", "running"):
                return known
            waiting = [job for job in self._jobs.values() if job.state == "waiting"]
            if len(waiting) >= self._most or sum(job.who == who for job in waiting) >= MOST_OF_ONE:
                raise Busy("Too many computations wait.")
            self._count += 1
            job = self._jobs[name] = Job(name, one, settings, who=who, number=self._count)
            self._forget()
            self._start()
            return job

    def ready(self) -> None:
        """Has the process started, so that the first job need not wait for its imports.

        Not twice within `SECONDS`, in case it dies: a job that comes starts it whenever it comes.
        """
        with self._change:
            now = time.monotonic()
            if now >= self._rest and self._process is None:
                self._rest = now + SECONDS
                self._wanted = True
                self._start()

    def find(self, name: str) -> Job | None:
        """A job by its key."""
        with self._change:
            return self._jobs.get(name)

    def ahead(self, job: Job) -> int:
        """How many jobs come before one that waits."""
        with self._change:
            others = [other for other in self._jobs.values() if other is not job]
            return sum(o.state == "running" or (o.state == "waiting" and o.order < job.order) for o in others)

    def close(self) -> None:
        """Ends the process; what ran in it is lost."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._end_process()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="course-experiments", daemon=True)
            self._thread.start()
        self._change.notify_all()

    def _forget(self) -> None:
        ended = [name for name, job in self._jobs.items() if job.state in ("done", "failed")]
        for name in ended[:-_REMEMBERED]:
            del self._jobs[name]

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                error = self._compute(job)
            except (OSError, EOFError):
                error = "The computing process ended, or could not be started."
                self._end_process()
            with self._change:
                self._worked = time.monotonic()
                job.state, job.error = ("failed", error) if error else ("done", "")
                job.progress = 1.0

    def _next(self) -> Job | None:
        with self._change:
            while not self._closed:
                waiting = [job for job in self._jobs.values() if job.state == "waiting"]
                if waiting:
                    job = min(waiting, key=lambda one: one.order)
                    job.state = "running"
                    return job
                if self._wanted:
                    self._wanted = False
                    self._worked = time.monotonic()
                    # If no process can be had, the first job says so.
                    with contextlib.suppress(OSError):
                        self._worker()
                left = self._worked + self._idle - time.monotonic()
                if left <= 0:
                    self._end_process()
                self._change.wait(left if left > 0 else None)
            return None

    def _compute(self, job: Job) -> str:
        """Has a job computed; what went wrong, or nothing."""
        pipe, process = self._worker()
        pipe.send((job.experiment.id, job.settings.model_dump(mode="json")))
        end = time.monotonic() + self._seconds
        while True:
            if self._closed:
                return "The studio was closed."
            if pipe.poll(_LOOK):
                kind, value = pipe.recv()
                if kind != "progress":
                    return str(value)
                job.progress = float(value)
            elif not process.is_alive():
                self._end_process()
                return "The computing process ended."
            if time.monotonic() > end:
                self._end_process()
                return f"It took longer than {self._seconds:g} seconds."

    def _worker(self) -> tuple[Connection, BaseProcess]:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self._end_process()
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(
                target=self._target, args=(theirs, str(self._folder)), name="course-experiments", daemon=True
            )
            try:
                process.start()
            except BaseException:
                ours.close()
                raise
            finally:
                theirs.close()
            self._process, self._pipe = process, ours
        return self._pipe, self._process

    def _end_process(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join(timeout=2)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(timeout=2)
        self._process = self._pipe = None


def work(pipe: Connection, folder: str) -> None:
    """The process: computes what it is sent and keeps the results, until its pipe is closed.

    Args:
        pipe: gives `(id, settings)`; is told `("progress", share)`, then `("done", "")` or `("failed", why)`.
        folder: of the results.
    """
    os.environ["KERAS_BACKEND"] = "jax"
    # Small nets gain nothing from a second device, and the server needs a core too.
    devices.one_only()
    devices.compile_quickly()
    # A learner waits, but the server's answers come first.
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)
    # Before the first job comes: they take two to three seconds. What is wrong with them, the job meets and tells.
    with contextlib.suppress(Exception):
        for module in ("ridgeway.fit", "sklearn.datasets"):
            importlib.import_module(module)
    results = Results(Path(folder))
    # Closed at the other end: the studio has gone.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            name, given = pipe.recv()
            try:
                one = experiment(name)
                results.keep(one.run(one.settings(given), _told(pipe)))
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as problem:
                # Whatever it is, the next job may do.
                pipe.send(("failed", f"{type(problem).__name__}: {problem}"))
            else:
                pipe.send(("done", ""))


def _told(pipe: Connection) -> Callable[[float], None]:
    """Progress by the pipe, at most ten times a second."""
    last = 0.0

    def progress(share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.1:
            last = now
            message: tuple[str, Any] = ("progress", round(float(share), 3))
            pipe.send(message)

    return progress
