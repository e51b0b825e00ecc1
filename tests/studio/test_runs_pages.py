"""Pages of runs that have ended, and of new ones: what they show, and what a stranger's names do to them."""

from __future__ import annotations

import html
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from ridgeway.errors import InputError
from ridgeway.studio.refusals import Refusal
from ridgeway.studio.runs.form import checked, defaults, lanes_of, words_of
from ridgeway.studio.runs.jobs import Job, Jobs, claim
from ridgeway.studio.runs.process import Process
from ridgeway.studio.runs.sparkline import sparkline
from ridgeway.studio.runs.uploads import shown_name
from ridgeway.studio.settings import Settings
from run_directories import copied, record_of, sealed

Token = Callable[[str], str]
BAD = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>"
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def run(settings: Settings) -> Path:
    """A run of four lanes, named digits."""
    return copied(settings.workspace / "digits")


def _running(folder: Path, **more: Any) -> Path:
    record = {**record_of(folder), "status": "running", **more}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def test_an_empty_workspace_says_how_to_begin(client: TestClient) -> None:
    page = client.get("/runs", headers=ENGLISH).text
    assert "There are no runs yet" in page and "ridgeway demo" in page


def test_the_list(client: TestClient, run: Path) -> None:
    page = client.get("/runs", headers=ENGLISH).text
    assert 'href="/runs/run/digits"' in page
    assert "finished" in page and "<svg" in page
    assert "완료" in client.get("/runs").text


def test_the_list_is_filtered_and_sorted(client: TestClient, settings: Settings, run: Path) -> None:
    _running(copied(settings.workspace / "broken"))
    names = lambda query: re.findall(r'class="run-name" href="/runs/run/(\w+)"', client.get(f"/runs?{query}").text)  # noqa: E731
    assert names("sort=name") == ["broken", "digits"]
    assert names("q=dig") == ["digits"]
    assert names("state=killed") == ["broken"]
    assert names("q=nothing") == []
    for sort in ("best", "time", "lanes", "new", "strange"):
        assert sorted(names(f"sort={sort}")) == ["broken", "digits"]
    assert client.get("/runs?q=" + "x" * 300).status_code == 422


def test_heads_sort_the_list_both_ways(client: TestClient, settings: Settings, run: Path) -> None:
    """What is not known yet stands last in both directions."""
    for name, seconds, lanes in (("alpha", 9.0, 4), ("beta", 3.0, 2), ("gamma", None, None)):
        folder = copied(settings.workspace / name)
        table = pd.read_parquet(folder / "lanes.parquet").head(lanes or 4)
        table.to_parquet(folder / "lanes.parquet")
        sealed(folder, lambda record, seconds=seconds: record.update(seconds={"total": seconds}))  # type: ignore[misc]
        if lanes is None:
            (folder / "lanes.parquet").unlink()
    known = {"digits": record_of(run)["seconds"]["total"], "alpha": 9.0, "beta": 3.0}

    def page(query: str) -> str:
        return client.get(f"/runs{query}", headers=ENGLISH).text

    def names(text: str) -> list[str]:
        return re.findall(r'class="run-name" href="/runs/run/(\w+)"', text)

    def head(key: str, text: str) -> tuple[str, str]:
        found = re.search(
            rf'<th [^>]*?(?:aria-sort="(\w+)")?><a class="sort" id="sort-{key}" href="/runs([^"]+)"', text
        )
        assert found
        return found[1] or "", html.unescape(found[2])

    for key, first in (("name", "ascending"), ("lanes", "descending"), ("best", "ascending"), ("time", "descending")):
        order, address = head(key, page("?q=a"))
        assert order == ""
        once = page(address)
        order, turned = head(key, once)
        assert order == first and "q=a" in turned
        twice = page(turned)
        order, back = head(key, twice)
        assert order == {"ascending": "descending", "descending": "ascending"}[first]
        assert names(page(back)) == names(once) != names(twice)
    assert names(page("?sort=time")) == [*sorted(known, key=lambda name: -known[name]), "gamma"]
    assert names(page("?sort=time&turned=1")) == [*sorted(known, key=lambda name: known[name]), "gamma"]
    assert names(page("?sort=lanes&turned=1"))[0] == "beta" and names(page("?sort=lanes&turned=1"))[-1] == "gamma"
    assert names(page("?sort=name&turned=1")) == ["gamma", "digits", "beta", "alpha"]
    assert names(page("?turned=1")) == names(page(""))[::-1]


