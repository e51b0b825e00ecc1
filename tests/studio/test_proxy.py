"""Behind a proxy: who counts as the owner, which names the studio has, whom limits count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ridgeway.errors import InputError
from ridgeway.studio import serving
from ridgeway.studio.app import create_app
from ridgeway.studio.settings import Settings
from run_directories import copied
from studio.browsing import served

Browsers = Callable[..., TestClient]


@pytest.fixture
def public(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path / "public", public_url="https://studio.example")


@pytest.fixture
def proxied(public: Settings) -> Iterator[TestClient]:
    """A browser whose requests a proxy on this machine hands on."""
    with TestClient(
        create_app(public), "http://studio.example", follow_redirects=False, client=("127.0.0.1", 50_000)
    ) as opened:
        yield opened


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "192.0.2.7"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-host": "studio.example"},
        {"forwarded": "for=192.0.2.7"},
        {"x-real-ip": "192.0.2.7"},
        {"via": "1.1 proxy"},
        {"origin": "https://studio.example"},
        {"referer": "https://studio.example/runs"},
        {"referer": "http://["},
    ],
)
def test_who_comes_through_a_proxy_is_no_owner(client: TestClient, headers: dict[str, str]) -> None:
    """One that the studio was not told of, and that gives the server's own address as the host."""
    assert client.get("/runs/new").status_code == 200
    assert client.get("/runs/new", headers=headers).status_code == 403
    assert client.get("/runs", headers=headers).status_code == 403
    assert client.get("/", headers=headers).status_code == 200


def test_http_1_0_is_a_proxys(settings: Settings) -> None:
    """nginx without any settings: HTTP 1.0, the address of the server as its name, and no word of who asked."""
    import http.client
    from urllib.parse import urlsplit

    with served(create_app(settings)) as address:
        for version, status in (("HTTP/1.1", 200), ("HTTP/1.0", 403)):
            connection = http.client.HTTPConnection(urlsplit(address).netloc)
            connection._http_vsn_str = version  # type: ignore[attr-defined]
            connection.request("GET", "/runs/new", headers={"host": "127.0.0.1"})
            assert connection.getresponse().status == status
            connection.close()


def test_the_owners_own_links_are_followed(client: TestClient) -> None:
    for name in ("localhost", "127.0.0.1"):
        headers = {"referer": f"http://{name}:8000/runs", "origin": f"http://{name}:8000"}
        assert client.get("/runs/new", headers=headers).status_code == 200


def test_behind_a_proxy_nobody_is_the_owner(proxied: TestClient, public: Settings) -> None:
    copied(public.workspace / "digits")
    for path in ("/runs", "/runs/run/digits", "/runs/new", "/runs/events/digits", "/runs/csv/digits"):
        assert proxied.get(path).status_code == 403
    answer = proxied.get("/runs/run/digits", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/teacher/login")
    assert "/runs" not in proxied.get("/").text
    proxied.app.state.is_teacher = lambda request: True  # type: ignore[attr-defined]
    page = proxied.get("/runs")
    assert page.status_code == 200 and "/runs/new" in page.text
    assert str(public.workspace) not in page.text


def test_runs_may_be_open_to_all(public: Settings, browser_of: Browsers) -> None:
    copied(public.workspace / "digits")
    app = create_app(replace(public, open_runs=True))
    with TestClient(app, "http://studio.example", client=("127.0.0.1", 1)) as browser:
        for path in ("/runs", "/runs/run/digits", "/runs/compare/digits?lane=0", "/runs/curves/digits"):
            answer = browser.get(path)
            assert answer.status_code == 200 and str(public.workspace) not in answer.text, path
        assert browser.get("/runs/new").status_code == 403
        assert 'href="/runs"' in browser.get("/").text


def test_a_wrong_run_tells_no_stranger_where_it_lies(public: Settings) -> None:
    folder = copied(public.workspace / "digits")
    (folder / "lanes.parquet").unlink()
    app = create_app(replace(public, open_runs=True))
    with TestClient(app, "http://studio.example", client=("127.0.0.1", 1)) as browser:
        answer = browser.get("/runs/compare/digits?lane=0")
        assert answer.status_code == 409
        (folder / "run.json").write_text("{}")
        for lang in ("ko", "en"):
            answer = browser.get("/runs/run/digits", headers={"accept-language": lang})
            assert answer.status_code == 200 and str(public.workspace) not in answer.text
            answer = browser.get("/runs/curves/digits", headers={"accept-language": lang})
            assert answer.status_code == 422 and str(public.workspace) not in answer.text


def test_only_the_public_name_is_the_studios(proxied: TestClient) -> None:
    assert proxied.get("/").status_code == 200
    for host in ("127.0.0.1:8000", "localhost", "evil.example"):
        assert proxied.get("/", headers={"host": host}).status_code == 421


def test_cookies_are_secure_behind_a_public_address(proxied: TestClient) -> None:
    answer = proxied.get("/")
    assert "Secure" in answer.headers["set-cookie"] and "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    "url", ["studio.example", "ftp://x", "https://", "https://x/path", "https://x:port", "https://["]
)
def test_a_public_address_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="--public-url"):
        Settings(workspace=tmp_path, public_url=url)


