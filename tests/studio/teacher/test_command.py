"""`ridgeway studio add-teacher` at a terminal."""

from pathlib import Path as FilePath

import pytest
from typer.testing import CliRunner

from ridgeway.cli import app
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import open_storage
from ridgeway.studio.teacher import accounts
from ridgeway.studio.teacher.command import any_teacher

PASSWORD = "correct horse battery"


def run(database: str, workspace: FilePath, typed: str, name: str = "이선생") -> tuple[int, str]:
    arguments = ["studio", "add-teacher", name, "--workspace", str(workspace), "--database", database]
    done = CliRunner().invoke(app, arguments, input=typed)
    return done.exit_code, f"{done.output}{done.exception or ''}"


def test_an_account_and_a_new_password(database: str, tmp_path: FilePath) -> None:
    settings = Settings(workspace=tmp_path / "runs", database=database)
    assert not any_teacher(settings)
    code, said = run(database, settings.workspace, f"{PASSWORD}\n{PASSWORD}\n")
    assert code == 0 and "may log in at /teacher" in said and PASSWORD not in said
    assert any_teacher(settings)
    other = "another good password"
    assert run(database, settings.workspace, "n\n")[0] == 1
    code, said = run(database, settings.workspace, f"y\n{other}\n{other}\n")
    assert code == 0 and "new password" in said
    storage = open_storage(database)
    assert accounts.log_in(storage, "이선생", PASSWORD) is None
    assert accounts.log_in(storage, "이선생", other)
    storage.close()


@pytest.mark.parametrize(("name", "typed", "message"), [("x", "short\nshort\n", "choose one of 10"), ("\t", "", "")])
def test_what_is_refused(tmp_path: FilePath, name: str, typed: str, message: str) -> None:
    database = f"sqlite:///{tmp_path / 'studio.db'}"
    code, said = run(database, tmp_path / "runs", typed, name)
    assert code != 0 and message in said
