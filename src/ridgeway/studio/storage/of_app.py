"""The one database of an application."""

from __future__ import annotations

import threading

from fastapi import FastAPI

from ridgeway.studio.storage.store import Storage, open_storage

_opening = threading.Lock()


def storage_of(app: FastAPI) -> Storage:
    """The application's database, opened at the first call; the server calls it when it starts."""
    with _opening:
        found: Storage | None = getattr(app.state, "storage", None)
        if found is None:
            found = app.state.storage = open_storage(app.state.settings.database)
        return found