def test_a_finished_run(client: TestClient, run: Path) -> None:
    page = client.get("/runs/run/digits", headers=ENGLISH).text
    assert page.count("<tr data-lane=") == 4
    assert "/runs/best/digits" in page and "The best configuration" in page
    assert 'class="is-best"' in page


def test_lanes_are_filtered_and_sorted(client: TestClient, run: Path) -> None:
    table = pd.read_parquet(run / "lanes.parquet")
    name = next(iter(record_of(run)["hyperparameters"]))
    lanes = lambda query: list(  # noqa: E731
        map(int, re.findall(r'<tr data-lane="(\d+)"', client.get(f"/runs/run/digits?{query}").text))
    )
    value = table[name].iloc[0]
    assert sorted(lanes(f"h_{name}={value:g}")) == table[table[name] == value]["lane"].tolist()
    assert lanes("sort=lane&down=1") == table["lane"].tolist()[::-1]
    assert lanes("sort=" + BAD) == lanes("")
    assert lanes("stopped=never") == []


def test_lanes_are_compared(client: TestClient, run: Path) -> None:
    page = client.get("/runs/compare/digits?lane=0&lane=2&lane=2&lane=99&lane=x", headers=ENGLISH).text
    assert "lane=0&amp;lane=2&amp;" in page
    assert "Tick two" in client.get("/runs/compare/digits", headers=ENGLISH).text


def test_a_lane_is_told_as_keras_code(client: TestClient, run: Path) -> None:
    page = client.get("/runs/compare/digits?lane=3", headers=ENGLISH).text
    assert "<h1>Lane 3</h1>" in page and "<details open>" in page
    assert "model.compile(" in page and "Dropout(0.5)" in html.unescape(page)


def test_a_record_without_its_model_gives_no_code(client: TestClient, run: Path) -> None:
    sealed(run, lambda record: record["model"].update(layers=3))
    page = client.get("/runs/compare/digits?lane=3", headers=ENGLISH)
    assert page.status_code == 200 and "does not tell them" in page.text


def test_last_values_and_gaps(client: TestClient, run: Path) -> None:
    history = pd.read_parquet(run / "history.parquet")
    last = history[history["lane"] == 2].sort_values("epoch")["val_nll"].iloc[-1]
    row = pd.read_parquet(run / "lanes.parquet").set_index("lane").loc[2]
    page = client.get("/runs/run/digits", headers=ENGLISH).text
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page[page.index('<tr data-lane="2"') :].split("</tr>")[0])
    assert f"{last:.4g}" in cells and f"{row['val_loss'] - row['loss']:.3g}" in cells
    summary = client.app.state.runs.runs.of("digits")  # type: ignore[attr-defined]
    assert summary.last is not None and summary.gap is not None
    assert "loss gap" in client.get("/runs", headers=ENGLISH).text


def test_columns_sort_the_table(client: TestClient, run: Path) -> None:
    page = client.get("/runs/run/digits?h_dropout=0.5", headers=ENGLISH).text
    assert "aria-sort" not in page
    address = html.unescape(re.findall(r'id="sort-lane" href="([^"]+)"', page)[0])
    page = client.get(f"/runs/run/digits{address}", headers=ENGLISH).text
    assert 'aria-sort="ascending"><a class="sort" id="sort-lane"' in page and page.count("<tr data-lane=") == 2
    address = html.unescape(re.findall(r'id="sort-lane" href="([^"]+)"', page)[0])
    page = client.get(f"/runs/run/digits{address}", headers=ENGLISH).text
    assert 'aria-sort="descending"' in page and re.findall(r'<tr data-lane="(\d+)"', page) == ["3", "1"]


def test_runs_side_by_side(client: TestClient, settings: Settings, run: Path) -> None:
    copied(settings.workspace / "second")
    page = client.get("/runs/side-by-side?run=digits&run=second&run=second", headers=ENGLISH).text
    told = json.loads(re.findall(r'id="chart-told">(.*?)</script>', page)[0])
    assert [lane["label"] for lane in told["curves"]["lanes"]] == ["digits", "second"]
    assert page.count('<th scope="col"><span class="swatch') == 2
    assert "Tick two" in client.get("/runs/side-by-side?run=digits", headers=ENGLISH).text
    assert client.get("/runs/side-by-side?run=nothing").status_code == 404
    assert client.get("/runs/side-by-side?" + "run=digits&" * 9).status_code == 422


