"""A real worker in a thread of the test's process: real sockets, a real database."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire
from proxy_core.seal import Argon2Cost
from proxy_core.services.operators import Terminal
from proxy_core.services.principal import operator
from proxy_core.worker.access import terminal_of
from proxy_core.worker.config import WorkerConfig
from proxy_core.worker.peers import Peer
from proxy_core.worker.runtime import Running, running_worker
from tests.schemas import copy_newest

PASSWORD = "correct horse battery"
CHEAP = Argon2Cost(time=1, memory_kib=64, lanes=1)
"""For users' passwords in tests: what they are hashed with is tested where it is."""
FREE_PORTS = ("--port", "0", "--proxy-port", "0")


T = TypeVar("T")


@dataclass
class Answer:
    """An HTTP answer; `json` of its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ThreadedWorker:
    """Serves between `start` and `stop`; `running` is the worker itself."""

    running: Running

    def __init__(self, home: Path, *, password: bytearray | None = None, **options: Any) -> None:
        self._password = password
        self.config = WorkerConfig(home=Home(home), **{"port": 0, "proxy_port": 0, **options})
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> "ThreadedWorker":
        """Serve. A home that is new has the newest schema already."""
        if not self.config.home.path.exists() and not self.config.database:
            self.config.home.path.mkdir(0o700, parents=True)
            copy_newest(self.config.home.database)
        self._thread.start()
        assert self._ready.wait(100)
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """End it. Raises what it ended by, if it did so by itself."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # its loop has ended a moment ago
                self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(100)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise AssertionError("the worker ended by itself") from self._failure

    async def _serve(self) -> None:
        self.loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with running_worker(self.config, self._password) as self.running:
                self._ready.set()
                await self._stopping.wait()
        except BaseException as error:
            self._failure = error
            self._ready.set()

    @property
    def socket(self) -> Path:
        return self.config.home.socket

    @property
    def api(self) -> str:
        return self.running.facts.api

    def client(self, token: str = "") -> SyncClient:
        """A client on the control socket."""
        return SyncClient(Target(socket=self.socket, token=token))

    def tcp_client(self, token: str = "") -> SyncClient:
        return SyncClient(Target(base_url=f"http://{self.api}", token=token))

    def init(self) -> None:
        """Set the vault up; this process's terminal becomes an operator's."""
        self.client().send(calls.init("password", PASSWORD))

    def in_loop(self, function: Any, *arguments: Any) -> Any:
        """Call a plain function in the worker's loop and return its result."""

        async def call() -> Any:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(30)

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the worker's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(steps, self.loop).result(30)

    def add_user(self, name: str, role: str = "no-access", **vaults: str) -> None:
        """A user with the harness's password, and roles by vault."""
        users = self.running.app.users
        users.passwords.cost = CHEAP
        granted = [
            wire.UserVault(vault_name=vault, vault_role=held) for vault, held in vaults.items()
        ]
        wanted = wire.CreateUser(email=name, password=PASSWORD, role=role, vaults=granted)
        self.run(users.admin.create(wanted, operator("setup")))

    def sign_in(self, name: str) -> str:
        """The token of a new session of such a user."""
        return self.run(self.running.app.users.login(name, PASSWORD)).token

    def end_operators(self) -> None:
        self.in_loop(self.running.app.operators.end_all)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        body: Any = None,
        headers: dict[str, str] | None = None,
        tcp: bool = True,
    ) -> Answer:
        """One raw request; what no typed client would send."""
        host, _, port = self.api.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        if not tcp:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.socket))
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        if data is not None and not isinstance(body, bytes):
            fields["Content-Type"] = "application/json"
        try:
            connection.request(method, path, data, {**fields, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()


class WorkerProcess:
    """A worker in the foreground, as systemd or a container would run it.

    `started` are those that no test has seen the end of. What they write to standard error goes to
    a file: a pipe that nobody reads would stop them. One that crashes says there where.
    """

    started: ClassVar[list["WorkerProcess"]] = []

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.home = Home(home)
        self._errors = tempfile.TemporaryFile("a+", encoding="utf-8")  # noqa: SIM115 - see `finish`
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proxy_core.worker", "--home", str(home), *FREE_PORTS, *options],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **environment},
        )
        self.started.append(self)

    def ready(self) -> str:
        """The line that says so; fails with the reason of one that does not start."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the worker did not start: {} {}".format(*self.finish())
        return line

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal; the exit status and the log. Fails if it had ended by itself."""
        if self.process.poll() is not None:
            raise AssertionError("the worker had ended by itself: {} {}".format(*self.finish()))
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> tuple[int, str]:
        """The exit status and the log of one that ends by itself."""
        if self in self.started:
            self.started.remove(self)
        try:
            self.process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._errors.seek(0)
        with self._errors:
            return self.process.returncode, self._errors.read()

    @classmethod
    def end_all(cls) -> None:
        """End those that are left; fails if one was no more, or does not end as it should."""
        ends = []
        while cls.started:
            left = cls.started[-1]
            by_itself = left.process.poll() is not None
            ends.append((by_itself, *(left.finish() if by_itself else left.end())))
        assert all(end[:2] == (False, 0) for end in ends), f"(by itself, status, log): {ends}"

    @property
    def client(self) -> SyncClient:
        return SyncClient(Target(socket=self.home.socket))


def listing(home: Path) -> dict[str, bytes]:
    """What is on disk, to be compared."""
    return {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}


def own_terminal() -> Terminal | None:
    """The terminal session that this test process belongs to."""
    left, right = socket.socketpair()
    with left, right:
        peer = Peer.of(left)
        try:
            return terminal_of(peer)
        finally:
            peer.close()
