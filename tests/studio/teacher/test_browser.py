"""A teacher's whole way in a real browser, from the account to the logout: both languages, axe-core, a phone."""

import csv
import datetime
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from typer.testing import CliRunner

from ridgeway.cli import app as cli
from ridgeway.studio.i18n import translator
from ridgeway.studio.quiz.draw import draw_question
from ridgeway.studio.quiz.grading import chosen, grade
from ridgeway.studio.quiz.identity import identity, key
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import Answer, Attempt, Learner, now
from studio.browsing import CHROMIUM, served
from studio.quizweb.people import drawn_of
from studio.quizweb.studios import studio_app

pytest.importorskip("playwright.sync_api", reason="no Playwright here (pip install playwright)")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)")

PASSWORD = "correct horse battery"
# Longer than a line, without a space to break it at.
LONG = "가" * 80


@pytest.fixture
def studio(tmp_path: FilePath) -> Iterator[tuple[str, FastAPI]]:
    """A server on a free port, and its application."""
    app = studio_app(Settings(workspace=tmp_path / "workspace"), tmp_path / "bank")
    with served(app) as address:
        yield address, app


def simulate(app: FastAPI, classroom: int, count: int) -> None:
    """Attempts of learners who know more and less, each at ten questions that all have."""
    bank = app.state.bank
    drawn = [draw_question(bank, 7, one) for one in list(bank.questions)[:20:2]]
    with app.state.storage.writing() as session:
        for number in range(count):
            name, affiliation = (f"학생 {number}", "KAIST" if number % 2 else "부산대학교") if number else (LONG, LONG)
            learner = Learner(
                class_id=classroom,
                name=name,
                affiliation=affiliation,
                name_key=key(name),
                affiliation_key=key(affiliation),
                identity=identity(classroom, name, affiliation),
                consented_at=now(),
            )
            started = now() - datetime.timedelta(hours=number + 1)
            attempt = Attempt(
                learner=learner,
                code=f"{number:064}",
                seed=7,
                questions=[one.id for one in drawn],
                language="ko",
                started_at=started,
                handed_in_at=started + datetime.timedelta(minutes=9),
                closed_by="learner",
                points=0.0,
            )
            for place, one in enumerate(drawn):
                # All are single choices; who comes later in the list knows more.
                knows = number * 10 > place * count
                right = [item for item in one.order if (item in one.right) == knows][0]  # type: ignore[operator]
                value = one.opaque("option", right)
                graded = grade(one, value)
                attempt.points = (attempt.points or 0) + graded.points
                told = {"points": graded.points, "correct": graded.right, "chosen": list(chosen(one, value))}
                attempt.answers.append(Answer(question=one.id, value=value, saved_at=started, **told))
            session.add(attempt)


