"""schemathesis asks everything that the OpenAPI description offers: nothing fails, and answers are as described."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded

pytest.importorskip("schemathesis", reason="no schemathesis here")

import schemathesis
from fastapi.testclient import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ridgeway.studio import security
from ridgeway.studio.app import create_app
from ridgeway.studio.settings import LIMITS, Settings
from run_directories import copied

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Many requests of one client are what this is.
_MANY = {kind: (1_000_000, 1_000_000.0) for kind in LIMITS}


class _Local:
    """The application as a browser at this machine asks it, with the cookie and the token that its pages give."""

    def __init__(self, app: Any) -> None:
        self._app = app
        with TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 1)) as browser:
            browser.get("/")
            self._cookie = browser.cookies[security.COOKIE]
        self._token = security._signature(app.state.settings, self._cookie.rpartition(".")[0], "form")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            own = {
                b"host": b"127.0.0.1",
                b"cookie": f"{security.COOKIE}={self._cookie}".encode(),
                security.TOKEN_HEADER.encode(): self._token.encode(),
            }
            headers = [(name, value) for name, value in scope["headers"] if name not in own]
            scope = {**scope, "client": ("127.0.0.1", 1), "headers": [*headers, *own.items()]}
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = Settings(workspace=tmp_path_factory.mktemp("studio"), limits=_MANY, max_runs=0)
    copied(settings.workspace / "digits")
    return create_app(settings)


def test_every_operation(app: Any) -> None:
    wrong: dict[str, str] = {}
    count = 0
    for found in schemathesis.openapi.from_asgi("/openapi.json", _Local(app)).get_all_operations():
        operation = found.ok()
        count += 1

        @given(operation.as_strategy())
        @bounded(
            max_examples=12, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        def ask(case: Any) -> None:
            # Names that nobody knows lead nowhere: every other one is that of a run or a lesson.
            known = "digits" if case.path.startswith("/runs") else "dropout"
            if case.method == "GET" and len(str(case.path_parameters.get("name", "?"))) % 2 == 0:
                case.path_parameters["name"] = known
            case.validate_response(case.call(allow_redirects=False), checks=_CHECKS)

        try:
            ask()
        except (AssertionError, FailureGroup) as error:
            wrong[operation.label] = str(error)
    assert count > 20
    assert not wrong, "\n\n".join(f"{label}: {said}" for label, said in wrong.items())


def test_the_description_lists_the_routes(app: Any) -> None:
    described = app.openapi()["paths"]
    for path in ("/runs", "/runs/run/{name}", "/runs/lane/{name}", "/runs/new/upload", "/quiz", "/teacher", "/course"):
        assert path in described, path
