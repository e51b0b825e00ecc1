"""A studio with the small bank, on SQLite and PostgreSQL."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from ridgeway.studio.app import create_app
from ridgeway.studio.quiz import starting
from ridgeway.studio.quiz.draw import draw
from ridgeway.studio.settings import Settings
from ridgeway.studio.storage import storage_of
from studio.quizweb.small_bank import small_bank


@pytest.fixture(scope="session")
def good_seeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Seeds whose attempts have questions of every kind."""
    bank = small_bank(tmp_path_factory.mktemp("bank"))
    kinds = {one.kind for one in bank.questions.values()}
    return (seed for seed in itertools.count(2**62) if {one.kind for one in draw(bank, seed, 15)} == kinds)


@pytest.fixture(autouse=True)
def every_kind(good_seeds: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts draw questions of every kind; no two have the same seed."""
    taking = threading.Lock()

    def randbits(bits: int) -> int:
        with taking:
            return next(good_seeds)

    monkeypatch.setattr(starting, "secrets", SimpleNamespace(randbits=randbits))


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
