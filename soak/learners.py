"""Many learners at once at the quiz of a real studio, which is killed meanwhile; nothing acknowledged may be lost.

Each learner starts, reads and answers each question with a time to think, and hands in, as the page's script does: an
answer that is not acknowledged is sent again, and so is a start: each learner has one attempt only. Some sit at two
devices at once, by the attempt's code: both answer the same question in the same moment, or one goes on from a page
that it opened before the other answered. Meanwhile the server gets SIGKILL, and starts again on the same database. At
the end each answer that was acknowledged must be there as it was last given, none twice, and each attempt graded.

Run it by `make soak`; the exit code is 1 where an answer is lost, or the answers came too late.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import psycopg
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from ridgeway.studio.storage import Answer, Attempt, open_storage
from studio.storage.databases import binaries, server

# Seconds: what the issue asks for.
_MEDIAN, _LAST = 0.1, 1.0
# Seconds until the page's script saves again, the longest such wait, and until a request is given up.
_AGAIN, _MOST, _LONGEST = 2.0, 30.0, 30.0
# Seconds, at least and at most, until someone whose page did not load tries again.
_RELOAD = (1.0, 4.0)
# Share of learners who sit at two devices.
_TWO_DEVICES = 0.2


class Question(HTMLParser):
    """What a page asks: its kind, its token, what it knows of the answer, and the fields with what can be chosen."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.kind, self.token, self.sent = "", "", 0
        self.known: dict[str, str] = {}
        self.fields: dict[str, list[str]] = {}
        self._select = ""
        # A form that asks something stands in the main part; what is around it costs as much to read.
        self.feed(page[page.index("<main") :])

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Collects the fields."""
        given = {name: value or "" for name, value in attributes}
        name = given.get("name", "")
        self.kind = given.get("data-kind", self.kind)
        if tag == "select":
            self._select = name
        elif tag == "option" and given.get("value"):
            self.fields.setdefault(self._select, []).append(given["value"])
        elif tag == "input" and name == "csrf":
            self.token = given["value"]
        elif tag == "input" and name in ("page", "seen", "shown"):
            self.known[name] = given["value"]
        elif tag == "input" and name == "answer":
            self.fields.setdefault(name, []).append(given.get("value", ""))

    def answered(self, chance: random.Random) -> tuple[dict[str, Any], Any]:
        """Some answer: the form's fields, and the JSON that the database should hold."""
        answers = list(self.fields.get("answer", []))
        match self.kind:
            case "single":
                one = chance.choice(answers)
                return {"answer": one}, one
            case "several":
                some = [one for one in answers if chance.random() < 0.5] or answers[:1]
                return {"answer": some}, some
            case "order":
                chance.shuffle(answers)
                return {"answer": answers, "go": "order"}, answers
            case "number":
                text = f"{chance.uniform(-3, 3):.3f}"
                return {"answer": text}, text
        picked = {name: chance.choice(values) for name, values in self.fields.items() if name.startswith("answer.")}
        return picked, {name.removeprefix("answer."): value for name, value in picked.items()}


@dataclass
class Tally:
    """What the learners saw.

    Attributes:
        seconds: of each request that was answered.
        failed: requests that were not.
        acknowledged: the last acknowledged answer by attempt and place of the question.
        handed_in: attempts.
    """

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    acknowledged: dict[tuple[int, int], Any] = field(default_factory=dict)
    handed_in: set[int] = field(default_factory=set)


