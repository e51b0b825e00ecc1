"""The report in a real browser: figures render, planted scripts do not run, tables sort."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath
from types import SimpleNamespace

import pytest

from ridgeway.report.page import render

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)")

Dump = Callable[..., str]


@pytest.fixture
def dump(tmp_path: FilePath) -> Dump:
    """Opens a page and returns its document as it stands once scripts have run."""

    def dumped(page: str, *, without_policy: bool = False, script: str = "") -> str:
        if without_policy:
            page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        file = tmp_path / "report.html"
        file.write_text(page.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
        command = [
            *(
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(
                f"--user-data-dir={tmp_path / 'profile'}",
                "--window-size=1280,4000",
                "--virtual-time-budget=8000",
            ),
            *("--dump-dom", file.as_uri()),
        ]
        return subprocess.run(command, capture_output=True, timeout=120, check=True, text=True).stdout

    return dumped


def test_all_figures_render_under_the_policy(synthetic: SimpleNamespace, dump: Dump) -> None:
    page = render(synthetic.cases["grid"](), "ko")
    seen = dump(page)
    places = re.findall(r'class="plot js-plotly-plot" id="plot-(\w+)"', seen)
    assert places == ["path", "curves", "weights", "parallel"]
    assert seen.count('class="main-svg"') >= 4
    assert seen.count('class="scatterlayer') >= 4 and "가중치 감쇠 (weight_decay)" in seen
    # Every heading sorts but the two of the table of layers.
    assert seen.count("<th scope") - 2 == seen.count('<button type="button">') > 10


def test_words_and_reliability_render(synthetic: SimpleNamespace, dump: Dump) -> None:
    seen = dump(render(synthetic.cases["words_and_numbers"](), "ko"))
    places = re.findall(r'class="plot js-plotly-plot" id="plot-(\w+)"', seen)
    assert places == ["path", "curves", "weights", "parallel", "reliability"]
    assert "정규화 위치 (normalization_position)" in seen and "확신도(예측한 클래스의 확률)" in seen
    assert seen.count('class="barlayer') and ">before</text>" in seen


@pytest.mark.parametrize("without_policy", [False, True], ids=["policy", "escaping alone"])
def test_planted_scripts_do_not_run(synthetic: SimpleNamespace, dump: Dump, without_policy: bool) -> None:
    evil = "<script>document.title='planted'</script><img src=x onerror=\"document.title='planted'\">"
    path = synthetic.make({f"{evil}.rate": [0.0, 0.5], "dropout": [0.0, 0.5]})
    path.record["model"]["name"] = evil
    path.record["callbacks"] = [evil, "</script><script>document.title='planted'</script>"]
    seen = dump(render(path, "en"), without_policy=without_policy)
    assert seen.count('class="main-svg"') >= 4
    title = re.search(r"<title>(.*?)</title>", seen, re.S)
    assert title and title[1].startswith("Regularization path: &lt;script&gt;")


def test_a_heading_sorts_its_table(synthetic: SimpleNamespace, dump: Dump) -> None:
    script = (
        "const t=document.querySelectorAll('table.sortable')[1];const b=t.querySelectorAll('th button');"
        "b[b.length-1].click();b[b.length-1].click();"
        "document.title=[...t.tBodies[0].rows].map(r=>r.cells[0].dataset.v).join()"
    )
    path = synthetic.cases["one_hyperparameter"]()
    seen = dump(render(path, "en"), without_policy=True, script=script)
    order = path.table().sort_values("seconds", ascending=False, kind="stable")["lane"]
    assert f"<title>{','.join(f'{lane}.0' for lane in order)}</title>" in seen
    assert 'aria-sort="descending"' in seen
