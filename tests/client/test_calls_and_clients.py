"""The typed calls, and both clients against servers that behave and that don't."""

import asyncio
import importlib
import inspect
import pkgutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.async_client import AsyncClient
from proxy_core.client.failures import failure_of
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire


class OneAnswer:
    """A Unix socket server that gives every connection the same bytes and notes what it got."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.path, self.seen = path, b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.seen = _request(connection)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


def _request(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")]
    while len(body) < sum(lengths):
        more = connection.recv(65536)
        data, body = data + more, body + more
    return data


def answered(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n"
    return head.encode() + body


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[object]:
    """Make a server of one answer."""
    servers: list[OneAnswer] = []

    def make(answer: bytes) -> OneAnswer:
        servers.append(OneAnswer(tmp_path / f"s{len(servers)}", answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def both(target: Target, call: calls.Call[object]) -> list[object]:
    """What each client answers, or the error it raises."""

    async def asynchronously() -> object:
        async with AsyncClient(target, timeout=5) as client:
            return await client.send(call)

    results: list[object] = []
    for send in (lambda: SyncClient(target, 5).send(call), lambda: asyncio.run(asynchronously())):
        try:
            results.append(send())
        except VaultError as error:
            results.append(error)
    return results


def test_an_answer_is_typed(serve) -> None:  # type: ignore[no-untyped-def]
    """Both clients return the call's struct."""
    server = serve(answered(b'{"status":"ok"}'))
    assert both(Target(socket=server.path), calls.health()) == [wire.Health(status="ok")] * 2


def test_a_failure_keeps_code_and_extra_fields(serve) -> None:  # type: ignore[no-untyped-def]
    """The worker's code, sentence, further fields and Retry-After arrive in the error."""
    body = b'{"error":"ambiguous_host","message":"Two.","status":409,"candidates":[1]}'
    server = serve(answered(body, "409 Conflict", "Retry-After: 7\r\n"))
    for error in both(Target(socket=server.path), calls.health()):
        assert isinstance(error, VaultError)
        assert (error.code, str(error), error.retry_after) == ("ambiguous_host", "Two.", 7)
        assert error.extra == {"candidates": [1]}


@pytest.mark.parametrize(
    "answer", [answered(b"<html>"), answered(b"{}"), answered(b"\xff"), answered(b"[]")]
)
def test_another_program_is_not_a_worker(serve, answer: bytes) -> None:  # type: ignore[no-untyped-def]
    """An answer of the wrong shape is an error of its own, not a crash."""
    server = serve(answer)
    for error in both(Target(socket=server.path), calls.health()):
        assert isinstance(error, VaultError)
        assert error.code == "internal"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_cut_answer_is_no_answer(serve, answer: bytes) -> None:  # type: ignore[no-untyped-def]
    """A connection that ends early counts as no worker."""
    server = serve(answer)
    for error in both(Target(socket=server.path), calls.health()):
        assert isinstance(error, VaultError)
        assert error.code == "no_worker"


def test_nothing_listens(tmp_path: Path) -> None:
    """No socket, and a socket that nobody serves, are no_worker with exit status 3."""
    stale = tmp_path / "stale"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(stale))
    for path in (tmp_path / "none", stale):
        for error in both(Target(socket=path), calls.health()):
            assert isinstance(error, VaultError)
            assert (error.code, error.exit_code) == ("no_worker", 3)


def test_what_is_sent(serve) -> None:  # type: ignore[no-untyped-def]
    """Names are encoded once, the token goes as Bearer, the body as JSON; in both clients."""
    server = serve(answered(b"{}"))
    target = Target(socket=server.path, token="vt_user_x")
    both(target, calls.remove_service("slack.com/api/*", vault="a b"))
    assert server.seen.startswith(b"DELETE /v1/vaults/a%20b/services/slack.com%2Fapi%2F%2A HTTP")
    assert b"authorization: bearer vt_user_x" in server.seen.lower()
    both(target, calls.create_vault("abc"))
    assert server.seen.endswith(b'\r\n\r\n{"name":"abc"}')
    assert b"content-type: application/json" in server.seen.lower()


def test_each_call_is_reached_by_its_name() -> None:
    """All that the modules of calls define in public, and nothing besides."""
    parts = {"given", "in_vault", "segment"}
    for found in pkgutil.iter_modules(calls.__path__):
        module = importlib.import_module(f"{calls.__name__}.{found.name}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                assert hasattr(calls, name) != (name.startswith("_") or name in parts)
    assert not hasattr(calls, "no_such_call")


def test_a_command_loads_the_calls_that_it_makes() -> None:
    """A start costs no more for each subject that the API has."""
    script = (
        "import sys; from proxy_core.client import calls; calls.status();"
        "print(sorted(n.rpartition('.')[2] for n in sys.modules if 'client.calls.' in n))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['call', 'worker']"


def test_a_call_shows_no_secret() -> None:
    """What a traceback would show of a call and a target is free of secrets."""
    call = calls.set_credentials({"KEY": "hunter2"})
    assert "hunter2" not in repr(call)
    assert "vt_user_x" not in repr(Target(base_url="http://localhost", token="vt_user_x"))


def test_targets() -> None:
    """An address wins over the home's socket; a token may come from the environment."""
    env = {"VAULT_TUI_ADDR": "https://vault.example:14321/", "VAULT_TUI_TOKEN": "t"}
    target = Target.choose(environ=env)
    assert (target.base_url, target.token) == ("https://vault.example:14321", "t")
    assert Target.choose(addr="localhost:1", environ=env).base_url == "http://localhost:1"
    assert Target.choose(environ={"VAULT_TUI_HOME": "/v"}).socket == Path("/v/worker.sock")
    for wrong in ("ftp://x", "http://", "http://u@x", "http://x/path", "http://x:y"):
        with pytest.raises(VaultError):
            Target.choose(addr=wrong, environ={})


def test_unknown_codes_fall_back_to_the_status() -> None:
    """A code of a later version, or no JSON at all, still gives the right kind of failure."""
    assert failure_of(404, b'{"error":"of_a_later_version"}').code == "not_found"
    assert failure_of(401, b"").code == "unauthorized"
    assert failure_of(502, b"[1]").code == "internal"


def test_the_command_lines_client_imports_nothing_heavy() -> None:
    """The blocking client stays off the slow imports."""
    script = (
        "import sys, proxy_core.client.sync_client, proxy_core.client.calls,"
        "proxy_core.client.launcher, proxy_core.client.stream;"
        "print([n for n in ('httpx','textual','sqlmodel','litestar') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
