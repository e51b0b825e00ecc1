"""A run in a real browser: from the upload over the live page to the lane that one takes home."""

from __future__ import annotations

import json
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


def _append(folder: Path, *events: dict[str, Any]) -> None:
    with (folder / "events.jsonl").open("a") as opened:
        opened.write("".join(json.dumps({"time": 1.0, **event}) + "\n" for event in events))


def _epoch(lane: int, epoch: int, loss: float, outside: float | None) -> dict[str, Any]:
    logs = {"loss": loss, "val_loss": outside, "val_nll": outside}
    return {"event": "epoch", "lane": lane, "epoch": epoch, "logs": logs}


@pytest.fixture
def live(studio: tuple[str, Settings], page: Any) -> Iterator[Path]:
    """A run at work whose page is open: two lanes have begun, and none has done an epoch."""
    from ridgeway.locking import DirectoryLock
    from studio.test_runs_pages import _running

    address, settings = studio
    folder = _running(copied(settings.workspace / "busy"))
    (folder / "events.jsonl").unlink()
    _append(folder, {"event": "start", "lanes": 4, "epochs": 9, "executor": {"slots": 2}})
    for lane, decay in enumerate((0.0, 0.1)):
        values = {"weight_decay": decay, "dropout": 0.0}
        _append(folder, {"event": "begin", "lane": lane, "configuration": values, "repeat": 0, "fold": 0})
    with DirectoryLock(folder):
        page.goto(f"{address}/runs/run/busy")
        page.evaluate("window.stayed = true")
        yield folder
        assert page.evaluate("window.stayed"), "the page followed by loading itself anew"


def _pixel(page: Any, chart: str, left: float, top: float) -> list[int]:
    """What colour a chart has, at shares of its plot's width and height."""
    return list(
        page.evaluate(
            """([chart, left, top]) => {
                const parts = ["u-over", "u-wrap canvas"].map((name) => document.querySelector(`${chart} .${name}`));
                const [over, canvas] = parts;
                const [inner, outer] = [over.getBoundingClientRect(), canvas.getBoundingClientRect()];
                const at = [inner.x - outer.x + left * inner.width, inner.y - outer.y + top * inner.height];
                return [...canvas.getContext("2d").getImageData(...at.map((one) => one * devicePixelRatio), 1, 1).data];
            }""",
            [chart, left, top],
        )
    )


BELOW, ABOVE = [31, 95, 174, 255], [184, 74, 0, 255]


def test_gaps_of_a_finished_run(studio: tuple[str, Settings], page: Any) -> None:
    """The picture has a colour in each cell, says its extremes, and lights up what it points at everywhere."""
    address, settings = studio
    history = pd.read_parquet(copied(settings.workspace / "digits") / "history.parquet")
    gaps = (history["val_loss"] - history["loss"]).to_numpy().reshape(4, 2)
    page.goto(f"{address}/runs/run/digits")
    page.locator("[data-gaps] canvas").wait_for()
    # Lane 3 is the topmost of four, and its gap at the first epoch of two the largest in size, and negative.
    assert np.unravel_index(np.abs(gaps).argmax(), gaps.shape) == (3, 0) and gaps.min() < 0
    assert _pixel(page, "[data-gaps]", 0.25, 0.125) == BELOW
    assert _pixel(page, "[data-gaps]", 0.75, 0.125) not in (BELOW, ABOVE)
    summary = page.locator("[data-gaps-summary]").inner_text()
    assert f"Smallest gap: {gaps.min():.4g}, lane 3, epoch 1" in summary and f"Largest gap: {gaps.max():.4g}" in summary
    over = page.locator("[data-gaps] .u-over")
    over.scroll_into_view_if_needed()
    size = over.bounding_box()
    over.hover(position={"x": size["width"] * 0.75, "y": size["height"] * 0.625})
    reading = page.locator("[data-gaps-reading]")
    expect(reading).to_have_text(f"Lane 1 (weight_decay 0 · dropout 0.5), epoch 2: {gaps[1, 1]:.4g}")
    assert page.locator("table.lanes tr.is-hovered").get_attribute("data-lane") == "1"
    for told in page.locator("[data-chart-hover], [data-strength-reading]").all():
        assert told.inner_text().startswith("Lane 1")
    # By keyboard, and kept lit.
    page.get_by_role("button", name="Next lane up").press("Enter")
    page.get_by_role("button", name="One column back").press("Enter")
    expect(reading).to_have_text(f"Lane 2 (weight_decay 0.1 · dropout 0), epoch 1: {gaps[2, 0]:.4g}")
    keep = page.get_by_role("button", name="Keep lit")
    keep.press("Enter")
    expect(keep).to_have_attribute("aria-pressed", "true")
    page.locator("table.lanes tr[data-lane='0']").hover()
    expect(page.locator("table.lanes tr.is-hovered")).to_have_attribute("data-lane", "0")
    page.locator("h1").hover()
    expect(page.locator("table.lanes tr.is-hovered")).to_have_attribute("data-lane", "2")
    page.get_by_text("The picture in numbers").click()
    expect(page.locator("[data-gaps-rows] tr[data-lane='3'] td").nth(2)).to_have_text(f"{gaps.min():.4g}")


