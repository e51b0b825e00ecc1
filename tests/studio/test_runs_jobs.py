"""Jobs are files: whoever is killed, none is lost and none is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from ridgeway.studio.runs import queue as queues
from ridgeway.studio.runs.jobs import Job, Jobs, State, claim
from ridgeway.studio.runs.process import Process, _started, this_process
from ridgeway.studio.runs.queue import Queue
from ridgeway.studio.settings import Settings


def _wait(until: Callable[[], bool], seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.05)


@pytest.fixture
def jobs(settings: Settings) -> Jobs:
    return Jobs(settings)


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What puts a program of a line in the place of a job's command."""

    def put(program: str) -> None:
        started = subprocess.Popen

        def popen(words: list[str], **keywords: object) -> object:
            claimed = "import sys; from pathlib import Path; from ridgeway.studio.runs.jobs import claim; "
            claimed += "from ridgeway.studio.runs.process import this_process; "
            claimed += "sys.exit() if not claim(Path(sys.argv[1]), this_process()) else None; import time; "
            return started([sys.executable, "-c", claimed + program, words[-1]], **keywords)  # type: ignore[call-overload]

        monkeypatch.setattr(queues.subprocess, "Popen", popen)

    return put


def test_this_process_is_alive() -> None:
    assert this_process().is_alive


def test_a_process_is_more_than_its_number() -> None:
    assert not Process(os.getpid(), "another moment").is_alive
    assert not Process(os.getpid(), "another moment").interrupt()
    assert not Process(os.getpid(), "").is_alive
    assert not Process(2**22 + 1, "x").interrupt()


def test_a_process_that_nobody_waited_for_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    _wait(lambda: _started(child.pid) is None)
    assert child.wait() == 0


def test_an_interrupt_is_ctrl_c() -> None:
    program = "import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler); print(1, flush=True); "
    program += "time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    child.stdout.readline()
    found = _started(child.pid)
    assert found is not None and Process(child.pid, found).interrupt()
    assert child.wait(10) == -signal.SIGINT
    child.stdout.close()


def test_jobs_are_in_the_order_of_their_asking(jobs: Jobs) -> None:
    for name, moment in (("b", 3.0), ("a/b", 1.0), ("가", 2.0)):
        jobs.write(Job(name, ("fit", "x"), moment))
    assert [job.name for job in jobs.all()] == ["a/b", "가", "b"]
    assert all(jobs.state(job.name) == State.waiting for job in jobs.all())
    assert jobs.read("a/b") == Job("a/b", ("fit", "x"), 1.0)
    assert jobs.read("no") is None


def test_names_of_jobs_stay_in_their_folder(jobs: Jobs) -> None:
    assert jobs.place("a/../../b").parent == jobs.folder


def test_one_process_has_a_job(jobs: Jobs) -> None:
    jobs.write(Job("a", (), 1.0))
    assert claim(jobs.place("a"), this_process())
    assert not claim(jobs.place("a"), Process(1, "x"))
    assert jobs.process("a") == this_process() and jobs.state("a") == State.working
    jobs.write(Job("a", (), 2.0))
    assert jobs.state("a") == State.waiting


def test_so_many_at_once(settings: Settings, jobs: Jobs, child: Callable[[str], None]) -> None:
    child("\nwhile not (Path(sys.argv[1]) / 'go').exists(): time.sleep(0.02)")
    queue = Queue(settings, jobs)
    for name in "abc":
        jobs.write(Job(name, (), ord(name)))
    queue.look()
    _wait(lambda: jobs.state("a") == State.working)
    queue.look()
    assert [jobs.state(name) for name in "abc"] == [State.working, State.waiting, State.waiting]
    # The studio is killed, and another one starts.
    again = Queue(settings, jobs)
    again.look()
    assert [jobs.state(name) for name in "abc"] == [State.working, State.waiting, State.waiting]
    for name in "abc":
        (jobs.place(name) / "go").touch()
    _wait(lambda: (queue.look(), again.look()) and all(jobs.state(name) == State.ended for name in "abc"))  # type: ignore[func-returns-value]
    # A child that found its job taken may end later; nobody else waits for it.
    _wait(lambda: (queue.look(), again.look()) and not queue._children and not again._children)  # type: ignore[func-returns-value]


def test_what_dies_at_once_is_not_started_again(
    settings: Settings, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []
    started = subprocess.Popen

    def popen(words: list[str], **keywords: object) -> object:
        starts.append(words)
        return started([sys.executable, "-c", "print('no such luck'); raise SystemExit(1)"], **keywords)  # type: ignore[call-overload]

    monkeypatch.setattr(queues.subprocess, "Popen", popen)
    jobs.write(Job("a", (), 1.0))
    queue = Queue(settings, jobs)
    _wait(lambda: queue.look() is None and jobs.state("a") == State.ended)
    queue.look()
    assert len(starts) == 1
    assert jobs.last_words("a") == "no such luck"


def test_a_command_is_run_by_one_process(settings: Settings, jobs: Jobs) -> None:
    jobs.write(Job("a", ("--version",), 1.0))
    words = [sys.executable, "-m", "ridgeway.studio.runs.command", str(jobs.place("a"))]
    first = subprocess.run(words, capture_output=True, text=True, check=True)
    assert first.stdout.startswith("ridgeway ")
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == ""
    assert jobs.state("a") == State.ended


def test_logs_end(jobs: Jobs) -> None:
    jobs.write(Job("a", (), 1.0))
    (jobs.place("a") / "log.txt").write_bytes(b"x" * 10_000 + b"\xff the end\n")
    said = jobs.last_words("a")
    assert said.endswith("the end") and len(said) <= 4000
    assert jobs.last_words("none") == ""
