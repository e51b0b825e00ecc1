"""A studio of its own for each test."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs ridgeway[studio]")

with warnings.catch_warnings():
    # Starlette would rather have a client that is not packaged widely yet.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

from ridgeway.studio.app import create_app
from ridgeway.studio.settings import Settings
from studio.browsing import launched


# Not of the session: while Playwright runs, no other test of the process may run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path / "workspace")


@pytest.fixture
def browser_of() -> Callable[..., TestClient]:
    """What opens a browser with cookies of its own: a context, so that the studio's tasks run."""

    def opened(settings: Settings, address: str = "127.0.0.1") -> TestClient:
        return TestClient(
            create_app(settings), "http://127.0.0.1:8000", follow_redirects=False, client=(address, 50_000)
        )

    return opened


@pytest.fixture
def client(settings: Settings, browser_of: Callable[..., TestClient]) -> Iterator[TestClient]:
    """A browser at this machine."""
    with browser_of(settings) as opened:
        yield opened


@pytest.fixture
def token(client: TestClient) -> Callable[[str], str]:
    """What reads the token of the first form on a page."""

    def read(path: str) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get(path).text)
        assert found, f"no form at {path}"
        return found.group(1)

    return read
