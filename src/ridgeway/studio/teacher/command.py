"""`ridgeway studio add-teacher`: an account, its password asked for at the terminal."""

from __future__ import annotations

import typer

from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import open_storage
from ridgeway.studio.teacher import accounts


def add_teacher(name: str, settings: Settings, replace: bool = False) -> None:
    """Asks twice for a password and makes the account.

    Args:
        name: what the teacher logs in with.
        settings: of the studio, for its database.
        replace: gives a teacher there is a new password, and ends their logins.

    Raises:
        InputError: the name is taken, or the password too short.
    """
    storage = open_storage(settings.database)
    try:
        password = typer.prompt(
            f"Password for {name} ({accounts.SHORTEST} characters at least)", hide_input=True, confirmation_prompt=True
        )
        accounts.add(storage, name, password, replace)
    finally:
        storage.close()
    done = "has a new password; log in again" if replace else "may log in"
    typer.echo(f"{name} {done} at /teacher of the studio.")


def any_teacher(settings: Settings) -> bool:
    """Whether the studio has a teacher's account."""
    storage = open_storage(settings.database)
    try:
        return accounts.any_account(storage)
    finally:
        storage.close()
