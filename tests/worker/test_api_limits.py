"""Clients that connect too often, or send too slowly, to the API's port."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from proxy_core.client import calls
from proxy_core.worker import listener
from tests.worker.harness import ThreadedWorker

BEGUN = b"GET /health HTTP/1.1\r\nHost: local"


@pytest.fixture
def dialled(worker: ThreadedWorker) -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def dial(worker: ThreadedWorker, stack: ExitStack) -> socket.socket:
    """A TCP connection to the API."""
    host, _, port = worker.api.rpartition(":")
    return stack.enter_context(socket.create_connection((host, int(port)), timeout=30))


def ask_health(connection: socket.socket) -> bool:
    """One request and its whole answer; the connection stays. False: it was cut off before."""
    with suppress(ConnectionError):
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if received.endswith(b'{"status":"ok"}'):
                return True
    return False


def served(worker: ThreadedWorker, stack: ExitStack) -> socket.socket:
    """A connection whose first request was answered: on a busy machine the worker may not have
    seen yet that others left, or the request came too late.
    """
    while not ask_health(connection := dial(worker, stack)):
        pass
    return connection


def test_too_many_connections(
    worker: ThreadedWorker, dialled: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one too many is told so at once; the control socket lets its operators in."""
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 3)
    for _ in range(3):
        served(worker, dialled)
    refused = http.client.HTTPResponse(dial(worker, dialled))
    refused.begin()
    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    assert b'"overloaded"' in refused.read()
    assert worker.client().send(calls.health()).status == "ok"


@pytest.mark.parametrize(("sent", "kept_alive"), [(b"", False), (BEGUN, False), (BEGUN, True)])
def test_a_head_that_does_not_come(
    worker: ThreadedWorker,
    dialled: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    sent: bytes,
    kept_alive: bool,
) -> None:
    """A head must be complete in time, the first one and later ones alike."""
    monkeypatch.setattr(listener, "HEAD_SECONDS", 0.3)
    connection = served(worker, dialled) if kept_alive else dial(worker, dialled)
    started = time.monotonic()
    with suppress(ConnectionError):  # cut off before it was sent, on a busy machine
        connection.sendall(sent)
        assert connection.recv(1) == b""
    assert time.monotonic() - started < 15  # else it took the usual 20 s


def test_a_request_under_way_is_not_cut(
    worker: ThreadedWorker, dialled: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for heads: a stream of events goes on, and so does a connection kept alive."""
    monkeypatch.setattr(listener, "HEAD_SECONDS", 0.2)
    token = worker.in_loop(worker.running.app.operators.open, None, "tester").token
    connection = served(worker, dialled)
    fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    connection.settimeout(0.6)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.settimeout(30)
    connection.sendall(f"GET /v1/events HTTP/1.1\r\n{fields}".encode())
    received = b""
    while b"id: " not in received:
        received += connection.recv(65536)
    connection.settimeout(0.6)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    worker.client().send(calls.create_session("default"))
    connection.settimeout(30)
    while b"session.created" not in received:
        received += connection.recv(65536)
