"""Brings a database's tables to the form this version needs, at each start."""

from __future__ import annotations

from pathlib import Path as FilePath

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from ridgeway.errors import InputError
from ridgeway.studio.storage.engine import WRITES

FOLDER = FilePath(__file__).parent / "migrations"

# Any number, the same in each process: who holds it migrates, the others wait.
_LOCK = 7_146_002_917


def configuration(connection: Connection) -> Config:
    """Alembic's settings for a connection that is already in a transaction."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrades to a revision, in one transaction: all of it or nothing.

    Raises:
        InputError: the database was made by a newer ridgeway.
    """
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        try:
            command.upgrade(configuration(connection), revision)
        except CommandError as error:
            shown = engine.url.render_as_string(hide_password=True)
            raise InputError(
                f"The database {shown} is of another version than this ridgeway ({error}); "
                "install the ridgeway that made it, or a newer one."
            ) from error
