"""What single experiments do in a real browser: state in the address, training anew, faults, the film strip."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")


from ridgeway.studio.course.experiments.jobs import Jobs
from studio.browsing import CHROMIUM
from studio.course.trivial_worker import trivial

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here (pip install playwright)")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)"),
    pytest.mark.xdist_group("course-browser"),
]

# Moves a slider as a pointer would.
_MOVE = """([name, value]) => {
  const range = document.querySelector(`[data-control="${name}"] input[type="range"]`);
  range.value = value;
  range.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def started(page: Any, name: str) -> None:
    page.goto(f"/course/{name}")
    page.wait_for_selector("[data-ready]")


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


def test_what_the_server_refuses_is_said(opened):
    page = opened()
    started(page, "playground")
    page.select_option("#p-data", "csv")
    assert page.is_hidden("#p-noise") and page.is_visible("#p-csv")
    page.fill("#p-csv", "1,2,a\n" * 5)
    page.click(".playground-form button[type=submit]")
    page.wait_for_selector("[data-status].bad-text")
    assert "5행" in page.inner_text("[data-status]")
    # The browser tells of the answer 422 itself.
    page.said.clear()


def test_a_training_that_fails_is_said(page, server):
    app = server[1]
    before = app.state.experiment_jobs
    app.state.experiment_jobs = Jobs(app.state.settings.own / "experiments", target=trivial)
    started(page, "norms")
    page.click(".anew summary")
    page.fill("[name=seed]", "88")
    page.click(".training button")
    page.wait_for_selector("[data-status].bad-text", timeout=60_000)
    assert "실패" in page.inner_text("[data-status]")
    page.said.clear()
    app.state.experiment_jobs.close()
    app.state.experiment_jobs = before


def test_the_film_strip(page):
    started(page, "playground")
    assert page.locator(".frame").count() == 8
    assert page.locator(".frame .tag:not(.se)").count() == 1
    page.locator(".frame").nth(1).click()
    assert page.input_value("#c-frame") == "1"
    assert page.locator(".frame").nth(1).get_attribute("aria-pressed") == "true"


def test_a_new_training_in_the_playground_shows_its_best_and_names_the_classes(page):
    started(page, "playground")
    page.locator(".frame").nth(1).click()
    page.select_option("#p-data", "csv")
    rows = "\n".join(f"{10 * (one % 3) + one % 7},{one % 5},{'가나다'[one % 3]}" for one in range(45))
    page.fill("#p-csv", rows)
    page.click(".playground-form button[type=submit]")
    playwright.expect(page.locator("[data-classes]")).to_contain_text("클래스 나", timeout=100_000)
    best = page.locator(".frame.best")
    assert best.get_attribute("aria-pressed") == "true"
    assert page.locator(".frame").nth(int(page.input_value("#c-frame"))).get_attribute("class") == "frame best"
    # What stands at the last strength is not cut off by the chart's edge.
    ends = page.eval_on_selector_all(
        "[data-figure=path] .mark-text",
        """texts => texts.map((one) =>
            one.closest("svg").getBoundingClientRect().right - one.getBoundingClientRect().right)""",
    )
    assert min(ends) >= 0
