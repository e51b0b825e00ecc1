"""The quiz in a real browser: by keyboard only, with the network gone, without a script, on a phone, for axe-core."""

import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
from sqlalchemy import select

from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import Answer, Attempt, Classroom
from studio.browsing import CHROMIUM, served
from studio.quizweb.people import drawn_of
from studio.quizweb.small_bank import SECRET
from studio.quizweb.studios import studio_app

pytest.importorskip("playwright.sync_api", reason="no Playwright here (pip install playwright)")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)")


@pytest.fixture
def server(tmp_path: FilePath) -> Iterator[tuple[str, Any]]:
    """A server on a free port, and its application."""
    app = studio_app(Settings(workspace=tmp_path / "workspace"), tmp_path / "bank")
    with served(app) as address:
        yield address, app


@pytest.fixture
def page(chromium: Any, server: tuple[str, Any]) -> Iterator[Any]:
    """A page of a Korean browser; what it says on its console, but for lost connections, fails the test."""
    context = chromium.new_context(locale="ko-KR", base_url=server[0], viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda one: said.append(one.text) if "Content Security" in one.text else None)
    yield opened
    context.close()
    assert not said


def begin(page: Any, name: str = "김하늘", code: str = "") -> str:
    page.goto(f"/quiz?code={code}" if code else "/quiz")
    page.fill("#name", name)
    page.fill("#affiliation", "서울대학교")
    page.check("input[name=consent]")
    page.get_by_role("button", name="퀴즈 시작하기").click()
    page.wait_for_url(re.compile(r"/quiz/\d+/1$"))
    return page.url.rsplit("/", 1)[0]


def number_of(app: Any, kind: str) -> int:
    return next(n for n, one in enumerate(drawn_of(app, 1), 1) if one.kind == kind)


def saved(page: Any, state: str = "saved") -> None:
    page.locator(f"#saved[data-state={state}]").wait_for(timeout=10_000)


