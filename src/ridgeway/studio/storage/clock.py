"""Time as the server sees it: UTC, in the database without a zone, in Python with one."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.types import TypeDecorator


def now() -> datetime.datetime:
    """This moment in UTC."""
    return datetime.datetime.now(datetime.UTC)


class UTCDateTime(TypeDecorator[datetime.datetime]):
    """A moment in UTC.

    SQLite knows no time zones and would hand back a moment without one; PostgreSQL would hand it back in the zone of
    the connection. Both store the bare UTC time here.
    """

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Any) -> datetime.datetime | None:
        """As it goes into the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; take the moment from ridgeway.studio.storage.now()")
        return value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime.datetime | None, dialect: Any) -> datetime.datetime | None:
        """As it comes back."""
        return None if value is None else value.replace(tzinfo=datetime.UTC)