def test_gaps_follow_a_run(live: Path, page: Any) -> None:
    summary = page.locator("[data-gaps-summary]")
    expect(summary).to_have_text("No lane has a loss of training and of validation to compare yet.")
    _append(live, _epoch(0, 1, 1.0, 1.5), _epoch(1, 1, 1.0, 0.75))
    expect(summary).to_have_text("Largest gap: 0.5, lane 0, epoch 1. Smallest gap: -0.25, lane 1, epoch 1.")
    # Lane 0, the weaker one, stands at the bottom.
    assert _pixel(page, "[data-gaps]", 0.5, 0.75) == ABOVE
    _append(live, _epoch(0, 2, 1.0, 2.0), _epoch(1, 2, 1.0, None))
    expect(summary).to_contain_text("Largest gap: 1, lane 0, epoch 2.")
    assert _pixel(page, "[data-gaps]", 0.75, 0.75) == ABOVE and _pixel(page, "[data-gaps]", 0.25, 0.75) != ABOVE
    page.get_by_role("button", name="Keep the curve of lane 1 lit").click()
    expect(page.locator("[data-gaps-reading]")).to_have_text(
        "Lane 1 (weight_decay 0.1 · dropout 0), epoch 2: not finite"
    )


def test_a_live_page_is_accessible_and_fits_a_phone(live: Path, page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    _append(live, _epoch(0, 1, 1.0, 1.5), _epoch(1, 1, 1.0, 0.75))
    ended = {"event": "lane", "lane": 0, "stopped": "completed", "epochs": 1}
    _append(live, ended | {"weight_norm": 2.5, "zero_share": 0.5})
    page.locator("[data-plot=zero_share] canvas").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here").Axe()
    found = axe.run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def test_weights_of_a_finished_run(studio: tuple[str, Settings], page: Any) -> None:
    address, settings = studio
    folder = copied(settings.workspace / "digits")
    table = pd.read_parquet(folder / "lanes.parquet")
    table["zero_share"] = [0.0, 0.2, 0.4, 0.6]
    table.to_parquet(folder / "lanes.parquet")
    page.goto(f"{address}/runs/run/digits")
    for plot in ("weight_norm", "zero_share"):
        page.locator(f"[data-plot={plot}] canvas").wait_for()
    # The third of four points of the share, in its colour: of the second value, 0.4 of the axis's 0.648.
    assert _pixel(page, "[data-plot=zero_share]", 0.75, 1 - 0.4 / (0.6 * 1.08)) == [0, 114, 178, 255]
    section = page.locator("section:has([data-weights])")
    section.get_by_text("The lines in numbers").click()
    for name in ("weight_decay", "dropout"):
        section.get_by_label("Hyperparameter", exact=True).select_option(name)
        means = table.groupby(name)[["weight_norm", "zero_share"]].mean()
        cells = section.locator("[data-strength-rows] tr").all_inner_texts()
        assert [row.split() for row in cells] == [
            [f"{value:g}", "2", f"{norm:.4g}", f"{100 * zeros:.3g}%"] for value, norm, zeros in means.itertuples()
        ]
    page.locator("tr[data-lane='2'] input[name=lane]").focus()
    expect(section.locator("[data-strength-reading]")).to_contain_text(
        f"Norm of the weights {table['weight_norm'][2]:.4g}, Weights at zero 40%"
    )
    # The point under the mouse lights up its row.
    over = page.locator("[data-plot=zero_share] .u-over")
    over.scroll_into_view_if_needed()
    size = over.bounding_box()
    over.hover(position={"x": size["width"] * 0.75, "y": size["height"] * (1 - 0.6 / (0.6 * 1.08))})
    expect(page.locator("table.lanes tr.is-hovered")).to_have_attribute("data-lane", "3")


def test_weights_follow_a_run(live: Path, page: Any) -> None:
    """A lane's weights come as it ends; until then the panel says how many are missing."""
    section = page.locator("section:has([data-weights])")
    _append(live, _epoch(0, 1, 1.0, 1.5), _epoch(1, 1, 1.0, 0.75))
    partly = section.locator("[data-plot-partly=weight_norm]")
    expect(partly).to_contain_text("0 of 2 lanes are drawn so far")
    ended = {"event": "lane", "lane": 0, "stopped": "completed", "epochs": 1}
    _append(live, ended | {"weight_norm": 2.5, "zero_share": 0.0})
    section.locator("[data-plot=weight_norm] canvas").wait_for()
    expect(partly).to_contain_text("1 of 2 lanes are drawn so far")
    expect(section.locator("[data-plot-none=zero_share]")).to_be_visible()
    section.get_by_text("The lines in numbers").click()
    rows = section.locator("[data-strength-rows] tr")
    assert [row.split() for row in rows.all_inner_texts()] == [["0", "1", "2.5", "0%"], ["0.1", "0/1", "–", "–"]]
    _append(live, ended | {"lane": 1, "weight_norm": 1.5, "zero_share": 0.25})
    section.locator("[data-plot=zero_share] canvas").wait_for()
    expect(partly).to_be_empty()
    assert [row.split() for row in rows.all_inner_texts()] == [["0", "1", "2.5", "0%"], ["0.1", "1", "1.5", "25%"]]


def test_heads_of_the_list_turn_it_round(studio: tuple[str, Settings], page: Any) -> None:
    address, settings = studio
    for name in ("one", "two"):
        copied(settings.workspace / name)
    page.goto(f"{address}/runs")
    for order, names in (("ascending", ["one", "two"]), ("descending", ["two", "one"]), ("ascending", ["one", "two"])):
        page.get_by_role("link", name="Name").press("Enter")
        expect(page.locator(f"th[aria-sort={order}]")).to_have_text("Name")
        assert page.locator(".run-name").all_inner_texts() == names


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