def test_points_and_groups_of_all_lanes(client: TestClient, run: Path) -> None:
    told = client.get("/runs/curves/digits?lane=1").json()
    assert len(told["points"]) == 4 and set(told["points"][0]["values"]) == {"weight_decay", "dropout"}
    assert len({lane["group"] for lane in client.get("/runs/curves/digits").json()["lanes"]}) == 4


def test_points_have_the_weights_of_all_lanes(client: TestClient, run: Path) -> None:
    table = pd.read_parquet(run / "lanes.parquet")
    table["zero_share"] = [0.0, 0.25, 0.5, np.nan]
    table.to_parquet(run / "lanes.parquet")
    points = client.get("/runs/curves/digits?lane=1").json()["points"]
    assert [point["lane"] for point in points] == table["lane"].tolist()
    assert np.allclose([point["weight_norm"] for point in points], table["weight_norm"])
    assert np.allclose([point["metric"] for point in points], table["val_nll"])
    assert [point["zero_share"] for point in points] == [0.0, 0.25, 0.5, None]
    page = client.get("/runs/run/digits?sort=zero_share&down=1", headers=ENGLISH).text
    assert re.findall(r'<tr data-lane="(\d+)"', page) == ["2", "1", "0", "3"]
    row = page[page.index('<tr data-lane="1"') :].split("</tr>")[0]
    assert f"{table['weight_norm'][1]:.4g}" in row and "25.0%" in row


def test_points_of_a_table_without_weights(client: TestClient, run: Path) -> None:
    pd.read_parquet(run / "lanes.parquet").drop(columns=["weight_norm", "zero_share"]).to_parquet(run / "lanes.parquet")
    assert {point["weight_norm"] for point in client.get("/runs/curves/digits").json()["points"]} == {None}
    assert client.get("/runs/run/digits").status_code == 200


def test_gaps_of_all_lanes(client: TestClient, run: Path) -> None:
    """Validation loss less training loss, both at that epoch; lanes by strength; what is not finite has none."""
    history = pd.read_parquet(run / "history.parquet")
    history.loc[(history["lane"] == 1) & (history["epoch"] == 2), "val_loss"] = np.inf
    history = history[(history["lane"] != 2) | (history["epoch"] == 1)]
    history.sample(frac=1, random_state=0).to_parquet(run / "history.parquet")
    told = client.get("/runs/gaps/digits").json()
    assert (told["count"], told["epochs"], told["every"], told["last"]) == (4, [1, 2], 1, 2)
    # Neither, dropout alone, decay alone, both: the first of equally strong ones by its number.
    assert [lane["lane"] for lane in told["lanes"]] == [0, 1, 2, 3]
    assert [lane["strength"] for lane in told["lanes"]] == [0.0, 0.5, 0.5, 1.0]
    for lane in told["lanes"]:
        own = history[history["lane"] == lane["lane"]].sort_values("epoch")
        expected = [gap if np.isfinite(gap) else None for gap in own["val_loss"] - own["loss"]]
        assert lane["values"] == pytest.approx(expected, rel=1e-4)
    assert told["lanes"][1]["values"][1] is None and len(told["lanes"][2]["values"]) == 1
    page = client.get("/runs/run/digits", headers=ENGLISH).text
    assert 'data-gaps="/runs/gaps/digits"' in page and "Gap between the losses" in page


def test_gaps_of_many_lanes_are_thinned_and_say_so(client: TestClient, run: Path) -> None:
    table, history = (pd.read_parquet(run / name) for name in ("lanes.parquet", "history.parquet"))
    many, epochs = 700, 500
    decay = np.linspace(0, 1, many)
    pd.concat([table.head(1)] * many).assign(lane=range(many), weight_decay=decay).to_parquet(run / "lanes.parquet")
    each = pd.DataFrame({"lane": np.repeat(range(many), epochs), "epoch": np.tile(np.arange(1, epochs + 1), many)})
    random = np.random.default_rng(0)
    each = each.assign(**{name: random.random(len(each)) for name in history.columns if name not in each})
    each.to_parquet(run / "history.parquet")
    about = {"values": decay.tolist(), "order": decay.tolist(), "regularizes": True, "base": 0.0}
    sealed(run, lambda record: record["hyperparameters"].update(weight_decay=about))
    told = client.get("/runs/gaps/digits").json()
    assert [lane["lane"] for lane in told["lanes"]] == list(range(0, many, 3))
    assert told["epochs"] == list(range(1, epochs + 1, 3))
    assert (told["count"], told["every"], told["last"]) == (many, 3, epochs)
    own = each[each["lane"] == 6].set_index("epoch").loc[told["epochs"]]
    assert told["lanes"][2]["values"] == pytest.approx((own["val_loss"] - own["loss"]).tolist(), rel=1e-4)