class Way:
    """A teacher's browser: what it opens is looked at by axe-core, and at the width of a phone."""

    def __init__(self, page: Any, axe: Any, lang: str) -> None:
        self.page, self.axe, self.say = page, axe, translator(lang)

    def look(self, path: str = "") -> None:
        page = self.page
        if path:
            page.goto(path)
        found = self.axe.run(page).response["violations"]
        assert not found, (page.url, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found])
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
        page.set_viewport_size({"width": 1280, "height": 800})

    def tab_to(self, selector: str) -> None:
        """Goes on by the Tab key until something has the focus, which must be seen."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("what => document.activeElement.matches(what)", selector):
                outline = self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", selector
                return
        raise AssertionError(f"the keyboard doesn't reach {selector}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=self.say(name), exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=self.say(name), exact=True).first.click()

    def downloaded(self, name: str) -> bytes:
        with self.page.expect_download() as expected:
            self.page.get_by_text(self.say(name), exact=True).click()
        return FilePath(expected.value.path()).read_bytes()


def take_the_quiz(page: Any, link: str, lang: str) -> None:
    """A learner opens the link of the class, answers each question somehow, and hands in."""
    say = translator(lang)
    page.goto(link)
    page.fill("#name", "김하늘")
    page.fill("#affiliation", "서울대학교")
    page.check("input[name=consent]")
    page.get_by_role("button", name=say("Start the quiz")).click()
    page.wait_for_url(re.compile(r"/1$"))
    for number in range(1, 6):
        if page.locator(".option").count():
            page.locator(".option").first.click()
        elif page.locator("#answer").count():
            page.fill("#answer", "-0.4")
        elif page.locator("#order button:not(:disabled)").count():
            page.locator("#order button:not(:disabled)").first.click()
        else:
            for select_box in page.locator("form.attempt select").all():
                select_box.select_option(index=1)
        page.locator("#saved[data-state=saved]").wait_for()
        page.locator(".steps button").last.click()
        page.wait_for_url(re.compile(r"/review$" if number == 5 else rf"/{number + 1}$"))
    page.get_by_role("button", name=say("Hand in")).click()
    page.wait_for_url(re.compile(r"/result$"))


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_whole_way(chromium: Any, studio: tuple[str, FastAPI], lang: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here").Axe()
    address, app = studio
    workspace = str(app.state.settings.workspace)
    made = CliRunner().invoke(
        cli, ["studio", "add-teacher", "이선생", "--workspace", workspace], input=f"{PASSWORD}\n{PASSWORD}\n"
    )
    assert made.exit_code == 0, made.output

    def opened() -> Any:
        context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "lang", "value": lang, "url": address}])
        return context.new_page()

    page = opened()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda one: said.append(one.text) if "Content Security" in one.text else None)
    way = Way(page, axe, lang)

    # Login and class by keyboard only.
    way.look("/teacher")
    way.tab_to("#name")
    page.keyboard.type("이선생")
    way.tab_to("#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/teacher$"))
    way.look()
    way.tab_to("#class-name")
    page.keyboard.type("월요일 반")
    way.tab_to("#class-questions")
    page.keyboard.press("Control+A")
    page.keyboard.type("5")
    way.tab_to("#class-retention_days")
    page.keyboard.type("30")
    way.tab_to("[name=release]")
    page.keyboard.press("ArrowDown")
    way.tab_to(".class-form > button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/teacher/classes/1$"))
    assert page.locator("[name=release][value=teacher]").is_checked()
    way.look()
    way.press("Release results now")
    page.get_by_role("button", name=way.say("Hold them back again")).wait_for()
    way.look()

    learner = opened()
    take_the_quiz(learner, page.input_value("#link"), lang)
    simulate(app, 1, 24)

    # Attempts, by affiliation and by words.
    way.follow("Attempts of learners")
    page.wait_for_url(re.compile("/attempts"))
    way.look()
    assert page.locator("tbody tr").count() == 25
    page.select_option("#affiliation", "KAIST")
    way.press("Show")
    page.wait_for_url(re.compile("affiliation=KAIST"))
    assert page.locator("tbody tr").count() == 12
    page.select_option("#affiliation", "")
    page.fill("#words", "하늘")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("words=%"))
    assert page.locator("tbody th").all_inner_texts() == ["김하늘"]
    for name, rows in (("Attempts as CSV", 1), ("Answers as CSV", 5)):
        content = way.downloaded(name)
        assert content.startswith(b"\xef\xbb\xbf")
        header, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        assert len(lines) == rows and all("김하늘" in line for line in lines)
        assert way.say("name") in header

    # One attempt, and a new code for its learner.
    page.get_by_role("link", name="김하늘").click()
    page.wait_for_url(re.compile(r"/attempts/1$"))
    way.look()
    assert page.locator(".graded-list > *").count() == 5
    way.press("Make a new code")
    # A locator's text is waited for.
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", page.locator(".new-code").inner_text())
    way.look()

    # Items: twenty-four had the same ten, one had five others.
    page.locator(".teacher-bar").get_by_role("link", name=way.say("Item analysis")).click()
    page.wait_for_url(re.compile("/items"))
    way.look()
    assert page.locator(".item-chart :is(circle, rect:not(.good-zone))").count() == 10
    assert page.get_by_text(way.say("too few attempts")).count() == len(
        {one.id for one in drawn_of(app, 1)} - set(list(app.state.bank.questions)[:20:2])
    )
    page.locator("table.items a").first.click()
    page.locator("details.item[open]").wait_for()

    # The bank for Moodle.
    page.locator(".teacher-bar").get_by_role("link", name=way.say("Question bank")).click()
    page.wait_for_url(re.compile("/bank"))
    way.look()
    assert len(ET.fromstring(way.downloaded("Download")).findall("question[@type='multichoice']")) > 10

    # The learner's data: handed out, then deleted after a page that asks.
    page.goto("/teacher/attempts/1")
    way.follow("The learner's data")
    page.wait_for_url(re.compile(r"/learners/1$"))
    way.look()
    assert "30" in page.locator(".facts").inner_text()
    kept = json.loads(way.downloaded("Download the learner's data (JSON)"))
    assert kept["learner"]["name"] == "김하늘" and len(kept["attempts"][0]["answers"]) == 5
    way.follow("Delete the learner's data")
    page.wait_for_url(re.compile(r"/delete$"))
    way.look()
    way.press("Delete for good")
    page.wait_for_url(re.compile(r"/teacher/attempts$"))
    assert page.get_by_role("link", name="김하늘").count() == 0
    with app.state.storage.reading() as session:
        assert not session.scalars(select(Learner).where(Learner.name == "김하늘")).all()
    learner.reload()
    assert learner.locator("h1").is_visible() and "/result" in learner.url and "김하늘" not in learner.content()

    way.look("/teacher/record")
    way.press("Log out")
    page.wait_for_url(re.compile(r"/teacher/login$"))
    page.goto("/teacher/attempts")
    assert "/teacher/login" in page.url
    page.context.close()
    learner.context.close()
    assert not said
