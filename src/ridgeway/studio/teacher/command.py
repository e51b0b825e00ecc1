"""`ridgeway studio add-teacher`: an account, its password asked for at the terminal."""

from __future__ import annotations

import typer

from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import open_storage
from ridgeway.studio.teacher import accounts


def add_teacher(settings: Settings, name: str) -> None:
    """Asks twice for a password and makes the account, or gives a teacher there is a new password.

    Args:
        settings: of the studio, for its database.
        name: what the teacher logs in with.

    Raises:
        InputError: the name can't be used, or the password is too short.
        typer.Abort: the teacher is to keep the password.
    """
    storage = open_storage(settings.database)
    try:
        replace = accounts.exists_account(storage, name)
        if replace:
            typer.confirm(f"There is a teacher {name} already. Give them a new password?", abort=True)
        password = typer.prompt(
            f"Password for {name} ({accounts.SHORTEST} characters at least)", hide_input=True, confirmation_prompt=True
        )
        accounts.add(storage, name, password, replace)
    finally:
        storage.close()
    typer.echo(f"{name} may log in at /teacher" + (" again, by the new password." if replace else "."))


def any_teacher(settings: Settings) -> bool:
    """Whether the studio has a teacher's account."""
    storage = open_storage(settings.database)
    try:
        return accounts.any_account(storage)
    finally:
        storage.close()
