"""Databases for tests: a SQLite file, and a database of a real PostgreSQL server on loopback."""

import atexit
import functools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path as FilePath

import psycopg
import pytest

from ridgeway.studio.storage import Storage, open_storage


@functools.cache
def binaries() -> FilePath | None:
    """Where initdb and pg_ctl lie: Debian keeps them off the PATH."""
    debian = sorted(FilePath("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return FilePath(found).parent if found else None


@functools.cache
def server() -> str:
    """Starts a server in a folder of its own on a free port; it ends with the tests. Its URL without a database."""
    tools = binaries()
    assert tools is not None
    folder = FilePath(tempfile.mkdtemp(prefix="ridgeway-postgres-"))
    # PostgreSQL refuses to run as root.
    user: dict[str, str | int] = {}
    if os.geteuid() == 0:
        names = {one.pw_name for one in pwd.getpwall()}
        user["user"] = "postgres" if "postgres" in names else "nobody"
        shutil.chown(folder, user["user"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"

    def run(*command: str) -> None:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=120,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            **user,
        )
        assert done.returncode == 0, done.stderr.decode()

    run(str(tools / "initdb"), "-D", str(data), "-U", "ridgeway", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    # Without a log file the server would keep the pipes of pg_ctl open.
    run(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")

    def stop() -> None:
        subprocess.run(
            [str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop"],
            capture_output=True,
            check=False,
            cwd="/",
            **user,
        )
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://ridgeway@127.0.0.1:{port}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: FilePath) -> Iterator[str]:
    """The URL of an empty database, one kind after the other."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'studio.db'}"
        return
    if binaries() is None:
        pytest.skip("no PostgreSQL server on this machine (apt install postgresql)")
    url, name = server(), f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{url}/{name}".replace("postgresql:", "postgresql+psycopg:")
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def storage(database: str) -> Iterator[Storage]:
    """An open database with its tables."""
    opened = open_storage(database)
    yield opened
    opened.close()