def test_a_public_studio_needs_a_teacher(public: Settings) -> None:
    with pytest.raises(InputError, match="add-teacher"):
        serving.serve(public, browser=False)


def test_forwarded_addresses_count_only_behind_a_proxy(settings: Settings, public: Settings) -> None:
    """With a public address the proxy's word is taken, without one nobody's."""
    for one, believed in ((settings, False), (public, True)):
        config = serving.configured(create_app(one), one)
        assert config.proxy_headers is believed
        config.load()
        told = []

        async def app(scope: dict, receive: object, send: object, told: list[str] = told) -> None:
            told.append(scope["client"][0])

        if believed:
            config.loaded_app.app = app
            import asyncio

            for here, counted in (("127.0.0.1", "192.0.2.9"), ("198.51.100.1", "198.51.100.1")):
                # What a client wrote itself stands before what the proxy adds.
                headers = [(b"x-forwarded-for", b"203.0.113.5, 192.0.2.9")]
                scope = {"type": "http", "client": (here, 1), "headers": headers, "scheme": "http"}
                asyncio.run(config.loaded_app(scope, None, None))
                assert told[-1] == counted


def test_addresses_of_one_network_are_one_client(settings: Settings, browser_of: Browsers) -> None:
    limits = {"upload": (2, 0.001)}
    app = create_app(replace(settings, limits=limits))
    app.state.is_teacher = lambda request: True
    statuses = []
    for last in ("1", "2", "ffff:1", "9"):
        with TestClient(app, "http://127.0.0.1:8000", client=(f"2001:db8:1:2::{last}", 1)) as browser:
            statuses.append(browser.post("/runs/new/upload", data={"csrf": "no"}).status_code)
    assert statuses == [403, 403, 429, 429]
    with TestClient(app, "http://127.0.0.1:8000", client=("2001:db8:1:3::1", 1)) as browser:
        assert browser.post("/runs/new/upload", data={"csrf": "no"}).status_code == 403


def test_logins_by_one_name_are_limited_from_everywhere(settings: Settings) -> None:
    app = create_app(replace(settings, limits={"account": (3, 0.001)}))
    statuses = []
    for last in range(5):
        with TestClient(app, "http://127.0.0.1:8000", client=(f"192.0.2.{last}", 1)) as browser:
            found = re.search(r'name="csrf" value="(\w+)"', browser.get("/teacher/login").text)
            assert found
            data = {"csrf": found[1], "name": " KIM" if last % 2 else "kim", "password": "guess"}
            statuses.append(browser.post("/teacher/login", data=data).status_code)
    assert statuses == [422, 422, 422, 429, 429]
