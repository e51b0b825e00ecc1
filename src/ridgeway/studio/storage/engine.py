"""A connection pool to SQLite or PostgreSQL, with what each needs to be safe when many write at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path as FilePath
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ridgeway.errors import InputError

#: Option of a connection whose transactions take SQLite's write lock when they begin.
WRITES = "ridgeway_writes"

# Seconds a writer waits for the one before it.
_PATIENCE = 15

# FastAPI answers up to 40 requests at once in threads.
_KEPT, _MORE = 10, 30


def make_engine(url: str) -> Engine:
    """An engine for a database URL.

    Args:
        url: `sqlite:///file` or `postgresql+psycopg://user:password@host/name`.

    Raises:
        InputError: for any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The URL may hold a password: it isn't repeated.
        raise InputError(
            "The database's address can't be read; write it as sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise InputError(f"The database {shown} would be forgotten at each end of the studio; name a file.")
        FilePath(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed, pool_size=_KEPT, max_overflow=_MORE, connect_args={"timeout": _PATIENCE, "check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        try:
            # Read committed and row locks: see `Storage.writing`.
            return create_engine(
                parsed, pool_size=_KEPT, max_overflow=_MORE, pool_pre_ping=True, connect_args={"connect_timeout": 10}
            )
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise InputError(
                f"The driver for {shown} is not installed ({error}); pip install 'psycopg[binary]'."
            ) from error
    raise InputError(
        f"The studio keeps its data in SQLite or PostgreSQL, not in {parsed.get_backend_name()} ({shown}); "
        "write the address as sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions begin where _begin_sqlite says, not where the driver guesses.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        # An answer acknowledged is on the disk, even when the power fails.
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_PATIENCE * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, however long the timeout, when another has written
    # between; one that will write takes the lock at its beginning and waits for it.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
