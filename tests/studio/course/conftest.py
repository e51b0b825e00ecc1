"""One server and one browser for all tests of the course that need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.browsing import served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """The address of a server, and its application."""
    from ridgeway.studio.app import create_app
    from ridgeway.studio.settings import Settings

    app = create_app(Settings(workspace=Path(tmp_path_factory.mktemp("studio")) / "workspace"))
    with served(app) as address:
        yield address, app


@pytest.fixture
def opened(chromium: Any, server: tuple[str, Any]) -> Iterator[Callable[..., Any]]:
    """What opens a page in a browser of its own; at the end no page may have complained."""
    pages: list[Any] = []

    def open_page(lang: str = "ko-KR", width: int = 1280, scheme: str = "light") -> Any:
        context = chromium.new_context(
            locale=lang,
            base_url=server[0],
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
        )
        page = context.new_page()
        page.said = []
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("console", lambda one: page.said.append(one.text) if one.type == "error" else None)
        pages.append(page)
        return page

    yield open_page
    said = [line for page in pages for line in page.said]
    for page in pages:
        page.context.close()
    assert said == []


@pytest.fixture
def page(opened: Callable[..., Any]) -> Any:
    return opened()
