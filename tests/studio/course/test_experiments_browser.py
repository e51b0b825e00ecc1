"""The experiments in a real browser: sliders that answer at once, by keyboard, on a phone, for axe-core."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")


from ridgeway.studio.app import create_app
from ridgeway.studio.course.experiments.jobs import Jobs
from ridgeway.studio.course.experiments.registry import IDS
from ridgeway.studio.settings import Settings
from studio.browsing import CHROMIUM, launched, served
from studio.course.trivial_worker import trivial

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here (pip install playwright)")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)")

# The longest that a move of a slider takes until everything is drawn again, in milliseconds, in the page's own time.
LONGEST = 100.0
_MOVE = """([name, value]) => {
  const range = document.querySelector(`[data-control="${name}"] input[type="range"]`);
  range.value = value;
  const began = performance.now();
  range.dispatchEvent(new Event("input", { bubbles: true }));
  return performance.now() - began;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A server on a free port, and its application."""
    app = create_app(Settings(workspace=Path(tmp_path_factory.mktemp("studio")) / "workspace"))
    with served(app) as address:
        yield address, app


def opened(chromium: Any, server: tuple[str, Any], lang: str = "ko-KR", width: int = 1280) -> Any:
    """A page whose errors are collected in `said`."""
    context = chromium.new_context(locale=lang, base_url=server[0], viewport={"width": width, "height": 900})
    page = context.new_page()
    page.said = []
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("console", lambda one: page.said.append(one.text) if one.type == "error" else None)
    return page


@pytest.fixture
def page(chromium: Any, server: tuple[str, Any]) -> Iterator[Any]:
    made = opened(chromium, server)
    yield made
    made.context.close()
    assert made.said == []


def started(page: Any, name: str) -> None:
    page.goto(f"/course/{name}")
    page.wait_for_selector("[data-ready]")


@pytest.mark.parametrize("lang", ["ko-KR", "en-US"])
@pytest.mark.parametrize("name", IDS)
def test_every_slider_answers_at_once(chromium, server, name, lang):
    page = opened(chromium, server, lang)
    started(page, name)
    sliders = page.evaluate(
        "[...document.querySelectorAll('[data-control]')].filter(one => one.querySelector('input[type=range]'))"
        ".map(one => [one.dataset.control, Number(one.querySelector('input[type=range]').max)])"
    )
    assert sliders
    for control, most in sliders:
        places = (0, most, most // 2)
        # What else the machine does may disturb a move: the best of some is what the page can do.
        taken = [[page.evaluate(_MOVE, [control, str(place)]) for place in places] for _ in range(4)]
        assert max(map(min, zip(*taken, strict=True))) < LONGEST, (control, taken)
    for group in page.query_selector_all("[data-control]:has(input[type=radio])"):
        for radio in group.query_selector_all("input"):
            radio.check()
    assert page.query_selector("[data-live][hidden]") is None
    assert "NaN" not in page.inner_text(".lab")
    assert "%(" not in page.inner_text(".lab")
    assert page.evaluate("[...document.querySelectorAll('.chart path')].every(one => !/NaN/.test(one.outerHTML))")
    page.context.close()
    assert page.said == []


@pytest.mark.parametrize("name", IDS)
def test_phones(chromium, server, name):
    page = opened(chromium, server, width=360)
    started(page, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.context.close()
    assert page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", IDS)
def test_axe_finds_nothing(chromium, server, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here")
    page = opened(chromium, server)
    page.emulate_media(color_scheme=scheme)
    started(page, name)
    # What is folded is looked at too.
    page.evaluate("document.querySelectorAll('.lab details').forEach(one => one.open = true)")
    found = axe.Axe().run(page, context=".lab")
    page.context.close()
    assert found.violations_count == 0, found.generate_report()


def test_by_keyboard_with_the_state_in_the_address(page):
    started(page, "weight-decay")
    page.focus("#c-lambda")
    page.keyboard.press("ArrowRight")
    assert page.input_value("[data-control=lambda] input[type=number]") == "0.02"
    assert "λ = 0.02" in page.inner_text("[data-said]")
    assert page.evaluate("location.hash") == "#lab?lambda=5"
    # The box takes the nearest value that was trained.
    page.fill("[data-control=lambda] input[type=number]", "0.4")
    page.keyboard.press("Tab")
    assert page.input_value("[data-control=lambda] input[type=number]") == "0.5"
    page.check("[data-control=optimizer] input[value='2']")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("[data-ready]")
    assert page.input_value("#c-lambda") == "9"
    assert page.is_checked("[data-control=optimizer] input[value='2']")
    page.click("[data-reset]")
    assert page.input_value("#c-lambda") == "4"
    assert page.evaluate("location.hash") == ""


def test_early_stopping_follows_its_table(page):
    started(page, "early-stopping")
    for patience in range(16):
        page.evaluate(_MOVE, ["patience", str(patience)])
        said = page.inner_text("[data-said]")
        data = page.evaluate(
            "JSON.parse(document.querySelector('.lab script').textContent).result.data.sizes[2].stopped[0]"
        )
        assert str(data[patience]) in said


def test_categories_of_ones_own(page):
    started(page, "coding")
    page.fill("#c-names", "A, B, <b>C</b>, A")
    page.select_option("#c-reference", "1")
    rows = "[...document.querySelectorAll('[data-codes=dummy] tbody tr')]"
    cells = page.evaluate(f"{rows}.map(row => [...row.children].map(cell => cell.textContent))")
    assert cells == [["A", "1", "0"], ["B", "0", "0"], ["<b>C</b>", "0", "1"]]


def test_training_anew_really_trains(page):
    started(page, "coding")
    page.click(".anew summary")
    page.fill("[name=categories]", "3")
    page.fill("[name=seed]", "4")
    page.click(".training button")
    page.wait_for_selector("progress:visible")
    badge = page.locator("[data-badge]")
    playwright.expect(badge).to_contain_text(re.compile("시드 4 · [0-9,]+ ms"), timeout=100_000)
    assert "categories=3" in page.url and "seed=4" in page.url
    page.click("[data-reset]")
    assert page.inner_text("[data-badge]").startswith("시드 0")


def test_what_the_server_refuses_is_said(chromium, server):
    page = opened(chromium, server)
    started(page, "playground")
    page.select_option("#p-data", "csv")
    assert page.is_hidden("#p-noise") and page.is_visible("#p-csv")
    page.fill("#p-csv", "1,2,a\n" * 5)
    page.click(".playground-form button[type=submit]")
    page.wait_for_selector("[data-status].bad-text")
    assert "5행" in page.inner_text("[data-status]")
    page.context.close()


def test_a_training_that_fails_is_said(chromium, server):
    app = server[1]
    before = app.state.experiment_jobs
    app.state.experiment_jobs = Jobs(app.state.settings.own / "experiments", target=trivial)
    page = opened(chromium, server)
    started(page, "norms")
    page.click(".anew summary")
    page.fill("[name=seed]", "88")
    page.click(".training button")
    page.wait_for_selector("[data-status].bad-text", timeout=60_000)
    assert "실패" in page.inner_text("[data-status]")
    page.context.close()
    app.state.experiment_jobs.close()
    app.state.experiment_jobs = before


def test_the_film_strip(page):
    started(page, "playground")
    assert page.locator(".frame").count() == 8
    assert page.locator(".frame .tag:not(.se)").count() == 1
    page.locator(".frame").nth(1).click()
    assert page.input_value("#c-frame") == "1"
    assert page.locator(".frame").nth(1).get_attribute("aria-pressed") == "true"
