"""How a studio runs."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import URL

from ridgeway.errors import InputError
from ridgeway.files import make_directory

#: The studio's own folder in the workspace; everything else there is runs.
OWN = ".studio"

#: Requests that one client may make at once, and how many more a second, by class of route.
LIMITS: Mapping[str, tuple[int, float]] = {
    "login": (10, 0.1),
    # Of logins by one name, from wherever they come.
    "account": (30, 0.1),
    # A class of learners may sit behind one address.
    "quiz": (600, 5.0),
    "upload": (10, 0.1),
    "start": (30, 0.5),
}


@dataclass(frozen=True)
class Settings:
    """Everything that a studio is told when it starts.

    Attributes:
        workspace: the directory under which the runs lie.
        database: SQLAlchemy's URL; a SQLite file in the workspace where empty.
        host: address that the server listens at.
        port: its port.
        secret: key of all signatures; one that the workspace keeps where empty.
        max_runs: runs that train at once; more of them wait.
        upload_limit: most bytes of an uploaded file.
        body_limit: most bytes of any other request.
        request_seconds: after which a request that is not answered is given up; streams of events have no end.
        retention_days: how long learners' data are kept where their class doesn't say; 0: until a teacher deletes them.
        attempts: how often a learner outside all classes may take the quiz; None for as often as they like.
        questions: of a quiz outside all classes.
        minutes: its time limit; None for none.
        hosts: names by which the server may be asked; where empty, loopback's own names when it listens there only, so
            that no page of another site can reach it by a name of its own, and else any.
        limits: requests at once and a second by class of route, on top of `LIMITS`.
        public_url: address by which a proxy on this machine makes the studio public, such as "https://studio.example";
            empty without one. Its name is then the only one of the server, what the proxy says of who asks is believed,
            and nobody counts as the owner for coming from this machine, as through the proxy all do.
        open_runs: whether everyone may look at runs; else only the owner at this machine and teachers may.
    """

    workspace: Path
    database: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    secret: str = field(default="", repr=False)
    max_runs: int = 1
    upload_limit: int = 200_000_000
    body_limit: int = 1_000_000
    request_seconds: float = 60.0
    retention_days: int = 365
    attempts: int | None = 3
    questions: int = 15
    minutes: int | None = None
    hosts: tuple[str, ...] = ()
    limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    public_url: str = ""
    open_runs: bool = False

    def __post_init__(self) -> None:
        workspace = Path(self.workspace).absolute()
        if workspace.exists() and not workspace.is_dir():
            raise InputError(f"The workspace '{workspace}' is a file. Pass a directory.")
        make_directory(workspace / OWN)
        values: dict[str, Any] = {
            "workspace": workspace,
            "database": self.database or _sqlite(workspace / OWN / "studio.db"),
            "secret": self.secret or _kept_secret(workspace / OWN / "secret"),
            "limits": {**LIMITS, **self.limits},
        }
        if self.public_url:
            values["hosts"] = (_public_name(self.public_url),)
        elif not self.hosts and is_loopback(self.host):
            values["hosts"] = ("localhost", "127.0.0.1", "::1", self.host)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def own(self) -> Path:
        """The studio's own folder."""
        return self.workspace / OWN

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host) and not self.public_url

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the server by TLS alone."""
        return self.public_url.startswith("https://")


def is_loopback(host: str) -> bool:
    """Whether an address, or a name, is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _public_name(url: str) -> str:
    """The name in a public address."""
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname, parts.port
    except ValueError:
        parts, name = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not name or parts.path.strip("/") or parts.query or parts.fragment:
        raise InputError(
            f"--public-url {url!r} is no address of a studio. Pass it as https://NAME, without a path behind it."
        )
    return name


def _sqlite(file: Path) -> str:
    """The address of a file; a name may hold what means something else in an address."""
    return URL.create("sqlite", database=str(file)).render_as_string(False)


def _kept_secret(file: Path) -> str:
    """The workspace's key; made where there is none, readable by its owner only."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = file.read_text(encoding="ascii").strip()
        if len(kept) < 32:
            raise InputError(f"'{file}' holds no key of the studio. Delete it: a new one is made.") from None
        return kept
    with open(descriptor, "w", encoding="ascii") as opened:
        made = secrets.token_hex(32)
        opened.write(made)
    return made