def test_a_run_without_a_loss_of_validation_has_no_gaps(client: TestClient, run: Path) -> None:
    for name in ("lanes.parquet", "history.parquet"):
        pd.read_parquet(run / name).drop(columns="val_loss").to_parquet(run / name)
    assert client.get("/runs/gaps/digits").json()["lanes"] == []
    assert "data-gaps" not in client.get("/runs/run/digits").text


def test_a_live_page_knows_every_lane(client: TestClient, run: Path) -> None:
    """Whatever began the run: its lanes say what they are."""
    _running(run)
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    begin = {
        "event": "begin",
        "time": lines[0]["time"],
        "lane": 1,
        "configuration": {"dropout": 0.25, "weight_decay": 3},
    }
    (run / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in [lines[0], begin, *lines[1:]]))
    page = client.get("/runs/run/digits", headers=ENGLISH).text
    assert "weight_decay 3 · dropout 0.25" in page
    told = json.loads(re.findall(r'id="live-told">(.*?)</script>', page)[0])
    assert list(told["hyperparameters"]) == ["weight_decay", "dropout"] == told["regularizes"]


def test_curves(client: TestClient, run: Path) -> None:
    told = client.get("/runs/curves/digits?lane=1&lane=3").json()
    history = pd.read_parquet(run / "history.parquet")
    assert [lane["lane"] for lane in told["lanes"]] == [1, 3]
    for lane in told["lanes"]:
        mine = history[history["lane"] == lane["lane"]]
        assert np.allclose(lane["logs"][told["metric"]], mine[told["metric"]], rtol=1e-5)
        assert 0 <= lane["strength"] <= 1
    assert len(client.get("/runs/curves/digits").json()["lanes"]) == 4


def test_tables_as_csv(client: TestClient, run: Path) -> None:
    answer = client.get("/runs/csv/digits?what=history")
    assert "digits-history.csv" in answer.headers["content-disposition"]
    read = pd.read_csv(io.StringIO(answer.text))
    assert len(read) == len(pd.read_parquet(run / "history.parquet"))
    assert client.get("/runs/csv/digits?what=../run").status_code == 422


def test_the_best_model(client: TestClient, run: Path) -> None:
    assert client.get("/runs/best/digits").content == (run / "best.keras").read_bytes()


def test_the_report_is_a_page_of_nobody(client: TestClient, run: Path) -> None:
    assert client.get("/runs/report/digits").status_code == 404
    (run / "report.html").write_text("<!doctype html><script>parent.document.title = 'mine'</script>")
    assert 'sandbox="allow-scripts allow-downloads"' in client.get("/runs/report/digits").text
    answer = client.get("/runs/report-file/digits")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'")
    assert "allow-same-origin" not in policy and "frame-ancestors 'self'" in policy
    assert "attachment" in client.get("/runs/report-file/digits?download=true").headers["content-disposition"]


