"""The door to the database: transactions that read, transactions that write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from ridgeway.errors import InputError
from ridgeway.studio.storage.engine import WRITES, make_engine
from ridgeway.studio.storage.migrate import upgrade


class Storage:
    """The studio's database.

    Attributes:
        engine: its connection pool.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._read = sessionmaker(engine, expire_on_commit=False)
        self._write = sessionmaker(engine.execution_options(**{WRITES: True}), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the data and changes nothing."""
        with self._read() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back whole by an error.

        On SQLite it is the only writer. On PostgreSQL whoever changes what another may change at the same time locks
        that row first (`with_for_update`).
        """
        with self._write.begin() as session:
            yield session

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def open_storage(url: str) -> Storage:
    """Opens the database, making or upgrading its tables.

    Args:
        url: `sqlite:///file` or `postgresql+psycopg://user:password@host/name`.

    Raises:
        InputError: the database can't be reached, or was made by a newer ridgeway.
    """
    engine = make_engine(url)
    try:
        upgrade(engine)
    except (OperationalError, DatabaseError) as error:
        engine.dispose()
        shown = engine.url.render_as_string(hide_password=True)
        reason = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"The database {shown} can't be opened: {reason}. Check its address and rights.") from error
    except BaseException:
        engine.dispose()
        raise
    return Storage(engine)
