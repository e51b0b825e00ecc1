"""Curves of real runs, drawn and in a table."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from ridgeway.studio.quiz import load_bank
from ridgeway.studio.quiz.figures import draw_figure

BANK = load_bank()
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("name", sorted(BANK.figures))
def test_the_drawing(name: str, lang: str) -> None:
    data = BANK.figures[name]
    figure = draw_figure(data, lang)
    root = ET.fromstring(figure.svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    assert root.get("role") == "img" and root.get("aria-label")
    lines = root.findall(f".//{SVG}path[@class='curve']")
    assert len(lines) == len(data.series)
    for line, series in zip(lines, data.series, strict=True):
        points = [tuple(map(float, point.split())) for point in re.split("[ML]", line.get("d"))[1:]]
        assert len(points) == len(data.at)
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        # A larger value stands higher.
        order = sorted(range(len(points)), key=lambda row: series.values[row])
        heights = [points[row][1] for row in order]
        assert heights == sorted(heights, reverse=True)
    # Under a policy without unsafe-inline neither style attributes nor handlers work.
    for element in root.iter():
        assert not any(key == "style" or key.startswith("on") for key in element.attrib)
        assert element.tag in {f"{SVG}{one}" for one in ("svg", "g", "line", "text", "circle", "rect", "path")}
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert all(series.label.in_language(lang) in texts for series in data.series)


@pytest.mark.parametrize("name", sorted(BANK.figures))
def test_the_table_says_the_same(name: str) -> None:
    data = BANK.figures[name]
    figure = draw_figure(data, "ko")
    assert len(figure.table.rows) == len(data.at)
    for row, cells in enumerate(figure.table.rows):
        assert float(cells[0]) == pytest.approx(data.at[row])
        for series, cell in zip(data.series, cells[1:], strict=True):
            # What is read from the table is what answers are computed from.
            assert float(cell.replace("−", "-")) == series.values[row]
    table = ET.fromstring(figure.table_html)
    assert table.find("caption") is not None
    assert len(table.findall(".//tbody/tr")) == len(data.at)
    assert str(data.seed) in figure.caption


def test_each_says_how_it_was_made() -> None:
    for data in BANK.figures.values():
        assert data.made_by == f"benchmarks/quiz_curves.py {data.id}"
        assert {"data", "network", "optimizer"} <= set(data.settings)
        assert {"keras", "jax", "numpy"} <= set(data.versions)