def test_files_of_a_run_are_no_links(client: TestClient, run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (run / "report.html").symlink_to(tmp_path / "secret")
    assert client.get("/runs/report-file/digits").status_code == 404


@pytest.mark.parametrize(
    "kind", ["run", "events", "report", "report-file", "curves", "gaps", "compare", "csv", "lane", "best", "delete"]
)
@pytest.mark.parametrize("name", ["%2e%2e", "%2e%2e/outside", "%2e%2e%2foutside", ".studio", "no", "a%00b"])
def test_no_page_leads_out_of_the_workspace(
    client: TestClient, settings: Settings, kind: str, name: str, tmp_path: Path
) -> None:
    copied(tmp_path / "outside")
    assert client.get(f"/runs/{kind}/{name}?lane=0").status_code == 404


def test_names_of_a_stranger_are_text(client: TestClient, settings: Settings) -> None:
    """A name of a directory, of data, of a hyperparameter, of a word to vary."""

    def change(record: dict[str, Any]) -> None:
        name = next(iter(record["hyperparameters"]))
        record["hyperparameters"] = {BAD: record["hyperparameters"][name]}
        record["extra"] |= {"task": BAD, "command": {"data": f"/x/{BAD}", "vary": [f"{BAD}=0"]}}
        record |= {"device": BAD, "created": BAD}

    name = BAD.replace("/", "_")
    folder = copied(settings.workspace / name)
    old = next(iter(record_of(folder)["hyperparameters"]))
    for table in ("lanes.parquet",):
        pd.read_parquet(folder / table).rename(columns={old: BAD}).to_parquet(folder / table)
    sealed(folder, change)
    address = f"/runs/run/{name}".replace("<", "%3C").replace(">", "%3E").replace('"', "%22").replace(" ", "%20")
    pages = [client.get("/runs").text, client.get(address).text, client.get("/runs", params={"q": BAD}).text]
    _running(folder)
    pages += [client.get(address).text, client.get(address.replace("/run/", "/delete/")).text]
    for page in pages:
        assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert" in pages[0] and "&lt;script&gt;alert" in pages[1]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"{}", b'{"schema": 1}', b"\xff\xfe"])
def test_a_record_that_is_none(client: TestClient, run: Path, content: bytes) -> None:
    (run / "run.json").write_bytes(content)
    assert "unreadable" in client.get("/runs", headers=ENGLISH).text
    answer = client.get("/runs/run/digits", headers=ENGLISH)
    assert answer.status_code == 200 and "can't be read" in answer.text
    assert client.get("/runs/csv/digits").status_code == 200
    assert client.get("/runs/curves/digits").status_code == 422


@pytest.mark.parametrize(
    "change",
    [{"extra": 3}, {"seconds": []}, {"folds": 1}, {"device": {}}, {"status": [1]}, {"extra": {"command": "fit"}}]
    + [{"metric": "none"}, {"created": "never"}, {"seconds": {"total": "long"}}],
)
def test_a_strangers_record_takes_no_other_run_away(
    client: TestClient, settings: Settings, run: Path, change: dict[str, Any]
) -> None:
    for name in ("stranger", "running"):
        folder = copied(settings.workspace / name)
        record = {**record_of(folder), **change, **({"status": "running"} if name == "running" else {})}
        (folder / "run.json").write_text(json.dumps(record))
        assert client.get(f"/runs/run/{name}").status_code in (200, 422)
    answer = client.get("/runs")
    assert answer.status_code == 200 and 'href="/runs/run/digits"' in answer.text


def test_tables_that_are_none(client: TestClient, run: Path) -> None:
    (run / "lanes.parquet").write_bytes(b"PAR1 no table")
    assert client.get("/runs").status_code == 200
    assert client.get("/runs/run/digits").status_code == 422


def test_a_broken_run_is_shown(client: TestClient, run: Path) -> None:
    _running(run)
    page = client.get("/runs/run/digits", headers=ENGLISH).text
    assert "broken off" in page and "fit_path(..., resume=True)" in page and "<noscript>" in page
    told = re.search(r'id="live-standing">(.*?)</script>', page)
    assert told and json.loads(told[1])["state"] == "killed"


def test_events_of_a_broken_run(client: TestClient, run: Path) -> None:
    _running(run)
    answer = client.get("/runs/events/digits")
    assert answer.headers["content-type"].startswith("text/event-stream")
    ids = re.findall(r"^id: (\S+)$", answer.text, re.M)
    assert ids and "event: end" in answer.text
    again = client.get("/runs/events/digits", headers={"last-event-id": ids[-1]}).text
    assert "event: news" not in again and "event: end" in again
    assert "event: news" not in client.get(f"/runs/events/digits?after={ids[-1]}").text


def test_only_ours_can_be_stopped(client: TestClient, run: Path, token: Token) -> None:
    _running(run)
    assert client.post("/runs/stop/digits", data={"csrf": token("/runs/new")}).status_code == 409
    assert client.post("/runs/resume/digits", data={"csrf": token("/runs/new")}).status_code == 409


def test_a_run_is_deleted_after_a_question(client: TestClient, settings: Settings, run: Path, token: Token) -> None:
    page = client.get("/runs/delete/digits", headers=ENGLISH).text
    assert str(run) in page and "files" in page
    assert run.exists()
    assert client.post("/runs/delete/digits", data={"csrf": token("/runs/delete/digits")}).status_code == 303
    assert not run.exists() and client.get("/runs/run/digits").status_code == 404
    assert [one.name for one in settings.workspace.iterdir()] == [".studio"]


def test_a_run_at_work_is_not_deleted(client: TestClient, settings: Settings, run: Path, token: Token) -> None:
    from ridgeway.locking import DirectoryLock

    with DirectoryLock(run):
        assert client.post("/runs/delete/digits", data={"csrf": token("/runs/new")}).status_code == 409
    assert run.exists()


def test_a_run_that_waits_leaves_the_queue(settings: Settings, browser_of: Callable[..., TestClient]) -> None:
    jobs = Jobs(settings)
    for name in ("first", "second"):
        (settings.workspace / name).mkdir()
        jobs.write(Job(name, ("fit", "no-such-file.csv", f"--out={name}"), 1.0, "data.csv"))
    with browser_of(replace(settings, max_runs=0)) as browser:
        page = browser.get("/runs/run/second", headers=ENGLISH).text
        assert "Its place in the queue: 2" in page
        found = re.search(r'name="csrf" value="(\w+)"', page)
        assert found and browser.post("/runs/stop/first", data={"csrf": found[1]}).headers["location"] == "/runs"
        assert "Its place in the queue: 1" in browser.get("/runs/run/second", headers=ENGLISH).text
    assert jobs.read("first") is None and not (settings.workspace / "first").exists()


def test_a_command_that_trains_nothing_says_why(settings: Settings, browser_of: Callable[..., TestClient]) -> None:
    jobs = Jobs(settings)
    jobs.write(Job("first", ("fit", "no-such-file.csv", "--out=first"), 1.0, "data.csv"))
    claim(jobs.place("first"), Process(1, ""))
    (jobs.place("first") / "log.txt").write_text(f"Error: {BAD}")
    with browser_of(settings) as browser:
        page = browser.get("/runs/run/first", headers=ENGLISH).text
        assert "before it trained anything" in page and "Error: &lt;script&gt;" in page
        assert "failed" in browser.get("/runs", headers=ENGLISH).text


def _upload(client: TestClient, token: Token, name: str, content: bytes, lang: str = "en") -> Any:
    files = {"file": (name, content)}
    data = {"csrf": token("/runs/new")}
    return client.post("/runs/new/upload", data=data, files=files, headers={"accept-language": lang})


TABLE = b"a,b,label\n" + b"".join(f"{n},{n % 5},{'yes' if n % 3 else 'no'}\n".encode() for n in range(60))


def test_an_upload_is_looked_into(client: TestClient, settings: Settings, token: Token) -> None:
    answer = _upload(client, token, "../../etc/pass<b>wd.CSV", TABLE)
    assert answer.status_code == 303
    number = answer.headers["location"].rpartition("/")[2]
    (place,) = (settings.own / "uploads").iterdir()
    assert place.name == number
    assert sorted(file.name for file in place.iterdir()) == ["about.json", "data.csv"]
    page = client.get(answer.headers["location"], headers=ENGLISH).text
    assert "pass&lt;b&gt;wd.CSV" in page and "60 rows" in page
    assert '<option value="label" selected>' in page


def test_column_names_are_text(client: TestClient, token: Token) -> None:
    quoted = '"' + BAD.replace('"', '""') + '"'
    answer = _upload(client, token, "a.csv", f"a,{quoted}\n1,2\n3,4\n".encode())
    page = client.get(answer.headers["location"]).text
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", b"MZ"),
        ("a", TABLE),
        ("a.csv", b""),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.csv", b'a,b\n1,2\n"unclosed'),
        ("a.parquet", b"PAR1"),
        ("a.npz", b"PK\x03\x04"),
        ("", b"x"),
    ],
)
def test_what_is_no_data(client: TestClient, settings: Settings, token: Token, name: str, content: bytes) -> None:
    answer = _upload(client, token, name, content)
    assert answer.status_code == 422
    assert str(settings.workspace) not in answer.text
    assert not list((settings.own / "uploads").iterdir())


