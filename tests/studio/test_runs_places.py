"""Names of runs lead into the workspace only."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import HTTPException

from ridgeway.studio.runs.places import folder_of, run_folder, run_folders
from ridgeway.studio.settings import Settings


def _run(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    return folder


def test_runs_are_found_by_their_path(settings: Settings) -> None:
    root = settings.workspace
    for name in ("b", "a", "deep/er/run", "deep/er/run/state", "too/deep/for/this", ".hidden", "가을"):
        _run(root / name)
    (root / "empty").mkdir()
    assert [name for name, _ in run_folders(settings)] == ["a", "b", "deep/er/run", "가을"]


@pytest.mark.parametrize(
    "name",
    ["..", "../other", "a/../../other", "", "/etc", "//etc", "a//b", ".", "./a", ".studio", ".studio/jobs", "a/.lock"]
    + ["a\\..\\b", "a\0b", "a/b/c/d", "x" * 501],
)
def test_names_that_lead_elsewhere(settings: Settings, name: str) -> None:
    with pytest.raises(HTTPException):
        folder_of(settings, name)


def test_links_lead_nowhere(settings: Settings, tmp_path: Path) -> None:
    outside = _run(tmp_path / "outside")
    (settings.workspace / "link").symlink_to(outside)
    with pytest.raises(HTTPException):
        run_folder(settings, "link")
    assert list(run_folders(settings)) == []


def test_a_workspace_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    settings = Settings(workspace=tmp_path / "link")
    run = _run(tmp_path / "real" / "a")
    assert run_folder(settings, "a").samefile(run)
