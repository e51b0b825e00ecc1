"""Lanes as files: of the run as it is now, one after another, and never in the way of other pages."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ridgeway.checksums import NAME as SUMS
from ridgeway.studio.runs import export
from ridgeway.studio.settings import Settings
from run_directories import copied

Token = Callable[[str], str]


@pytest.fixture
def run(settings: Settings) -> Path:
    return copied(settings.workspace / "digits")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lanes that were written, in place of Keras by a file that says how often."""
    lanes: list[int] = []

    def write(run: Path, lane: int, file: Path) -> None:
        lanes.append(lane)
        file.write_text(f"{lane}, number {len(lanes)}")

    monkeypatch.setattr(export, "_write", write)
    return lanes


def test_a_lane_is_written_once(client: TestClient, run: Path, written: list[int]) -> None:
    assert client.get("/runs/lane/digits?lane=2").text == client.get("/runs/lane/digits?lane=2").text == "2, number 1"
    assert written == [2]


def test_a_run_that_went_on_gives_its_new_lanes(
    client: TestClient, settings: Settings, run: Path, written: list[int]
) -> None:
    """The record's id stays when a run goes on: what its directory says of its files does not."""
    assert client.get("/runs/lane/digits?lane=2").text == "2, number 1"
    (run / SUMS).write_text((run / SUMS).read_text() + "\n")
    assert client.get("/runs/lane/digits?lane=2").text == "2, number 2"
    assert len(list((settings.own / "exports").glob("*/*.keras"))) == 1


def test_a_run_without_checksums(client: TestClient, run: Path, written: list[int]) -> None:
    (run / SUMS).unlink()
    assert client.get("/runs/lane/digits?lane=1").text == "1, number 1"
    os.utime(run / "weights.safetensors", (1, 1))
    assert client.get("/runs/lane/digits?lane=1").text == "1, number 2"


def test_what_is_kept_goes_with_its_run(
    client: TestClient, settings: Settings, run: Path, written: list[int], token: Token
) -> None:
    client.get("/runs/lane/digits?lane=2")
    assert client.post("/runs/delete/digits", data={"csrf": token("/runs/new")}).status_code == 303
    assert not list((settings.own / "exports").iterdir())


def test_what_is_kept_is_limited(
    settings: Settings, client: TestClient, run: Path, written: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.app.state.runs.exports, "_most", 30)  # type: ignore[attr-defined]
    for lane in (0, 1, 0, 2):
        client.get(f"/runs/lane/digits?lane={lane}")
        time.sleep(0.02)
    kept = {file.stem.rpartition("-")[2] for file in (settings.own / "exports").glob("*/*.keras")}
    assert kept == {"0", "2"}


def test_slow_exports_keep_no_page_waiting(client: TestClient, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests as the server has threads, each for a model that takes long: the other pages answer at once."""
    hold = threading.Event()

    def slow(run: Path, lane: int, file: Path) -> None:
        hold.wait(30)
        file.write_text("done")

    monkeypatch.setattr(export, "_write", slow)
    with ThreadPoolExecutor(48) as pool:
        asked = [pool.submit(client.get, f"/runs/lane/digits?lane={n % 4}") for n in range(24)]
        while sum(one.done() for one in asked) < 21:
            time.sleep(0.01)
        began = time.monotonic()
        assert client.get("/quiz").status_code == 200
        assert time.monotonic() - began < 2
        hold.set()
        answers = [one.result() for one in asked]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 3 and statuses.count(429) == 21
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 429)


def test_what_is_there_waits_for_nobody(client: TestClient, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    monkeypatch.setattr(export, "_write", lambda run, lane, file: file.write_text(str(lane)))
    client.get("/runs/lane/digits?lane=0")
    monkeypatch.setattr(export, "_write", lambda run, lane, file: hold.wait(30) and file.write_text("late"))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.get, "/runs/lane/digits?lane=1")
        while not client.app.state.runs.exports._asked.total():  # type: ignore[attr-defined]
            time.sleep(0.01)
        assert client.get("/runs/lane/digits?lane=0").text == "0"
        hold.set()
        assert slow.result().text == "late"


def test_streams_are_limited_by_client(client: TestClient, run: Path) -> None:
    from ridgeway.studio.runs import routes

    streams = client.app.state.runs.streams  # type: ignore[attr-defined]
    streams["127.0.0.1"] = routes._STREAMS_OF_ONE
    answer = client.get("/runs/events/digits")
    assert answer.status_code == 429 and answer.headers["retry-after"]
    streams["127.0.0.1"] -= 1
    assert client.get("/runs/events/digits").status_code == 200
