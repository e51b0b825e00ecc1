"""Events are read once each, in order, whoever stops and goes on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from ridgeway.studio.runs.course import Course, Courses
from ridgeway.studio.runs.following import Follower
from ridgeway.studio.runs.stream import updates


def _line(number: int, **more: Any) -> str:
    return json.dumps({"event": "epoch", "time": float(number), "number": number, **more}) + "\n"


def _numbers(follower: Follower) -> list[int]:
    return [event["number"] for event in follower.read().events]


def test_each_line_once(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    follower = Follower(file)
    assert follower.read().events == [] and follower.id == ""
    file.write_text(_line(1) + _line(2))
    assert _numbers(follower) == [1, 2]
    assert _numbers(follower) == []
    with file.open("a") as opened:
        opened.write(_line(3)[:10])
        opened.flush()
        assert _numbers(follower) == []
        opened.write(_line(3)[10:])
    assert _numbers(follower) == [3]


def test_ids_grow_and_go_on(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    ids = []
    for number in range(1, 12):
        with file.open("a") as opened:
            opened.write(_line(number))
        reader = Follower(file)
        reader.read()
        ids.append(reader.id)
    places = [int(one.partition("-")[0]) for one in ids]
    assert places == sorted(set(places))
    news = Follower(file, ids[6]).read()
    assert not news.again
    assert [event["number"] for event in news.events] == [8, 9, 10, 11]


def test_a_run_that_went_back_begins_anew(tmp_path: Path) -> None:
    """From a checkpoint: the file is cut, and other lines come."""
    file = tmp_path / "events.jsonl"
    file.write_text("".join(map(_line, range(1, 6))))
    follower = Follower(file)
    follower.read()
    known = follower.id
    file.write_text(_line(1) + _line(2))
    news = follower.read()
    assert news.again and [event["number"] for event in news.events] == [1, 2]
    # As long as before and longer, but other lines.
    file.write_text("".join(map(_line, [1, 2, 7, 8, 9, 6])))
    news = Follower(file, known).read()
    assert news.again and [event["number"] for event in news.events] == [1, 2, 7, 8, 9, 6]


def test_an_id_that_is_none_begins_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(_line(1) + _line(2))
    for wrong in ("x", "5", "-1-0", "9999999999-00000000", "3-zz", "5-0000000a", "1e9-0", "9" * 30 + "-0"):
        events = Follower(file, wrong).read().events
        assert [event["number"] for event in events] == [1, 2], wrong


def test_torn_lines_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(_line(1).encode() + b'{"event": "ep\x00\xff\n[1]\n' + b"[" * 5000 + b"\n" + _line(2).encode())
    assert _numbers(Follower(file)) == [1, 2]


def _events(folder: Path, *events: dict[str, Any]) -> None:
    with (folder / "events.jsonl").open("a") as opened:
        for event in events:
            opened.write(json.dumps(event) + "\n")


def _epoch(lane: int, epoch: int, value: float | None, time: float) -> dict[str, Any]:
    return {"event": "epoch", "time": time, "lane": lane, "epoch": epoch, "logs": {"val_nll": value, "loss": 1.0}}


def test_a_course(tmp_path: Path) -> None:
    _events(tmp_path, {"event": "start", "time": 0.0, "lanes": 4, "epochs": 10, "executor": {"slots": 2}})
    begin = {"event": "begin", "time": 0.5, "lane": 0, "configuration": {"dropout": 0.5}, "repeat": 0, "fold": 0}
    _events(
        tmp_path, begin, _epoch(0, 1, 0.5, 1.0), _epoch(1, 1, None, 1.0), _epoch(0, 2, 0.4, 2.0), _epoch(1, 2, 0.6, 2.0)
    )
    _events(tmp_path, {"event": "lane", "time": 2.0, "lane": 0, "stopped": "early stopping", "epochs": 2})
    course = Course(tmp_path, "val_nll", "min").read()
    assert (course.planned, course.epochs, course.slots, course.ended) == (4, 10, 2, 1)
    assert [lane.number for lane in course.ranked()] == [0, 1]
    assert course.ranked()[0].best("min") == (0.4, 2)
    assert course.ranked()[1].best("min") == (0.6, 2)
    assert course.lanes[0].configuration == {"dropout": 0.5} and course.lanes[1].configuration == {}
    assert course.share == (1 + 0.2) / 4
    # 8 epochs of lane 1, and 20 of those that wait, at 2 a second.
    assert course.seconds_left == 14.0
    assert course.status == "running"
    _events(tmp_path, {"event": "end", "time": 3.0, "status": "finished", "seconds": {}})
    assert course.read().status == "finished"


def test_a_course_of_strange_events(tmp_path: Path) -> None:
    _events(tmp_path, {"event": "epoch"}, {"time": 1}, {"event": "epoch", "time": 1, "lane": [], "logs": 3})
    _events(tmp_path, {"event": "start", "time": 0.0, "lanes": 1, "epochs": 1}, {"event": "lane", "time": None})
    course = Course(tmp_path, "val_nll", "min").read()
    assert course.planned == 1 and not course.lanes


def test_courses_are_read_on(tmp_path: Path) -> None:
    courses, record = Courses(), {"id": "a", "metric": "val_nll", "mode": "min"}
    _events(tmp_path, {"event": "start", "time": 0.0, "lanes": 2, "epochs": 3})
    first = courses.of(tmp_path, record)
    _events(tmp_path, _epoch(0, 1, 0.5, 1.0))
    assert courses.of(tmp_path, record) is first and len(first.lanes) == 1
    assert courses.of(tmp_path, {**record, "id": "b"}) is not first


def _stream(folder: Path, after: str, states: list[str]) -> list[tuple[str, str, Any]]:
    """What a stream sends until the run has ended: id, kind, data."""
    told = iter(states)
    last = states[-1]

    async def collected() -> list[str]:
        state = lambda: {"state": next(told, last)}  # noqa: E731
        return [one async for one in updates(folder, after, state, lambda now: now["state"] == "running")]

    found = []
    for block in asyncio.run(collected()):
        assert block.endswith("\n\n")
        fields = dict(line.split(": ", 1) for line in block.strip().split("\n"))
        found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def test_a_stream_replays_from_where_one_stopped(tmp_path: Path) -> None:
    _events(tmp_path, {"event": "start", "time": 0.0, "lanes": 1, "epochs": 3, "executor": {"slots": 1}})
    _events(tmp_path, {"event": "begin", "time": 0.5, "lane": 0, "configuration": {"l1": 0.1}, "repeat": 1, "fold": 2})
    _events(tmp_path, _epoch(0, 1, 0.5, 1.0))
    first = _stream(tmp_path, "", ["finished"])
    assert [kind for _, kind, _ in first] == ["state", "news", "end"]
    number, _, news = first[1]
    assert news["plan"] == {"lanes": 1, "epochs": 3, "slots": 1, "time": 0.0}
    assert news["begun"] == [[0, {"l1": 0.1}, 1, 2]]
    assert news["names"] == ["val_nll", "loss"] and news["rows"] == [[0, 1, 0.5, 1.0]] and not news["again"]
    _events(tmp_path, _epoch(0, 2, None, 2.0), {"event": "lane", "time": 2.0, "lane": 0, "stopped": "diverged"})
    second = _stream(tmp_path, number, ["finished"])
    assert second[1][2]["rows"] == [[0, 2, None, 1.0]] and second[1][2]["stopped"] == [[0, "diverged"]]
    assert int(second[1][0].partition("-")[0]) > int(number.partition("-")[0])
    assert [kind for _, kind, _ in _stream(tmp_path, second[1][0], ["finished"])] == ["state", "end"]


def test_a_stream_tells_the_weights_of_lanes_whose_run_says_them(tmp_path: Path) -> None:
    ended = {"event": "lane", "time": 2.0, "stopped": "completed", "epochs": 1}
    _events(tmp_path, ended | {"lane": 0, "weight_norm": 2.4040434, "zero_share": 0.25}, ended | {"lane": 1})
    _events(tmp_path, ended | {"lane": 2, "weight_norm": None, "zero_share": None})
    news = _stream(tmp_path, "", ["finished"])[1][2]
    assert news["weights"] == [[0, 2.40404, 0.25], [2, None, None]]
    assert len(news["stopped"]) == 3


def test_a_stream_ends_with_all_events(tmp_path: Path) -> None:
    _events(tmp_path, _epoch(0, 1, 0.5, 1.0))
    found = _stream(tmp_path, "", ["running", "finished"])
    assert [kind for _, kind, _ in found] == ["state", "news", "state", "end"]
    assert found[-1][2] == {"state": "finished"}
