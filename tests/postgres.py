"""A real PostgreSQL server for tests: Debian's package, on a Unix socket in a directory of its own.

`postgres_server` runs one server per test process; `postgres_url` gives each test a fresh database
on it, at the newest schema. Without the package the tests are skipped, and fail where `CI` is set.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from proxy_core.store.database import Database

_INSTALLED = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
}
_serial = count()


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `user` is its superuser, who needs no password on the socket."""

    binaries: Path
    data: Path
    socket: Path
    user: str
    _newest: list[str] = field(default_factory=list)
    """The name of a database at the newest schema, once there is one: it is copied."""

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://{self.user}@/{database}?host={self.socket}"

    def create_database(self, template: str = "template0") -> str:
        """Make a database like the template, else an empty one; answers its name."""
        name = f"test_{next(_serial)}"
        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def newest(self) -> str:
        """The name of a database at the newest schema, to be copied: see `tests/schemas.py`."""
        if not self._newest:
            self._newest.append(self.create_database())
            Database.open(self.url(self._newest[0])).close()
        return self._newest[0]

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
        self._control("start", "-l", str(self.data / "log"), "-o", f"{options} -k {self.socket}")

    def stop(self) -> None:
        """End the server at once, cutting its connections."""
        self._control("stop", "-m", "immediate")

    def _control(self, action: str, *arguments: str) -> None:
        command = [str(self.binaries / "pg_ctl"), action, "-w", "-D", str(self.data), *arguments]
        _run_as(self.user, command)

    def _dsn(self) -> str:
        return f"host={self.socket} user={self.user} dbname=postgres"


def _unprivileged() -> str:
    """PostgreSQL refuses to run as root: then it runs as Debian's `postgres`, or as `nobody`."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run_as(user: str, command: list[str]) -> None:
    switch = user if os.geteuid() == 0 else None
    result = subprocess.run(
        command,
        user=switch,
        group=pwd.getpwnam(user).pw_gid if switch else None,
        extra_groups=[] if switch else None,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        # The server keeps what it inherits: a pipe here would never end.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, f"{command[0]} {command[1]} failed"


def _binaries() -> Path:
    found = sorted(_INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    reason = "PostgreSQL is not installed (apt-get install postgresql)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per test process, stopped and removed at its end."""
    binaries, user = _binaries(), _unprivileged()
    # Not below pytest's own directory: closed to other users, and too long for a socket.
    home = Path(tempfile.mkdtemp(prefix="vt-pg-"))
    if os.geteuid() == 0:
        shutil.chown(home, user)
    server = PostgresServer(binaries, home / "data", home, user)
    try:
        initdb = ["-D", str(server.data), "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync"]
        _run_as(user, [str(binaries / "initdb"), *initdb, "--locale=C.UTF-8"])
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh database at the newest schema, in which nothing was ever stored."""
    name = postgres_server.create_database(postgres_server.newest())
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)
