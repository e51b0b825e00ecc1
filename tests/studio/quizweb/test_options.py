"""The options of `ridgeway studio` that are the quiz's rules outside all classes."""

from pathlib import Path as FilePath
from typing import Any

import pytest
from typer.testing import CliRunner

from ridgeway.cli import app
from ridgeway.studio import serving


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ([], (3, None, 365)),
        (["--attempts", "1", "--minutes", "20", "--retention-days", "30"], (1, 20, 30)),
        (["--attempts", "0", "--minutes", "0", "--retention-days", "0"], (None, None, 0)),
    ],
)
def test_rules_of_the_quiz(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch, options: list[str], rules: tuple[Any, ...]
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(serving, "serve", lambda settings, browser: served.append(settings))
    done = CliRunner().invoke(app, ["studio", "--workspace", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    assert [(one.attempts, one.minutes, one.retention_days) for one in served] == [rules]