def _switched(client: TestClient, page: str) -> Any:
    found = re.search(r'href="(/language/en[^"]*)"', page)
    assert found
    return client.get(client.get(html.unescape(found[1])).headers["location"])


@pytest.mark.parametrize(
    ("name", "content", "korean"),
    [
        ("a.exe", b"MZ", "어느 것도 아닙니다"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 2000, "바이트보다 큽니다"),
        ("a.csv", b"a,b\n1,2\n" + b'"unclosed', "라이브러리"),
    ],
)
def test_a_refused_file_is_refused_in_korean(
    settings: Settings, browser_of: Callable[..., TestClient], name: str, content: bytes, korean: str
) -> None:
    with browser_of(replace(settings, upload_limit=5000)) as browser:
        found = re.search(r'name="csrf" value="(\w+)"', browser.get("/runs/new").text)
        assert found
        answer = browser.post("/runs/new/upload", data={"csrf": found[1]}, files={"file": (name, content)})
        assert answer.status_code == 422 and korean in answer.text
        shown = re.sub(r'<p class="quoted" lang="en">.*?</p>', "", answer.text, flags=re.S)
        assert not re.search(r"Pass a|can't be", shown)
        assert str(settings.workspace) not in answer.text
        # The form stands at an address that only takes forms.
        assert _switched(browser, answer.text).status_code == 200


