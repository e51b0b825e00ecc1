"""Everything that the two READMEs show runs."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ridgeway.cli import app

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.ko.md"]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def without_comments(code: str) -> str:
    return re.sub(r"\s*#.*", "", code)


def test_both_show_the_same_code() -> None:
    english, korean = (
        [re.sub(r', lang="ko"', "", without_comments(code)) for code in blocks(n, "python")] for n in READMES
    )
    assert english == korean and len(english) >= 4


def test_python(tmp_path: Path) -> None:
    # Those of the other language are the same, but for that of its reports.
    code = "\n".join(blocks("README.ko.md", "python"))
    (tmp_path / "readme.py").write_text(code, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "readme.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Warning" not in done.stderr, done.stderr[-3000:]
    assert "weight_decay" in done.stdout
    for file in ("report.html", "best.keras", "best_model.keras", "runs/digits/run.json", "runs/stopping/run.json"):
        assert (tmp_path / file).exists(), file


def commands(name: str) -> list[list[str]]:
    lines = "\n".join(blocks(name, "sh")).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("ridgeway ")]


@pytest.mark.parametrize("name", READMES)
def test_commands(name: str) -> None:
    shown = commands(name)
    assert {words[1] for words in shown} == {"fit", "predict", "report", "resume", "doctor", "demo"}
    group = typer.main.get_command(app)
    for words in shown:
        command = group.commands[words[1]]  # type: ignore[attr-defined]
        # Parses the line as it stands, and runs nothing.
        context = command.make_context(words[1], words[2:])
        assert context.params
    assert commands("README.md") == commands("README.ko.md")


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert local and [target for target in local if not (ROOT / target).exists()] == []
