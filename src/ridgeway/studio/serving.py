"""The server of a studio."""

from __future__ import annotations

import logging
import threading
import webbrowser

import typer
import uvicorn
from fastapi import FastAPI

from ridgeway.errors import InputError
from ridgeway.studio.app import create_app
from ridgeway.studio.settings import Settings, is_loopback

# Seconds: a connection that says nothing, and streams that are open when the server is asked to end.
_IDLE = 10
_LAST = 3


def serve(settings: Settings, browser: bool = True) -> None:
    """Serves a studio until Ctrl-C.

    Args:
        settings: how it runs.
        browser: whether to open one.

    Raises:
        InputError: other machines could reach it, and there is no teacher's account; or the port is taken.
    """
    if not settings.is_local:
        _check_open(settings)
    app = create_app(settings)
    shown = "localhost" if settings.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else settings.host
    address = settings.public_url or f"http://{shown}:{settings.port}/"
    typer.echo(f"ridgeway studio: {address}  (workspace {settings.workspace}; Ctrl-C ends it)")
    server = _Server(configured(app, settings))
    if browser and not settings.public_url:
        timer = threading.Timer(1.0, _open, (address,))
        timer.daemon = True
        timer.start()
    server.run()
    if not server.started:
        raise InputError(f"The studio can't listen at {settings.host}:{settings.port}. Pass another --port.")


def configured(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves an application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_LAST,
        h11_max_incomplete_event_size=64_000,
        server_header=False,
        # What a request says of where it comes from is believed of the proxy on this machine, where there is one.
        proxy_headers=bool(settings.public_url),
        forwarded_allow_ips=["127.0.0.1", "::1"],
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves the process standing where its port is taken, so that the error is ours."""

    def run(self, sockets: list | None = None) -> None:
        try:
            super().run(sockets)
        except SystemExit:
            logging.getLogger(__name__).debug("uvicorn gave up", exc_info=True)


def _check_open(settings: Settings) -> None:
    """Refuses to be open to other machines without a teacher who may log in."""
    from ridgeway.studio.teacher.command import any_teacher

    where = settings.public_url or settings.host
    if not any_teacher(settings):
        raise InputError(
            f"At {where} other machines can reach the studio, and it has no teacher's account. Add one by "
            "`ridgeway studio add-teacher NAME`, or leave --host and --public-url out."
        )
    if settings.is_secure and is_loopback(settings.host):
        return
    typer.echo(
        f"Warning: other machines can reach the studio at {where}. Without a proxy with TLS before it, "
        "passwords and answers pass the network in the clear.",
        err=True,
    )


def _open(address: str) -> None:
    """Opens the browser, where there is one."""
    try:
        webbrowser.open(address)
    except webbrowser.Error:
        logging.getLogger(__name__).info("There is no browser to open %s in.", address)