class Studio:
    """A studio in a process of its own, which can be killed."""

    def __init__(self, workspace: Path, database: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        run = "from ridgeway.cli import main; main()"
        options = ["--no-browser", "--port", str(self.port), "--workspace", str(workspace), "--database", database]
        # Whoever had to start twice would be refused.
        options += ["--attempts", "1"]
        self._command = [sys.executable, "-c", run, "studio", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/quiz", timeout=5).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise RuntimeError("the studio doesn't start")

    def kill(self) -> None:
        """Ends it as a power cut does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@dataclass(frozen=True)
class Reply:
    """What a request was answered."""

    status: int
    location: str
    text: str


class Device:
    """A browser, with connections and cookies of its own."""

    def __init__(self, address: str, tally: Tally, chance: random.Random) -> None:
        self._address, self._tally, self._chance = address, tally, chance
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Device:
        self._http = aiohttp.ClientSession(
            # Six connections, as browsers open; cookies of an address that is no name.
            connector=aiohttp.TCPConnector(limit=6),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(_LONGEST),
            headers={"Accept-Language": "ko"},
        )
        return self

    async def __aexit__(self, *details: object) -> None:
        assert self._http is not None
        await self._http.close()

    async def question(self, attempt: int, place: int) -> Question:
        """Opens a question's page."""
        return Question((await self.ask("GET", f"/quiz/{attempt}/{place}")).text)

    async def give(self, attempt: int, place: int, page: Question, fields: dict[str, Any]) -> bool:
        """Saves an answer as the page's script does; whether it was taken, or another had come before."""
        wait = _AGAIN
        while True:
            page.sent += 1
            data = {**page.known, **fields, "csrf": page.token, "sent": str(page.sent)}
            try:
                saved = await self.ask(
                    "POST", f"/quiz/{attempt}/{place}", data, {"Accept": "application/json"}, once=True
                )
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(wait * self._chance.uniform(0.75, 1.25))
                wait = min(2 * wait, _MOST)
                continue
            assert saved.status == 409 or json.loads(saved.text)["has_answer"], saved.text
            return saved.status == 200

    async def go_on(self, attempt: int, place: int, page: Question) -> None:
        """Presses the button to the next question, and has touched nothing."""
        data: dict[str, Any] = {**page.known, "csrf": page.token, "sent": "0", "go": "review"}
        if page.kind == "order":
            data["answer"] = page.fields["answer"]
        gone = await self.ask("POST", f"/quiz/{attempt}/{place}", data)
        assert gone.location.endswith("/review"), gone.location

    async def ask(
        self,
        method: str,
        path: str,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        once: bool = False,
    ) -> Reply:
        """Sends a request, again until it is answered unless `once`."""
        assert self._http is not None
        while True:
            begun = time.monotonic()
            try:
                async with self._http.request(
                    method, self._address + path, data=data, headers=headers, allow_redirects=False
                ) as found:
                    reply = Reply(found.status, found.headers.get("location", ""), await found.text())
            except (aiohttp.ClientError, TimeoutError):
                self._tally.failed += 1
                if once:
                    raise
                await asyncio.sleep(self._chance.uniform(*_RELOAD))
                continue
            self._tally.seconds.append(time.monotonic() - begun)
            assert reply.status in (200, 303, 409), (path, reply.status, reply.text[:500])
            return reply


class Learner:
    """One learner at one device, or at two."""

    def __init__(self, number: int, address: str, tally: Tally) -> None:
        self._number, self._tally = number, tally
        self._chance = random.Random(number)
        self._desk, self._phone = (Device(address, tally, self._chance) for _ in range(2))
        self._has_phone = self._chance.random() < _TWO_DEVICES

    async def take_the_quiz(self, think: float, delay: float) -> None:
        """Comes, answers each question, sometimes thinks better of it, and hands in."""
        await asyncio.sleep(delay)
        async with self._desk, self._phone:
            await self._take(think)

    async def _take(self, think: float) -> None:
        desk = self._desk
        first = Question((await desk.ask("GET", "/quiz")).text)
        who = {"name": f"학습자 {self._number}", "affiliation": "소속", "class_code": "", "consent": "yes"}
        started = await desk.ask("POST", "/quiz/start", {**who, "csrf": first.token})
        assert started.status == 303, re.findall(r"<p>.*?</p>", started.text)
        attempt = int(started.location.rsplit("/", 1)[1])
        if self._has_phone:
            code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", (await desk.ask("GET", f"/quiz/{attempt}/1")).text)
            assert code
            begin = Question((await self._phone.ask("GET", "/quiz")).text)
            await self._phone.ask("POST", "/quiz/resume", {"resume_code": code.group(), "csrf": begin.token})
        for place in range(1, 16):
            await self._answer(attempt, place, think)
        review = Question((await desk.ask("GET", f"/quiz/{attempt}/review")).text)
        await desk.ask("POST", f"/quiz/{attempt}/hand-in", {"csrf": review.token})
        result = await desk.ask("GET", f"/quiz/{attempt}/result")
        assert re.search(r"<strong>[\d.]+</strong>", result.text)
        self._tally.handed_in.add(attempt)

    async def _answer(self, attempt: int, place: int, think: float) -> None:
        page = await self._desk.question(attempt, place)
        stale = await self._phone.question(attempt, place) if self._has_phone else None
        if stale and self._chance.random() < 0.3:
            await self._think(think)
            tries = [(self._desk, page), (self._phone, stale)]
            given = [(device, one, *one.answered(self._chance)) for device, one in tries]
            taken = await asyncio.gather(
                *[device.give(attempt, place, one, fields) for device, one, fields, _ in given]
            )
            assert any(taken), "one of both counts"
            values = [value for (*_, value), was in zip(given, taken, strict=True) if was]
            assert all(one == values[0] for one in values), "and only one"
            self._tally.acknowledged[attempt, place] = values[0]
            return
        for _ in range(1 + (self._chance.random() < 0.2)):
            await self._think(think)
            fields, value = page.answered(self._chance)
            assert await self._desk.give(attempt, place, page, fields)
            self._tally.acknowledged[attempt, place] = value
        if stale:
            await self._phone.go_on(attempt, place, stale)

    async def _think(self, think: float) -> None:
        await asyncio.sleep(think * self._chance.uniform(0.5, 1.5))


async def soak(studio: Studio, learners: int, think: float, kills: int) -> Tally:
    """Lets the learners go, and kills the studio meanwhile."""
    tally = Tally()
    address = f"http://127.0.0.1:{studio.port}"
    crowd = [Learner(number, address, tally) for number in range(learners)]
    chance = random.Random(0)
    # They don't all come in the same second.
    work = [asyncio.create_task(one.take_the_quiz(think, chance.uniform(0, 2 * think))) for one in crowd]
    whole = 17 * think
    for _ in range(kills):
        await asyncio.sleep(whole / (kills + 1) * chance.uniform(0.8, 1.1))
        await asyncio.to_thread(studio.kill)
        print(f"  killed, {len(tally.acknowledged)} answers acknowledged", flush=True)
        await asyncio.to_thread(studio.start)
    await asyncio.gather(*work)
    return tally


def checked(database: str, tally: Tally, learners: int) -> list[str]:
    """What is wrong with what the database holds."""
    storage = open_storage(database)
    wrong = []
    with storage.reading() as session:
        attempts = {one.id: one for one in session.scalars(select(Attempt))}
        rows = session.execute(select(Answer.attempt_id, Answer.question, Answer.value)).all()
        twice = session.execute(
            select(Answer.attempt_id, Answer.question)
            .group_by(Answer.attempt_id, Answer.question)
            .having(func.count() > 1)
        ).all()
    storage.close()
    stored = {(attempt, question): value for attempt, question, value in rows}
    for (attempt, place), value in tally.acknowledged.items():
        question = attempts[attempt].questions[place - 1]
        if json.dumps(stored.get((attempt, question)), sort_keys=True) != json.dumps(value, sort_keys=True):
            wrong.append(
                f"attempt {attempt}, question {place}: acknowledged {value}, stored {stored.get((attempt, question))}"
            )
    if twice:
        wrong.append(f"answers twice: {twice}")
    ungraded = [one for one in tally.handed_in if attempts[one].points is None]
    if ungraded:
        wrong.append(f"not graded: {ungraded}")
    if len(attempts) != learners:
        wrong.append(f"{len(attempts)} attempts of {learners} learners")
    if len(tally.handed_in) != learners:
        wrong.append(f"{len(tally.handed_in)} of {learners} handed in")
    return wrong


def main() -> int:
    """A line a database; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=500)
    parser.add_argument("--think", type=float, default=12.0, help="seconds a question, on average")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    given = parser.parse_args()
    failed = False
    for kind in given.databases:
        workspace = Path(tempfile.mkdtemp(prefix="ridgeway-soak-"))
        database = f"sqlite:///{workspace}/studio.db"
        if kind == "postgresql":
            if binaries() is None:
                print("postgresql: left out, no server here (apt install postgresql)")
                continue
            name = f"soak_{uuid.uuid4().hex}"
            with psycopg.connect(f"{server()}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            database = f"{server()}/{name}".replace("postgresql:", "postgresql+psycopg:")
        studio = Studio(workspace, database)
        studio.start()
        try:
            tally = asyncio.run(soak(studio, given.learners, given.think, given.kills))
        finally:
            studio.kill()
        wrong = checked(database, tally, given.learners)
        seconds = sorted(tally.seconds)
        median, last = statistics.median(seconds), seconds[int(0.99 * len(seconds))]
        if median >= _MEDIAN or last >= _LAST:
            wrong.append("too slow")
        print(
            f"{kind}: {given.learners} learners, {len(tally.acknowledged)} answers; {len(seconds)} requests answered, "
            f"{tally.failed} failed and sent again; median {1000 * median:.0f} ms, 99 % within {1000 * last:.0f} ms; "
            f"{'; '.join(wrong[:5]) or 'nothing lost, nothing twice'}",
            flush=True,
        )
        failed |= bool(wrong)
        if not wrong:
            shutil.rmtree(workspace)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
