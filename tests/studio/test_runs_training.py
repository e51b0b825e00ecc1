"""Runs that really train, started, watched, stopped and gone on with through the studio."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from fastapi.testclient import TestClient

from ridgeway.studio.runs.form import defaults
from ridgeway.studio.settings import Settings

Token = Callable[[str], str]
ENGLISH = {"accept-language": "en"}


def _table(rows: int = 90) -> bytes:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, rows))
    kind = np.where(random.random(rows) < 0.5, "x", "y")
    frame = pd.DataFrame({"a": a, "b, or 'c'": b, "kind": kind, "label": np.where(a + b > 0, "up", "down")})
    return frame.to_csv(index=False).encode()


def _begun(client: TestClient, token: Token, content: bytes, file: str, **given: str) -> None:
    files = {"file": (file, content)}
    answer = client.post("/runs/new/upload", data={"csrf": token("/runs/new")}, files=files)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    form = {
        **defaults({"kind": "table", "names": ["label"]}, "first"),
        "values_weight_decay": "0,0.1",
        "values_dropout": "0.25",
        "csrf": token(address),
        **given,
    }
    answer = client.post(address, data=form, headers=ENGLISH)
    assert answer.status_code == 303, answer.text
    assert unquote(answer.headers["location"]) == f"/runs/run/{form['name']}"


def _state(client: TestClient, name: str) -> str:
    found = client.app.state.runs.runs.of(name)  # type: ignore[attr-defined]
    return "gone" if found is None else found.state


def _wait(client: TestClient, name: str, *states: str, seconds: float = 240.0) -> str:
    ends = time.monotonic() + seconds
    while (state := _state(client, name)) not in states:
        assert time.monotonic() < ends, f"{name} is {state}: {_log(client, name)}"
        time.sleep(0.1)
    # The process may still write its report, and has to be waited for.
    desk = client.app.state.runs  # type: ignore[attr-defined]
    while state not in ("running", "starting") and desk.queue._children:
        assert time.monotonic() < ends
        time.sleep(0.1)
    return state


def _log(client: TestClient, name: str) -> str:
    return client.app.state.runs.jobs.last_words(name)  # type: ignore[attr-defined]


def _told(stream: str) -> list[tuple[str, Any]]:
    kinds = re.findall(r"^event: (\w+)\ndata: (.*)$", stream, re.M)
    return [(kind, json.loads(data)) for kind, data in kinds]


def test_a_run_from_its_upload_to_its_deletion(client: TestClient, settings: Settings, token: Token) -> None:
    _begun(client, token, _table(), "집값 <b>.csv", target="label", epochs="2", name="첫-실행")
    # The whole of it, from the queue to the end, on one stream.
    told = _told(client.get("/runs/events/첫-실행").text)
    states = [data["state"] for kind, data in told if kind == "state"]
    assert states[-1] == "finished", _log(client, "첫-실행")
    rows = [row for kind, data in told if kind == "news" for row in data["rows"]]
    assert sorted(row[:2] for row in rows) == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert told[-1][0] == "end"
    _wait(client, "첫-실행", "finished")

    page = client.get("/runs", headers=ENGLISH).text
    assert "집값 &lt;b&gt;.csv" in page and "90 rows" in page
    page = client.get("/runs/run/첫-실행", headers=ENGLISH).text
    assert "The best configuration" in page and page.count("<tr data-lane=") == 2
    assert '<html lang="en">' in client.get("/runs/report-file/첫-실행").text[:400]

    lane = client.get("/runs/lane/첫-실행?lane=1")
    assert "lane-1.keras" in lane.headers["content-disposition"]
    assert "model.weights.h5" in zipfile.ZipFile(io.BytesIO(lane.content)).namelist()
    assert client.get("/runs/lane/첫-실행?lane=7").status_code == 404
    assert client.get("/runs/best/첫-실행").status_code == 200

    assert client.post("/runs/delete/첫-실행", data={"csrf": token("/runs/new")}).status_code == 303
    assert _state(client, "첫-실행") == "gone"
    assert not list((settings.own / "uploads").iterdir()) and not list((settings.own / "jobs").iterdir())


def test_a_run_is_stopped_and_goes_on(
    settings: Settings, browser_of: Callable[..., TestClient], token: Token, client: TestClient
) -> None:
    _begun(client, token, _table(3000), "a.csv", target="label", epochs="400", patience="400", name="long")
    _begun(client, token, _table(), "a.csv", target="label", epochs="1", name="next")
    assert _state(client, "next") == "waiting"
    _wait(client, "long", "running")
    while not client.app.state.runs.runs.of("long").share:  # type: ignore[attr-defined]
        time.sleep(0.05)
    page = client.get("/runs/run/long", headers=ENGLISH).text
    assert "/runs/stop/long" in page and "weight_decay 0.1" in page
    assert client.post("/runs/delete/long", data={"csrf": token("/runs/new")}).status_code == 409
    assert client.post("/runs/resume/long", data={"csrf": token("/runs/new")}).status_code == 409
    assert client.post("/runs/stop/long", data={"csrf": token("/runs/new")}).status_code == 303
    ends = time.monotonic() + 60
    while _state(client, "long") != "interrupted":
        assert time.monotonic() < ends, _log(client, "long")
        time.sleep(0.1)
    lanes = pd.read_parquet(settings.workspace / "long" / "lanes.parquet")
    done = int(lanes["epochs"].max())
    assert 0 < done < 400

    # Another studio of this workspace, as after a kill, knows how all stands, and lets the next one end.
    with browser_of(settings) as other:
        assert _state(other, "long") == "interrupted"
    _wait(client, "next", "finished")
    assert client.get("/runs/run/long", headers=ENGLISH).text.count("Go on") == 1
    assert client.post("/runs/resume/long", data={"csrf": token("/runs/new")}).status_code == 303
    _wait(client, "long", "running")
    while client.app.state.runs.runs.of("long").share <= done / 400:  # type: ignore[attr-defined]
        assert _state(client, "long") == "running", _log(client, "long")
        time.sleep(0.05)
    client.post("/runs/stop/long", data={"csrf": token("/runs/new")})
    _wait(client, "long", "interrupted")
    assert int(pd.read_parquet(settings.workspace / "long" / "lanes.parquet")["epochs"].max()) > done


def test_a_run_that_was_killed_is_said_to_be(client: TestClient, token: Token) -> None:
    import os
    import signal

    _begun(client, token, _table(3000), "a.csv", target="label", epochs="400", patience="400", name="killed")
    _wait(client, "killed", "running")
    process = client.app.state.runs.jobs.process("killed")  # type: ignore[attr-defined]
    assert process.is_alive
    os.kill(process.pid, signal.SIGKILL)
    _wait(client, "killed", "killed")
    page = client.get("/runs/run/killed", headers=ENGLISH).text
    assert "its process is gone" in page and "/runs/resume/killed" in page
