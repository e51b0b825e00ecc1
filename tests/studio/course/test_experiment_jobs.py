"""The queue of trainings, their results on disk, and what the server answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess as Process
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

from fastapi.testclient import TestClient
from pydantic import ValidationError

from ridgeway.studio.course.experiments import shown
from ridgeway.studio.course.experiments.jobs import Busy, Job, Jobs
from ridgeway.studio.course.experiments.registry import IDS, Results, experiment, shipped
from ridgeway.studio.course.experiments.words import texts
from ridgeway.studio.pages import STATIC
from studio.course.trivial_worker import trivial

TABLE = "\n".join(f"{one * 0.1},{-one},{one % 2}" for one in range(30))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path, seconds=40.0, most=3, target=trivial)
    yield made
    made.close()


def ended(jobs: Jobs, job: Job, seconds: float = 60.0) -> Job:
    end = time.monotonic() + seconds
    while job.state not in ("done", "failed"):
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return job


def started(jobs: Jobs, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while jobs._process is None:
        assert time.monotonic() < end
        time.sleep(0.02)


def submit(jobs: Jobs, name: str, seed: int) -> Job:
    one = experiment(name)
    return jobs.submit(one, one.settings({"seed": seed}))


def test_a_job_leaves_its_result(jobs, tmp_path):
    job = ended(jobs, submit(jobs, "norms", 1))
    assert (job.state, job.progress) == ("done", 1.0)
    kept = json.loads(Results(tmp_path).kept(job.key))
    assert kept["data"] == {"order": 1}
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]


def test_the_same_job_is_there_once(jobs):
    first = submit(jobs, "norms", 100)
    assert submit(jobs, "norms", 100) is first
    assert ended(jobs, first).state == "done"
    assert submit(jobs, "norms", 100) is not first


def test_lessons_come_before_the_playground(jobs):
    running = submit(jobs, "norms", 100)
    while running.state == "waiting":
        time.sleep(0.01)
    played, lesson = submit(jobs, "playground", 101), submit(jobs, "coding", 102)
    assert (jobs.ahead(lesson), jobs.ahead(played)) == (1, 2)
    ended(jobs, lesson)
    assert played.state != "done"
    assert ended(jobs, played).state == "done"


def test_no_more_of_one_client_may_wait_than_leave_room_for_others(jobs, monkeypatch):
    from ridgeway.studio.course.experiments import jobs as queue

    monkeypatch.setattr(queue, "MOST_OF_ONE", 1)
    one = experiment("norms")
    running = jobs.submit(one, one.settings({"seed": 200}), "a")
    while running.state == "waiting":
        time.sleep(0.01)
    jobs.submit(one, one.settings({"seed": 201}), "a")
    with pytest.raises(Busy):
        jobs.submit(one, one.settings({"seed": 202}), "a")
    assert jobs.submit(one, one.settings({"seed": 202}), "b").who == "b"


def test_no_more_may_wait_than_there_is_room_for(jobs):
    for seed in range(100, 104):
        job = submit(jobs, "norms", seed)
        while seed == 100 and job.state == "waiting":
            time.sleep(0.01)
    with pytest.raises(Busy):
        submit(jobs, "norms", 104)


@pytest.mark.parametrize(("seed", "said"), [(66, "ended"), (77, "longer than 2 seconds"), (88, "ValueError: no")])
def test_what_goes_wrong_ends_one_job_only(jobs, seed, said):
    assert ended(jobs, submit(jobs, "norms", 1)).state == "done"
    # The process is there: only the job counts now.
    jobs._seconds = 2.0
    job = ended(jobs, submit(jobs, "norms", seed))
    assert job.state == "failed"
    jobs._seconds = 40.0
    assert said in job.error
    assert ended(jobs, submit(jobs, "norms", 2)).state == "done"


def test_the_process_is_there_before_its_first_job(jobs):
    jobs.ready()
    started(jobs)
    process = jobs._process
    jobs.ready()
    assert ended(jobs, submit(jobs, "norms", 1)).state == "done"
    assert jobs._process is process


def test_a_process_that_cannot_start_fails_one_job_only(jobs, monkeypatch):
    start, failures = Process.start, iter([BlockingIOError("full"), BlockingIOError("full")])

    def full(process):
        for failure in failures:
            raise failure
        return start(process)

    monkeypatch.setattr(Process, "start", full)
    jobs.ready()
    job = submit(jobs, "norms", 1)
    assert ended(jobs, job).state == "failed" and "could not be started" in job.error
    assert ended(jobs, submit(jobs, "norms", 2)).state == "done"


def test_a_process_that_dies_is_not_started_for_onlookers_again_and_again(jobs):
    assert ended(jobs, submit(jobs, "norms", 66)).state == "failed"
    jobs.ready()
    started(jobs)
    jobs._end_process()
    jobs.ready()
    time.sleep(0.3)
    assert jobs._process is None
    assert ended(jobs, submit(jobs, "norms", 1)).state == "done"


def test_onlookers_do_not_keep_a_process_that_is_idle(tmp_path):
    jobs = Jobs(tmp_path, idle=1.0, target=trivial)
    ended(jobs, submit(jobs, "norms", 1))
    end = time.monotonic() + 30
    while jobs._process is not None:
        jobs.ready()
        assert time.monotonic() < end
        time.sleep(0.1)
    jobs.close()


def test_a_closed_queue_stays_closed(jobs):
    jobs.close()
    jobs.ready()
    assert jobs._process is None and jobs._thread is None


def test_a_closed_queue_has_no_process(tmp_path):
    jobs = Jobs(tmp_path, target=trivial)
    ended(jobs, submit(jobs, "norms", 1))
    process = jobs._process
    jobs.close()
    assert not process.is_alive()


def test_results_are_kept_up_to_a_number(tmp_path):
    results = Results(tmp_path, most=3)
    for one in range(6):
        results.keep({"key": f"{one:032x}", "data": one})
        time.sleep(0.01)
    assert sorted(file.stem[-1] for file in tmp_path.iterdir()) == ["3", "4", "5"]
    assert results.kept("0" * 32) is None


def test_the_server_imports_no_jax():
    code = (
        "import sys; from ridgeway.studio.course.experiments import registry, routes\n"
        "[registry.experiment(name).settings() for name in registry.IDS]\n"
        "assert not {'jax', 'keras', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
def test_settings_are_bounded(name):
    one = experiment(name)
    assert one.settings({"seed": "7"}).seed == 7
    for wrong in ({"seed": -1}, {"seed": 10_000}, {"seed": "x"}, {"seed": 1.5}, {"epochs": 1000}):
        with pytest.raises(ValidationError):
            one.settings(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 100_000},
        {"width": 4096},
        {"layers": 0},
        {"noise": "nan"},
        {"vary": "learning_rate"},
        {"data": "csv"},
        {"csv": TABLE},
        {"data": "csv", "csv": "1,2,a\n" * 30_000},
    ],
)
def test_the_playground_is_bounded(wrong):
    with pytest.raises(ValidationError):
        experiment("playground").settings(wrong)


def test_keys_differ_by_every_setting():
    one = experiment("playground")
    given = [{}, {"seed": 1}, {"noise": 0.1}, {"rows": "40"}, {"data": "csv", "csv": TABLE}]
    given.append({"data": "csv", "csv": TABLE + "\n9,9,1"})
    assert len({one.key(one.settings(settings)) for settings in given}) == len(given)
    assert one.key(one.settings({"noise": "0.3"})) == one.key(one.settings())


# --- what is shipped ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
def test_the_shipped_result_is_of_this_version(name):
    came = shipped(name)
    assert came is not None, f"run python -m ridgeway.studio.course.experiments {name}"
    assert came["experiment"] == name
    assert len(json.dumps(came)) < 100_000
    for lang in ("ko", "en"):
        found = shown.of(name, lang)
        assert "</" not in found["json"]
        assert json.loads(found["json"])["result"] == came
        for figure in found["figures"].values():
            drawn = figure.chart.__html__()
            assert "nan" not in drawn and "style=" not in drawn
            assert all(len(row) == len(figure.head) for row in figure.rows)


@pytest.mark.parametrize("name", IDS)
def test_scripts_say_only_what_is_translated(name):
    said = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')
    folder = STATIC / "course" / "experiments"
    used = {message for file in ("stage.js", f"{name}.js") for message in said.findall((folder / file).read_text())}
    known = texts(name, "ko")
    assert used == set(known)
    # A name that is the same in both languages is no slip.
    assert [one for one in used if known[one] == one and re.search("[a-z]{4}", one)] == []


# --- the server's answers -------------------------------------------------------------------------------------------


@pytest.fixture
def quick(client: TestClient, settings) -> TestClient:
    """A studio whose process trains nothing."""
    client.app.state.experiment_jobs = Jobs(settings.own / "experiments", target=trivial)
    return client


@pytest.mark.parametrize("name", IDS)
def test_default_results_come_at_once(client, name):
    answer = client.get(f"/course/experiments/{name}")
    assert answer.status_code == 200
    assert answer.json() == shipped(name)


def test_other_settings_start_a_job(quick):
    answer = quick.get("/course/experiments/norms?seed=5")
    assert answer.status_code == 202
    job = answer.json()["job"]
    for _ in range(500):
        told = quick.get(f"/course/experiments/jobs/{job}").json()
        if told["state"] == "done":
            break
        assert told["state"] in ("waiting", "running")
        time.sleep(0.02)
    assert told["result"]["settings"]["seed"] == 5
    again = quick.get("/course/experiments/norms?seed=5")
    assert (again.status_code, again.json()) == (200, told["result"])


def test_the_process_starts_for_whoever_is_at_an_experiment(quick):
    assert quick.get("/course/experiments/ready", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert quick.app.state.experiment_jobs._thread is None
    assert quick.get("/course/experiments/ready", headers={"sec-fetch-site": "same-origin"}).status_code == 204
    started(quick.app.state.experiment_jobs)


def test_a_failed_job_says_so(quick):
    job = quick.get("/course/experiments/norms?seed=88").json()["job"]
    for _ in range(500):
        told = quick.get(f"/course/experiments/jobs/{job}", headers={"accept-language": "en"}).json()
        if told["state"] == "failed":
            break
        time.sleep(0.02)
    assert told["error"] == "The training failed. Reset the controls and try again."


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/course/experiments/nothing", 404),
        ("/course/experiments/../../etc/passwd", 404),
        ("/course/experiments/jobs/" + "0" * 32, 404),
        ("/course/experiments/jobs/..%2f..%2fsecret", 404),
        ("/course/experiments/norms?seed=99999", 422),
        ("/course/experiments/norms?rows=9", 422),
        ("/course/experiments/playground?width=1000", 422),
    ],
)
def test_what_is_not_there_or_out_of_range(client, address, status):
    answer = client.get(address, headers={"accept": "application/json", "accept-language": "en"})
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_starting_is_limited(quick):
    states = [quick.get(f"/course/experiments/norms?seed={seed}").status_code for seed in range(200, 240)]
    assert states.count(202) <= 33
    assert states[-1] == 429


def test_a_table_of_ones_own(quick):
    page = quick.get("/course/playground").text
    token = re.search(r'data-token="([0-9a-f]+)"', page).group(1)
    headers = {"accept": "application/json", "accept-language": "en", "x-csrf-token": token}

    def post(body, headers=headers):
        return quick.post("/course/experiments/playground", content=body, headers=headers)

    assert post(json.dumps({"data": "csv", "csv": TABLE})).status_code == 202
    refused = post(json.dumps({"data": "csv", "csv": "1,2,a\n" * 5}))
    assert refused.status_code == 422
    assert refused.json()["detail"] == "The table has 5 rows. Paste 20 to 2000."
    for body in ("no JSON", "[1]", "[" * 5000):
        assert post(body).status_code == 422
    without = {"accept": "application/json", "x-csrf-token": "0" * 64}
    assert post(json.dumps({"data": "csv", "csv": TABLE}), without).status_code == 403


def test_one_that_really_trains(client):
    """In a process of its own, from nothing to the result."""
    job = client.get("/course/experiments/coding?categories=3&seed=9").json()["job"]
    end = time.monotonic() + 100
    told = {"state": ""}
    while told["state"] != "done":
        assert time.monotonic() < end and told["state"] != "failed", told
        time.sleep(0.1)
        told = client.get(f"/course/experiments/jobs/{job}").json()
    result = told["result"]
    assert result["settings"] == {"seed": 9, "categories": 3}
    assert len(result["data"]["one_hot"]) == 3
    assert result["milliseconds"] > 0


@pytest.mark.parametrize("name", [*IDS[:-1], "playground"])
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_pages_can_be_read_without_a_script(client, name, lang):
    page = client.get(f"/course/{name}", headers={"accept-language": lang}).text
    assert page.count('<svg class="chart"') >= 1
    assert "<tbody>" in page
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
