"""A list of attacks on the frame and on runs; each fails."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from ridgeway.errors import InputError
from ridgeway.studio import security, serving
from ridgeway.studio.app import create_app
from ridgeway.studio.pages import STATIC
from ridgeway.studio.security import Buckets
from ridgeway.studio.settings import Settings

TEMPLATES = STATIC.parent / "templates"
Token = Callable[[str], str]
Browsers = Callable[..., TestClient]


def _cookie(answer: object) -> str:
    return answer.headers["set-cookie"]  # type: ignore[attr-defined]


def test_the_browsers_cookie(client: TestClient) -> None:
    set_cookie = _cookie(client.get("/"))
    assert set_cookie.startswith("studio=")
    assert "HttpOnly" in set_cookie and "SameSite=lax" in set_cookie and "Secure" not in set_cookie
    assert "set-cookie" not in client.get("/").headers


def test_cookies_are_secure_behind_tls(settings: Settings) -> None:
    with TestClient(create_app(settings), "https://127.0.0.1", client=("127.0.0.1", 1)) as browser:
        answer = browser.get("/")
        assert "Secure" in _cookie(answer)
        assert "max-age" in answer.headers["strict-transport-security"]
        assert "Secure" in _cookie(browser.get("/language/en", follow_redirects=False))


def test_a_forged_cookie_is_another_browser(client: TestClient, token: Token) -> None:
    mine = token("/runs/new")
    client.cookies.clear()
    client.cookies.set("studio", "chosen-by-a-stranger." + "0" * 64)
    answer = client.get("/runs/new")
    assert "studio=" in _cookie(answer)
    assert mine not in answer.text


def test_headers(client: TestClient) -> None:
    for path in ("/", "/nowhere", "/runs", "/static/studio.css"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


def _markup() -> Iterator[tuple[Path, str]]:
    for file in TEMPLATES.glob("**/*.html"):
        yield file, file.read_text(encoding="utf-8")


def test_templates_keep_to_the_policy() -> None:
    for file, text in _markup():
        assert not re.search(r"<script(?![^>]*(\bsrc=|application/json))", text), file
        assert not re.search(r"\sstyle\s*=", text), file
        assert not re.search(r"\son[a-z]+\s*=", text), file
        assert "<style" not in text, file
        assert "javascript:" not in text, file
        assert not re.search(r"(src|href)=[\"']https?://", text), file


def test_templates_escape_everything() -> None:
    for file, text in _markup():
        assert "|safe" not in text and "| safe" not in text and "autoescape false" not in text, file


def test_every_form_has_a_token() -> None:
    for file, text in _markup():
        for form in re.findall(r"<form[^>]*method=[\"']post[\"'].*?</form>", text, re.S | re.I):
            assert "csrf_field()" in form, f"{file}: {form[:80]}"


def test_scripts_take_nothing_from_elsewhere() -> None:
    for file in STATIC.glob("**/*.js"):
        if "vendor" not in file.parts:
            # SVG is named by an address that nobody visits.
            text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), (
                file
            )


@pytest.mark.parametrize(
    "path", ["/runs/new/upload", "/runs/new/0123456789abcdef", "/runs/stop/x", "/runs/resume/x", "/runs/delete/x"]
)
def test_a_form_without_its_token_is_refused(client: TestClient, path: str) -> None:
    client.get("/")
    assert client.post(path).status_code == 403
    assert client.post(path, data={"csrf": "0" * 64}).status_code == 403
    assert client.post(path, data={"csrf": "é"}).status_code == 403
    assert client.post(path, headers={"x-csrf-token": "guess"}).status_code == 403


def test_another_browsers_token_is_refused(
    settings: Settings, client: TestClient, token: Token, browser_of: Browsers
) -> None:
    stolen = token("/runs/new")
    with browser_of(settings) as other:
        other.get("/")
        assert other.post("/runs/stop/x", data={"csrf": stolen}).status_code == 403


def test_a_form_of_another_site_is_refused(client: TestClient, token: Token) -> None:
    data = {"csrf": token("/runs/new")}
    assert client.post("/runs/stop/x", data=data, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/runs/stop/x", data=data).status_code == 404


def test_a_login_takes_another_number(settings: Settings) -> None:
    app = create_app(settings)

    def login(request: security.Request) -> dict[str, str]:
        return {"before": security.browser(request), "after": security.renew_browser(request)}

    app.add_api_route("/login", login, response_class=JSONResponse)
    with TestClient(app, "http://127.0.0.1") as browser:
        browser.get("/")
        planted = browser.cookies["studio"]
        numbers = browser.get("/login").json()
        assert planted.startswith(numbers["before"])
        assert browser.cookies["studio"].startswith(numbers["after"]) and numbers["after"] != numbers["before"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "localhost.evil"])
def test_another_name_of_the_host_is_refused(client: TestClient, host: str) -> None:
    """A page of a stranger can give its own name the address 127.0.0.1, and is then of the same origin."""
    assert client.get("/", headers={"host": host}).status_code == 421
    assert client.get("/", headers={"host": "localhost:8000"}).status_code == 200


def test_bodies_are_limited(settings: Settings, browser_of: Browsers) -> None:
    with browser_of(replace(settings, body_limit=1000, upload_limit=5000)) as browser:
        found = re.search(r'name="csrf" value="(\w+)"', browser.get("/runs/new").text)
        assert found
        data = {"csrf": found[1], "x": "y" * 2000}
        assert browser.post("/runs/stop/x", data=data).status_code == 413

        def pieces() -> Iterator[bytes]:
            # Without a length, as one may send it.
            yield f"csrf={found[1]}&x=".encode()
            for _ in range(20):
                yield b"y" * 100

        form = {"content-type": "application/x-www-form-urlencoded"}
        assert browser.post("/runs/stop/x", content=pieces(), headers=form).status_code == 413
        big = {"file": ("a.csv", b"a,b\n" + b"1,2\n" * 60_000)}
        assert browser.post("/runs/new/upload", data={"csrf": found[1]}, files=big).status_code == 413
        medium = {"file": ("a.csv", b"a,b\n" + b"1,2\n" * 10_000)}
        answer = browser.post("/runs/new/upload", data={"csrf": found[1]}, files=medium)
        assert answer.status_code == 422 and "5,000" in answer.text
        assert not list((settings.own / "uploads").iterdir())


@pytest.mark.parametrize("length", ["-1", "many"])
def test_a_length_that_is_none(client: TestClient, length: str) -> None:
    assert client.get("/", headers={"content-length": length}).status_code == 400


def test_requests_that_take_too_long(settings: Settings) -> None:
    import anyio

    app = create_app(replace(settings, request_seconds=0.2))

    async def slow() -> None:
        await anyio.sleep(5)

    app.add_api_route("/slow", slow)
    with TestClient(app, "http://127.0.0.1") as browser:
        assert browser.get("/slow").status_code == 504


def test_uploads_are_rate_limited(settings: Settings, browser_of: Browsers) -> None:
    with browser_of(replace(settings, limits={"upload": (2, 0.01)})) as browser:
        found = re.search(r'name="csrf" value="(\w+)"', browser.get("/runs/new").text)
        assert found
        data = {"csrf": found[1]}
        statuses = [browser.post("/runs/new/upload", data=data).status_code for _ in range(3)]
        assert statuses == [422, 422, 429]
        answer = browser.post("/runs/new/upload", data=data)
        assert 0 < int(answer.headers["retry-after"]) <= 100


def test_buckets_fill_up_again() -> None:
    now = 0.0
    buckets = Buckets({"login": (2, 0.5)}, lambda: now)
    assert [buckets.wait("login", "a") for _ in range(3)] == [0, 0, 2]
    assert buckets.wait("login", "b") == 0
    now = 2.0
    assert buckets.wait("login", "a") == 0
    assert buckets.wait("login", "a") > 0


def test_buckets_forget_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_CLIENTS", 3)
    buckets = Buckets({"login": (1, 0.1)}, lambda: 0.0)
    for who in "abcd":
        buckets.wait("login", who)
    assert buckets.wait("login", "d") > 0
    assert buckets.wait("login", "a") == 0


def test_who_is_elsewhere_changes_nothing(settings: Settings, browser_of: Browsers) -> None:
    open_to_all = replace(settings, host="0.0.0.0", hosts=())
    for address in ("192.0.2.7", "127.0.0.1"):
        # Behind a proxy on this machine everyone comes from here.
        with browser_of(open_to_all, address) as browser:
            for path in ("/runs", "/runs/new", "/runs/new/0123456789abcdef", "/runs/delete/x"):
                assert browser.get(path).status_code == 403
            for path in ("/runs/stop/x", "/runs/resume/x", "/runs/delete/x", "/runs/new/upload"):
                assert browser.post(path).status_code == 403
            browser.app.state.is_teacher = lambda request: True  # type: ignore[attr-defined]
            assert browser.get("/runs/new").status_code == 200
    with browser_of(replace(open_to_all, open_runs=True), "192.0.2.7") as browser:
        assert browser.get("/runs").status_code == 200
        assert "/runs/new" not in browser.get("/runs").text


def test_open_to_other_machines_only_with_a_teacher(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there: list[str] = []
    command = types.ModuleType("ridgeway.studio.teacher.command")
    command.any_teacher = lambda settings: bool(there)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ridgeway.studio.teacher", types.ModuleType("ridgeway.studio.teacher"))
    monkeypatch.setitem(sys.modules, "ridgeway.studio.teacher.command", command)
    open_to_all = replace(settings, host="0.0.0.0", hosts=())
    with pytest.raises(InputError, match="add-teacher"):
        serving._check_open(open_to_all)
    there.append("Kim")
    serving._check_open(open_to_all)
    assert "other machines can reach the studio" in capsys.readouterr().err


def test_a_signature_is_of_one_text_and_one_studio(settings: Settings) -> None:
    signed = security.sign(settings, "text")
    assert security.unsigned(settings, signed) == "text"
    for wrong in (None, "", "text", signed[:-1], "other" + signed[4:], signed + "0", "é.é"):
        assert security.unsigned(settings, wrong) is None
    assert security.unsigned(replace(settings, secret="another"), signed) is None
