"""The frame of every page: languages, errors, static files, and what the server leaves unloaded."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ridgeway.errors import InputError
from ridgeway.studio import i18n, pages
from ridgeway.studio.settings import Settings


def test_home_is_korean_unless_english_is_wanted(client: TestClient) -> None:
    korean = client.get("/")
    assert korean.status_code == 200
    assert '<html lang="ko">' in korean.text and "정칙화" in korean.text
    english = client.get("/", headers={"accept-language": "fr;q=0.9, en-GB;q=0.8, ko;q=0.2"})
    assert '<html lang="en">' in english.text and "regularization" in english.text


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "ko"), ("de,fr", "ko"), ("en", "en"), ("en;q=0.3,ko;q=0.7", "ko"), ("en;q=0", "ko"), ("en;q=x, ,", "ko")],
)
def test_accepted_language(client: TestClient, header: str, language: str) -> None:
    assert f'<html lang="{language}">' in client.get("/", headers={"accept-language": header}).text


def test_chosen_language_is_remembered(client: TestClient) -> None:
    answer = client.get("/language/en?next=/runs%3Fq%3Dx")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?q=x")
    assert '<html lang="en">' in client.get("/", headers={"accept-language": "ko"}).text


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x=1"]
)
def test_the_switch_leads_nowhere_else(client: TestClient, there: str) -> None:
    answer = client.get("/language/en", params={"next": there})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("referer", "there"),
    [
        ("http://127.0.0.1:8000/quiz?class=x", "/quiz?class=x"),
        ("http://127.0.0.1:8000/runs/stop/x", "/"),
        ("", "/"),
        ("http://[", "/"),
    ],
)
def test_the_switch_after_a_refused_form_leads_to_its_page(client: TestClient, referer: str, there: str) -> None:
    """The address that a form is sent to may be no page at all."""
    page = client.post("/runs/stop/x", headers={"referer": referer}).text
    found = re.search(r'href="(/language/en[^"]*)"', page)
    assert found
    answer = client.get(html.unescape(found[1]))
    assert answer.headers["location"] == there
    assert client.get(there).status_code == 200


def test_an_error_of_the_library_is_quoted(client: TestClient) -> None:
    """What is not of the studio stands in English under words in the reader's language."""

    def fail() -> None:
        raise InputError("Unknown <b>word</b>.")

    client.app.add_api_route("/fails", fail)  # type: ignore[attr-defined]
    korean = client.get("/fails").text
    assert "라이브러리" in korean and '<p class="quoted" lang="en">Unknown &lt;b&gt;word&lt;/b&gt;.</p>' in korean
    told = client.get("/fails", headers={"accept": "application/json"}).json()
    assert told["quoted"] == "Unknown <b>word</b>." and "라이브러리" in told["detail"]


def test_no_third_language(client: TestClient) -> None:
    assert client.get("/language/xx").status_code == 404


@pytest.mark.parametrize(("lang", "said"), [("ko", "페이지를 찾을 수 없습니다"), ("en", "There is no such page")])
def test_an_error_is_a_page(client: TestClient, lang: str, said: str) -> None:
    answer = client.get("/nowhere", headers={"accept-language": lang})
    assert answer.status_code == 404
    assert said in answer.text and 'href="/"' in answer.text


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 413, 421, 422, 429, 500, 504])
@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_every_error_has_words(client: TestClient, settings: Settings, status: int, lang: str) -> None:
    from starlette.exceptions import HTTPException

    def fail() -> None:
        raise HTTPException(status)

    client.app.add_api_route("/fails", fail)  # type: ignore[attr-defined]
    answer = client.get("/fails", headers={"accept-language": lang})
    assert answer.status_code == status
    assert str(status) in answer.text
    assert ("오류" if lang == "ko" else "Error") in answer.text


def test_a_program_gets_its_error_as_json(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"accept": "application/json"})
    assert answer.json()["status"] == 404


def test_a_failure_is_a_page_and_tells_nothing(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("the secret of the house")

    client.app.add_api_route("/fails", fail)  # type: ignore[attr-defined]
    answer = client.get("/fails")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "/fails failed" in caplog.text


def test_static_files_are_kept_and_shared(client: TestClient) -> None:
    answer = client.get(pages.static("studio.css"))
    assert "max-age=31536000" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    assert "max-age=300" in client.get("/static/studio.js").headers["cache-control"]


def test_static_files_are_those_alone(client: TestClient) -> None:
    assert client.get("/static/../settings.py").status_code == 404
    assert client.get("/static/%2e%2e/settings.py").status_code == 404


def test_pages_are_not_kept(client: TestClient) -> None:
    assert client.get("/").headers["cache-control"] == "no-store"


def test_the_secret_stays_and_is_the_owners(tmp_path: Path) -> None:
    first, second = Settings(workspace=tmp_path), Settings(workspace=tmp_path)
    assert first.secret == second.secret and len(first.secret) == 64
    assert (tmp_path / ".studio" / "secret").stat().st_mode & 0o077 == 0
    assert first.secret not in repr(first)


def test_the_server_loads_no_keras(tmp_path: Path) -> None:
    """Neither when it starts nor when it shows runs: workers would each take its memory."""
    program = f"""
import sys
from pathlib import Path
from ridgeway.studio.app import create_app
from ridgeway.studio.settings import Settings
app = create_app(Settings(workspace=Path({str(tmp_path)!r})))
app.state.runs.runs.all()
import ridgeway.studio.runs.new, ridgeway.studio.runs.show
sys.exit(", ".join(name for name in ("jax", "keras", "sklearn") if name in sys.modules) or None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
