"""Each lesson in a real browser: sliders by keyboard, prediction, code, phone, axe-core, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

from ridgeway.studio.course.experiments.registry import IDS
from ridgeway.studio.topics import LESSONS
from studio.browsing import CHROMIUM

pytest.importorskip("playwright.sync_api", reason="no Playwright here (pip install playwright)")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)"),
    pytest.mark.xdist_group("course-browser"),
]

# What the figures show: pictures without the running numbers of their clips, and what says the same in words.
SHOWN = """() => [
  [...document.querySelectorAll(".lab .plot, .lab [data-codes], .lab [data-film]")].map((one) => one.innerHTML)
    .join("").replace(/chart-clip-\\d+/g, ""),
  [...document.querySelectorAll(".lab canvas")].map((one) => one.toDataURL()).join(""),
  [...document.querySelectorAll(".lab table, .lab [data-said]")].map((one) => one.innerHTML).join(""),
]"""
# A move of a slider until everything is drawn again, in milliseconds of the page's own clock.
MOVE = """([id, value]) => {
  const range = document.getElementById(id);
  range.value = value;
  const began = performance.now();
  range.dispatchEvent(new Event("input", { bubbles: true }));
  return performance.now() - began;
}"""
# Where another slider has to be for one to matter: with the default patience no min_delta changes the epoch.
WITH = {"c-delta": ("c-patience", "5")}
FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']"


def started(page: Any, name: str) -> None:
    page.goto(f"/course/{name}")
    page.wait_for_selector("[data-ready]")


@pytest.mark.parametrize(("lang", "scheme"), [("ko-KR", "light"), ("en-US", "dark")])
@pytest.mark.parametrize("name", IDS)
def test_a_lesson(
    opened: Callable[..., Any], name: str, lang: str, scheme: str, record_property: Callable[[str, object], None]
) -> None:
    page = opened(lang, scheme=scheme)
    started(page, name)
    sliders = page.eval_on_selector_all(".lab input[type=range]", "all => all.map(one => [one.id, Number(one.max)])")
    slowest = 0.0
    for slider, most in sliders:
        page.click("[data-reset]")
        if slider in WITH:
            page.evaluate(MOVE, WITH[slider])
        page.focus(f"#{slider}")
        page.keyboard.press("Home")
        *pictures, words = page.evaluate(SHOWN)
        page.keyboard.press("ArrowRight")
        assert page.input_value(f"#{slider}") == "1"
        page.keyboard.press("End")
        assert page.input_value(f"#{slider}") == str(most)
        *moved, said = page.evaluate(SHOWN)
        assert moved != pictures, f"{slider} leaves the pictures as they were"
        assert said != words, f"{slider} leaves the tables and sentences as they were"
        slowest = max(slowest, *(page.evaluate(MOVE, [slider, str(place)]) for place in (0, most // 2)))
    # Told and not asserted: it says as much about what else the machine does.
    record_property("slowest_move_ms", round(slowest, 1))
    print(f"{name}, {lang}: slowest move of a slider {slowest:.1f} ms")
    for radio in page.query_selector_all(".lab [data-control] input[type=radio]"):
        radio.check()
    lab = page.inner_text(".lab")
    assert "NaN" not in lab and "%(" not in lab and page.query_selector("[data-live][hidden]") is None
    assert "NaN" not in page.evaluate(SHOWN)[0]
    if name in LESSONS:
        _prediction_is_remembered(page)
        _code_is_copied(page)
    _axe_finds_nothing(page)
    page.set_viewport_size({"width": 360, "height": 780})
    page.wait_for_timeout(100)
    wide = page.evaluate(
        "[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > 361)"
        ".map((one) => one.outerHTML.slice(0, 90))"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, wide


def _prediction_is_remembered(page: Any) -> None:
    chosen = page.locator("[data-prediction] input").nth(1)
    chosen.focus()
    page.keyboard.press("Space")
    text = page.locator("[data-prediction] label").nth(1).inner_text()
    page.reload()
    page.wait_for_selector("[data-ready]")
    assert chosen.is_checked()
    assert page.locator(".my-prediction > span").inner_text() == text
    page.click(".reveal summary")
    assert page.locator(".response.mine dt").inner_text() == text


def _code_is_copied(page: Any) -> None:
    block = page.locator(".code-block").first
    before = block.locator("button").inner_text()
    block.locator("button").press("Enter")
    page.wait_for_function("before => document.querySelector('.code-block button').textContent !== before", arg=before)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == block.locator("pre").text_content() and "import keras" in copied


def _axe_finds_nothing(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here")
    # What is folded is looked at too.
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", ["dropout", "playground"])
def test_everything_is_reached_by_the_keyboard_and_seen(opened: Callable[..., Any], name: str) -> None:
    page = opened()
    started(page, name)
    # Of a group of radios Tab reaches one; arrows go on from there.
    wanted = page.evaluate(
        """focusable => {
          const all = [...document.querySelectorAll(focusable)].filter((one) => one.checkVisibility() && !one.disabled);
          all.forEach((one, place) => (one.dataset.stop = place));
          const alone = (one) => one.type !== "radio" || one.checked || !document.querySelector(
            `input[name="${one.name}"]:checked`) && one === document.querySelector(`input[name="${one.name}"]`);
          return all.filter(alone).map((one) => one.dataset.stop);
        }""",
        FOCUSABLE,
    )
    reached, unseen = [], []
    for _ in wanted:
        page.keyboard.press("Tab")
        stop, seen = page.evaluate(
            """() => {
              const one = document.activeElement;
              // The ring of a hidden radio or range may stand on what surrounds it.
              const ringed = [one, one.parentElement, one.nextElementSibling].some((near) => {
                const style = near && getComputedStyle(near);
                return style && (style.outlineStyle !== "none" || style.boxShadow !== "none");
              });
              return [one.dataset.stop ?? null, ringed];
            }"""
        )
        reached.append(stop)
        if not seen:
            unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
    assert reached == wanted
    assert unseen == []
