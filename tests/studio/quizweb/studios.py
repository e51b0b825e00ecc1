"""A studio with the small bank, on SQLite and PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import pytest
from fastapi import FastAPI

from ridgeway.studio.app import create_app
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import storage_of
from studio.quizweb.small_bank import small_bank


def studio_app(settings: Settings, folder: FilePath, **changes: Any) -> FastAPI:
    app = create_app(replace(settings, **changes))
    app.state.bank = small_bank(folder)
    storage_of(app)
    return app


@pytest.fixture
def settings(database: str, tmp_path: FilePath) -> Settings:
    return Settings(workspace=tmp_path / "workspace", database=database)


@pytest.fixture
def app(settings: Settings, tmp_path: FilePath) -> Iterator[FastAPI]:
    made = studio_app(settings, tmp_path / "bank")
    yield made
    made.state.storage.close()
