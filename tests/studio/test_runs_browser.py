"""A run in a real browser: from the upload over the live page to the lane that one takes home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("playwright", reason="the browser is driven by Playwright: pip install playwright")

from playwright.sync_api import expect

from ridgeway.studio.app import create_app
from ridgeway.studio.settings import Settings
from run_directories import copied
from studio.browsing import CHROMIUM, served

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[tuple[str, Settings]]:
    settings = Settings(workspace=tmp_path / "workspace")
    with served(create_app(settings)) as address:
        yield address, settings


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(locale="en-GB", accept_downloads=True)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    # What the policy of contents refuses is told there.
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    assert not errors


def _table(file: Path) -> Path:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 120))
    pd.DataFrame({"a": a, "b": b, "label": np.where(a + b > 0, "up", "down")}).to_csv(file, index=False)
    return file


def test_a_run_from_its_upload_to_its_download(studio: tuple[str, Settings], page: Any, tmp_path: Path) -> None:
    address, _ = studio
    page.goto(f"{address}/runs")
    page.get_by_role("link", name="New run").first.click()
    page.get_by_label("File").set_input_files(_table(tmp_path / "ups and downs.csv"))
    page.get_by_role("button", name="Send and go on").click()
    page.get_by_label("Name of the run").fill("first")
    page.get_by_label("Column to predict").select_option("label")
    page.locator("input[name=vary_dropout]").uncheck()
    page.locator("input[name=values_weight_decay]").fill("0,0.1")
    page.get_by_label("Most epochs").fill("3")
    page.get_by_label("Repeats").fill("2")
    assert page.locator("[data-lanes]").inner_text() == "4 lanes"
    page.get_by_role("button", name="Start training").click()

    # The live page fills by itself, and becomes the page of a finished run.
    page.wait_for_url(f"{address}/runs/run/first")
    page.wait_for_selector("[data-live-board] tr[data-lane], tr[data-lane] input[name=lane]", timeout=180_000)
    page.get_by_role("heading", name="The best configuration").wait_for(timeout=180_000)
    assert page.locator("tbody tr[data-lane]").count() == 4

    # The filter changes the table and the curves, and the address, without another page.
    page.evaluate("window.stayed = true")
    page.locator("#h_weight_decay").select_option("0.1")
    expect(page.locator("tbody tr[data-lane]")).to_have_count(2)
    assert "h_weight_decay=0.1" in page.url and page.evaluate("window.stayed")
    page.locator("#lanes-view canvas").first.wait_for()
    page.locator("#h_weight_decay").select_option("")
    expect(page.locator("tbody tr[data-lane]")).to_have_count(4)
    page.get_by_role("link", name="Lane", exact=True).click()
    expect(page.locator("th[aria-sort]")).to_have_text("Lane")

    for lane in (0, 3):
        page.get_by_label(f"Compare lane {lane}", exact=True).check()
    page.get_by_role("button", name="Compare the ticked lanes").click()
    page.locator("canvas").wait_for()
    page.get_by_text("Lane 3", exact=True).click()
    assert "model.compile(" in page.locator("details[open] code").inner_text()
    page.get_by_role("link", name="Back to the run").click()

    page.get_by_role("link", name="Report").click()
    page.frame_locator("iframe").locator("h1").first.wait_for()
    page.go_back()
    with page.expect_download(timeout=180_000) as coming:
        page.locator("tr[data-lane='1'] a[download]").click()
    file = tmp_path / coming.value.suggested_filename
    coming.value.save_as(file)
    assert file.name == "first-lane-1.keras"
    import keras

    model = keras.models.load_model(file)
    assert np.isfinite(np.asarray(model(np.zeros((1, *model.input_shape[1:]), np.float32)))).all()


def test_curves_by_keyboard(studio: tuple[str, Settings], page: Any) -> None:
    """Enlarging, moving, smoothing and lighting up need no dragging."""
    address, settings = studio
    copied(settings.workspace / "digits")
    page.goto(f"{address}/runs/run/digits")
    page.locator("[data-chart] canvas").wait_for()
    page.locator("[data-strength] canvas").wait_for()
    for name in ("Enlarge", "Later epochs", "Earlier epochs", "Show more", "Whole curve"):
        page.get_by_role("button", name=name).press("Enter")
    page.get_by_label("Smoothing").press("End")
    page.locator("tr[data-lane='2'] input[name=lane]").focus()
    page.wait_for_selector("tr[data-lane='2'].is-hovered")
    assert page.locator("[data-chart-hover]").inner_text().startswith("Lane 2")


def test_runs_are_compared(studio: tuple[str, Settings], page: Any) -> None:
    address, settings = studio
    for name in ("one", "two"):
        copied(settings.workspace / name)
    page.goto(f"{address}/runs")
    for name in ("one", "two"):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("button", name="Compare the ticked runs").click()
    page.locator("canvas").wait_for()
    assert page.get_by_role("columnheader", name="two").is_visible()


def test_the_list_follows_what_trains(studio: tuple[str, Settings], page: Any) -> None:
    """What is ticked and focused stays as it was while the list loads itself again."""
    from ridgeway.locking import DirectoryLock
    from studio.test_runs_pages import _running

    address, settings = studio
    copied(settings.workspace / "done")
    folder = _running(copied(settings.workspace / "busy"))
    with DirectoryLock(folder):
        page.goto(f"{address}/runs")
        page.get_by_label("Compare done").check()
        page.get_by_role("link", name="done").focus()
        copied(settings.workspace / "later")
        page.get_by_role("link", name="later").wait_for(timeout=10_000)
        assert page.get_by_label("Compare done").is_checked()
        assert page.evaluate("document.activeElement.id") == "run-done"


@pytest.mark.parametrize(
    "path", ["/runs", "/runs/run/one", "/runs/compare/one?lane=0&lane=1", "/runs/side-by-side?run=one&run=two"]
)
def test_pages_are_accessible_and_fit_a_phone(studio: tuple[str, Settings], page: Any, path: str) -> None:
    address, settings = studio
    for name in ("one", "two"):
        copied(settings.workspace / name)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{address}{path}")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here").Axe()
    found = axe.run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]