def test_by_keyboard_only(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    page.goto("/quiz")
    page.locator("#name").focus()
    page.keyboard.type("김하늘")
    page.keyboard.press("Tab")
    page.keyboard.type("서울대학교")
    while page.evaluate("document.activeElement.name") != "consent":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/quiz/1/1$"))
    for number, question in enumerate(drawn_of(app, 1), 1):
        if question.kind in ("single", "several"):
            page.keyboard.press("2")
            assert page.locator(".option :checked").count() == 0, "a key by itself does nothing outside the options"
            page.locator(".option input").first.focus()
            page.keyboard.press("2")
        elif question.kind == "number":
            page.locator("#answer").focus()
            page.keyboard.type("12")
        elif question.kind == "order":
            page.locator("#order button:not(:disabled)").first.focus()
            page.keyboard.press("Enter")
            saved(page)
            assert page.evaluate("document.activeElement.name") == "move", "the focus stays with what was moved"
            page.evaluate("document.activeElement.blur()")
        else:
            for place in range(page.locator("form.attempt select").count()):
                page.locator("form.attempt select").nth(place).focus()
                page.keyboard.press("ArrowDown")
        saved(page)
        page.keyboard.press("Enter") if question.kind not in ("match", "code") else page.locator(
            ".steps button"
        ).last.press("Enter")
        page.wait_for_url(re.compile(r"/review$" if number == 15 else rf"/{number + 1}$"))
    assert page.locator(".review-state .badge.good").count() == 15
    page.get_by_role("button", name="제출하기").press("Enter")
    page.wait_for_url(re.compile(r"/result$"))
    assert SECRET in page.content()


def test_the_network_is_gone(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    place = begin(page)
    number = number_of(app, "single")
    page.goto(f"{place}/{number}")
    page.route("**/quiz/1/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.locator(".option").first.click()
    page.locator("#save-failed:not([hidden])").wait_for()
    saved(page, "unsaved")
    assert "저장되지 않았습니다" in page.locator("#save-failed").inner_text()
    page.get_by_role("button", name="다음 문제").last.click()
    page.wait_for_timeout(300)
    assert page.url.endswith(f"/{number}"), "nobody leaves what is not saved without knowing"
    page.unroute("**/quiz/1/*")
    page.get_by_role("button", name="지금 저장하기").click()
    saved(page)
    assert page.locator("#save-failed").is_hidden()
    page.reload()
    assert page.locator(".option input").first.is_checked()


def test_it_is_sent_again_by_itself(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    place = begin(page)
    page.goto(f"{place}/{number_of(app, 'number')}")
    page.route("**/quiz/1/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.fill("#answer", "12")
    page.locator("#save-failed:not([hidden])").wait_for()
    page.unroute("**/quiz/1/*")
    saved(page)
    page.fill("#answer", "zwölf")
    page.locator("#answer-error:not([hidden])").wait_for()
    assert "숫자로 읽을 수 없습니다" in page.locator("#answer-error").inner_text()
    page.fill("#answer", "1/8")
    saved(page)
    assert page.locator("#answer-error").is_hidden()
    with app.state.storage.reading() as session:
        assert [one.value for one in session.scalars(select(Answer))] == ["1/8"]


def test_the_last_of_quick_answers_counts(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    place = begin(page)
    page.goto(f"{place}/{number_of(app, 'single')}")
    page.locator(".option input").first.focus()
    for key in "1231321":
        page.keyboard.press(key)
    page.locator(".place").last.click()
    page.wait_for_url(re.compile(r"/15$"))
    page.goto(f"{place}/{number_of(app, 'single')}")
    assert page.locator(".option input").first.is_checked()
    page.locator("#flag").click()
    page.locator("#flag[aria-pressed=true]").wait_for()
    assert page.locator(".place[aria-current]").get_attribute("data-flagged") == "yes"


def test_a_page_out_of_date_shows_what_came_meanwhile(page: Any, chromium: Any, server: tuple[str, Any]) -> None:
    address, app = server
    place = begin(page)
    number = number_of(app, "single")
    page.goto(f"{place}/{number}")
    code = page.locator(".elsewhere code").text_content()
    phone = chromium.new_context(locale="ko-KR", base_url=address).new_page()
    phone.goto("/quiz")
    phone.fill("#resume_code", code)
    phone.get_by_role("button", name="이어서 풀기").click()
    phone.goto(f"{place}/{number}")
    phone.locator(".option").nth(1).click()
    saved(phone)
    page.locator(".steps button").last.click()
    page.wait_for_url(re.compile(rf"/({number + 1}|review)$"))
    page.goto(f"{place}/{number}")
    phone.locator(".option").nth(2).click()
    saved(phone)
    page.locator(".option").first.click()
    # The address changes before the page is loaded anew.
    page.get_by_text("그 답이 저장되어").wait_for()
    assert page.locator(".option input").nth(2).is_checked() and "changed=" in page.url
    page.locator(".option").first.click()
    saved(page)
    with app.state.storage.reading() as session:
        assert [one.value for one in session.scalars(select(Answer))] == [
            page.locator(".option input").first.get_attribute("value")
        ]
    phone.context.close()


def test_a_request_that_was_given_up_comes_late(page: Any, server: tuple[str, Any]) -> None:
    """The first is held on the way until the second was answered."""
    _, app = server
    place = begin(page)
    number = number_of(app, "single")
    page.goto(f"{place}/{number}")
    late: list[Any] = []

    def first_one_waits(route: Any) -> None:
        if route.request.method == "POST" and not late:
            late.append(route.request)
            route.abort()
        else:
            route.continue_()

    page.route(f"**/quiz/1/{number}", first_one_waits)
    page.locator(".option").first.click()
    page.locator("#save-failed:not([hidden])").wait_for()
    page.locator(".option").nth(1).click()
    saved(page)
    sent = page.request.post(late[0].url, headers={**late[0].headers}, data=late[0].post_data)
    assert sent.status == 409
    page.reload()
    assert page.locator(".option input").nth(1).is_checked()


def test_what_was_moved_is_said(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    place = begin(page)
    page.goto(f"{place}/{number_of(app, 'order')}")
    name = page.locator("#order .order-text").first.inner_text()
    page.locator("#order li").first.locator("button").last.click()
    assert page.locator(".moved").inner_text() == f"{name}: 이제 4개 중 2번째"
    assert page.locator(".moved").get_attribute("role") == "status"


def test_the_clock_follows_the_server(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    with app.state.storage.writing() as session:
        session.add(Classroom(name="반", code="ABC234", attempts=1, minutes=10, questions=15))
    place = begin(page, code="ABC234")
    page.goto(f"{place}/{number_of(app, 'single')}")
    with app.state.storage.writing() as session:
        session.get_one(Attempt, 1).extra_minutes = 30
    page.locator(".option").first.click()
    saved(page)
    page.locator("#clock", has_text=re.compile(": 39:")).wait_for()


def test_all_questions_on_one_page(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    begin(page)
    page.get_by_role("button", name="한 화면에 모두 보기").click()
    page.wait_for_url(re.compile(r"/all$"))
    one, other = number_of(app, "single"), number_of(app, "number")
    page.locator(f"#question-{one} .option").first.click()
    page.locator(f"#saved-{one}[data-state=saved]").wait_for()
    page.fill(f"#answer-{other}", "12")
    page.keyboard.press("Enter")
    page.locator(f"#saved-{other}[data-state=saved]").wait_for()
    assert page.url.endswith("/all") and page.locator("#answered").inner_text() == "15문제 중 2문제 답함"
    page.locator(f"#flag-{one}").click()
    page.locator(f"#flag-{one}[aria-pressed=true]").wait_for()
    page.reload()
    assert page.input_value(f"#answer-{other}") == "12"


def test_time_runs_out(page: Any, server: tuple[str, Any]) -> None:
    _, app = server
    with app.state.storage.writing() as session:
        session.add(Classroom(name="반", code="ABC234", attempts=1, minutes=1, questions=5))
    begin(page, code="ABC234")
    assert re.search(r"남은 시간: [01]:\d\d", page.locator("#clock").inner_text())
    with app.state.storage.writing() as session:
        one = session.get_one(Attempt, 1)
        one.started_at = one.started_at.replace(year=one.started_at.year - 1)
    page.reload()
    page.wait_for_url(re.compile(r"/result$"))
    assert "제한 시간이 끝나" in page.content()


def test_without_a_script(chromium: Any, server: tuple[str, Any]) -> None:
    address, app = server
    context = chromium.new_context(locale="ko-KR", base_url=address, java_script_enabled=False)
    page = context.new_page()
    place = begin(page)
    number = number_of(app, "single")
    page.goto(f"{place}/{number}")
    page.locator(".option").nth(1).click()
    page.locator(".steps button").last.click()
    page.goto(f"{place}/{number}")
    assert page.locator(".option input").nth(1).is_checked()
    assert page.locator("#saved").inner_text() == "저장됨"
    page.goto(f"{place}/{number_of(app, 'order')}")
    second = page.locator("#order .order-text").nth(1).inner_text()
    page.locator("#order li").nth(1).locator("button").first.click()
    assert page.locator("#order .order-text").first.inner_text() == second
    number = number_of(app, "number")
    page.goto(f"{place}/{number}")
    page.fill("#answer", "12")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/({number + 1}|review)$"))
    page.goto(f"{place}/review")
    page.get_by_role("button", name="제출하기").click()
    assert SECRET in page.content()
    context.close()


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_page_for_axe_and_on_a_phone(page: Any, server: tuple[str, Any], lang: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here").Axe()
    address, app = server
    page.context.add_cookies([{"name": "lang", "value": "ko", "url": address}])

    def look(path: str) -> None:
        page.goto(path)
        found = axe.run(page).response["violations"]
        assert not found, (path, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found])
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        page.set_viewport_size({"width": 1280, "height": 800})

    place = begin(page, "가" * 80).removeprefix(address)
    page.context.add_cookies([{"name": "lang", "value": lang, "url": address}])
    look("/quiz")
    for kind in ("single", "several", "number", "order", "match", "code"):
        look(f"{place}/{number_of(app, kind)}")
    look(f"{place}/all")
    look(f"{place}/review")
    page.locator("form button").last.click()
    page.wait_for_url(re.compile(r"/result$"))
    for path in ("result", "certificate"):
        look(f"{place}/{path}")
    look("/quiz")