def test_what_the_library_says_of_a_target_is_quoted(client: TestClient, token: Token) -> None:
    address = _upload(client, token, "집값.csv", b"a,b\n1,same\n2,same\n3,same\n").headers["location"]
    answer = client.post(address, data={**_form(target="b", name="x"), "csrf": token(address)})
    quoted = re.findall(r'<p class="quoted" lang="en">(.*?)</p>', answer.text)
    assert len(quoted) == 1 and "at least two classes" in quoted[0] and "/data.csv" not in quoted[0]
    assert "라이브러리가" in answer.text
    assert _switched(client, answer.text).status_code == 200


def test_a_table_of_repeated_texts_is_counted_as_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Parquet file of a few kilobytes may hold one long text a million times."""
    from ridgeway import limits
    from ridgeway.memory import Memory
    from ridgeway.studio.runs import inspection

    file = tmp_path / "a.parquet"
    pd.DataFrame({"text": pd.Series(["x" * 100_000] * 3000), "n": range(3000)}).to_parquet(file)
    assert file.stat().st_size < 1_000_000
    monkeypatch.setattr(limits, "memory", lambda: Memory(200_000_000, 100_000_000))
    with pytest.raises(InputError, match="300 MB|286 MiB|more than"):
        inspection._check_coded(file)


def test_a_file_is_read_with_what_memory_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ridgeway.studio.runs import inspection

    file = tmp_path / "data.csv"
    file.write_text("a,b\n1,2\n")
    program = (
        "import ridgeway.memory as m, ridgeway.studio.runs.inspection as i; "
        "m.memory = lambda: m.Memory(1, 150_000_000); "
        "import numpy; i.look = lambda *a: {'sum': float(numpy.ones(50_000_000).sum())}; i.main(['data.csv'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"refused": "memory", "values": {}}, done.stderr
    monkeypatch.setattr(inspection.subprocess, "run", lambda *a, **k: done)
    with pytest.raises(Refusal, match="needs more memory"):
        inspection.inspected(file, "a.csv")


def test_files_are_looked_into_one_after_another(client: TestClient, token: Token) -> None:
    turn = client.app.state.runs.uploads.turn  # type: ignore[attr-defined]
    csrf = token("/runs/new")
    client.portal.call(turn.acquire)  # type: ignore[union-attr]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/runs/new/upload", data={"csrf": csrf}, files={"file": ("a.csv", TABLE)})
        time.sleep(0.5)
        assert not asked.done() and client.get("/runs/new").status_code == 200
        client.portal.call(_released, turn)  # type: ignore[union-attr]
        assert asked.result().status_code == 303


async def _released(turn: Any) -> None:
    turn.release()


def test_what_nobody_goes_on_with_is_deleted_while_the_studio_serves(
    settings: Settings, browser_of: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ridgeway.studio.runs import routes

    monkeypatch.setattr(routes, "_TIDY", 0.05)
    with browser_of(settings):
        place = settings.own / "uploads" / "0123456789abcdef"
        place.mkdir()
        os.utime(place, (1, 1))
        ends = time.monotonic() + 10
        while place.exists():
            assert time.monotonic() < ends
            time.sleep(0.02)


def test_an_archive_with_objects_is_refused(client: TestClient, settings: Settings, token: Token) -> None:
    out = io.BytesIO()
    np.savez(out, x=np.array([{}, {}], dtype=object), y=np.array([0, 1]))
    assert _upload(client, token, "a.npz", out.getvalue()).status_code == 422


@pytest.mark.parametrize("number", ["0123456789abcdef", "%2e%2e", "x" * 16, "0123456789ABCDEF"])
def test_uploads_that_are_not_there(client: TestClient, number: str) -> None:
    assert client.get(f"/runs/new/{number}").status_code == 404


def _form(**more: str) -> dict[str, str]:
    found = {"kind": "table", "names": ["a", "label"], "rows": 60}
    return {**defaults(found, "run-1"), **more}


FOUND = {"kind": "table", "names": ["a", "label", "--out"], "rows": 60}


def _errors(**more: str) -> set[str]:
    return set(checked(_form(**more), FOUND, lambda said: said).errors)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, set()),
        ({"name": "../x"}, {"name"}),
        ({"name": "a/b"}, {"name"}),
        ({"name": ".studio"}, {"name"}),
        ({"name": "-rf"}, {"name"}),
        ({"name": "가을 실행"}, {"name"}),
        ({"name": "가을-1"}, set()),
        ({"name": "x" * 61}, {"name"}),
        ({"target": "other"}, {"target"}),
        ({"task": "other"}, {"task"}),
        ({"epochs": "0"}, {"epochs"}),
        ({"epochs": "1.5"}, {"epochs"}),
        ({"epochs": "nan"}, {"epochs"}),
        ({"epochs": "1e999"}, {"epochs"}),
        ({"epochs": "--out=/"}, {"epochs"}),
        ({"validation_split": "1"}, {"validation_split"}),
        ({"time_limit": "60"}, set()),
        ({"time_limit": "soon"}, {"time_limit"}),
        ({"values_dropout": "0,1"}, {"values_dropout"}),
        ({"values_dropout": "0,none"}, {"values_dropout"}),
        ({"values_dropout": "0,0"}, {"values_dropout"}),
        ({"values_dropout": ""}, {"values_dropout"}),
        ({"values_weight_decay": "1e-5:1e-1:8:log"}, set()),
        ({"values_weight_decay": "-1"}, {"values_weight_decay"}),
        ({"values_weight_decay": "nan,inf"}, {"values_weight_decay"}),
        ({"values_weight_decay": "0:1:5000"}, {"values_weight_decay"}),
        ({"vary_normalization": "on"}, set()),
        ({"vary_normalization": "on", "values_normalization": "none,other"}, {"values_normalization"}),
        ({"repeats": "50", "values_weight_decay": "0:1:100"}, {"vary"}),
        ({"vary_dropout": "", "vary_weight_decay": ""}, {"vary"}),
        ({"method": "search", "vary_dropout": "", "vary_weight_decay": ""}, set()),
    ],
)
def test_a_form_is_checked(given: dict[str, str], wrong: set[str]) -> None:
    assert _errors(**given) == wrong


def test_a_form_as_a_command() -> None:
    run = checked(_form(target="--out", epochs="3"), FOUND, lambda said: said)
    assert lanes_of(run) == 24
    words = words_of(run, Path("/d/data.csv"), Path("/w/run-1"), FOUND, "ko")
    assert words[:2] == ("fit", "/d/data.csv")
    assert "--target=--out" in words and "--out=/w/run-1" in words and "--epochs=3" in words
    assert "--vary=dropout=0,0.25,0.5" in words and not any(word.startswith("--time-limit") for word in words)
    search = checked(_form(method="search", time_limit="5"), FOUND, lambda said: said)
    words = words_of(search, Path("/d/data.csv"), Path("/w/run-1"), FOUND, "ko")
    assert "--time-limit=5" in words and not any(word.startswith(("--vary", "--epochs")) for word in words)


def test_a_wrong_form_comes_back_as_it_was(client: TestClient, settings: Settings, token: Token) -> None:
    address = _upload(client, token, "a.csv", TABLE).headers["location"]
    data = {**_form(target="label", name="../x", epochs="7", values_dropout="2"), "csrf": token(address)}
    answer = client.post(address, data=data, headers=ENGLISH)
    assert answer.status_code == 422
    assert 'value="7"' in answer.text and 'aria-invalid="true"' in answer.text and 'id="name-error"' in answer.text
    empty = client.post(address, data={"csrf": token(address)})
    assert empty.status_code == 422


def test_a_target_is_checked_as_by_the_command(client: TestClient, settings: Settings, token: Token) -> None:
    address = _upload(client, token, "a.csv", b"a,b\n1,same\n2,same\n3,same\n").headers["location"]
    answer = client.post(address, data={**_form(target="b", name="x"), "csrf": token(address)}, headers=ENGLISH)
    assert answer.status_code == 422 and "at least two classes" in answer.text
    assert not (settings.workspace / "x").exists()


def test_names_of_files() -> None:
    assert shown_name("C:\\data\\a.csv") == "a.csv"
    assert shown_name("../../a\n\x00b.csv") == "ab.csv"
    assert shown_name("") == "data"
    assert len(shown_name("x" * 500 + ".parquet")) == 120 and shown_name("x" * 500 + ".parquet").endswith(".parquet")


def test_small_curves() -> None:
    assert sparkline([]) == "" and sparkline([1.0, None]) == ""
    drawn = sparkline([3.0, 1.0, None, 2.0])
    assert "<polyline" in drawn and 'aria-hidden="true"' in drawn and "style=" not in drawn
    assert "nan" not in sparkline([1.0, 1.0])
    assert len(sparkline([float(n) for n in range(5000)])) < 3000
