"""Upstreams that misbehave on purpose, each a thread behind a port of 127.0.0.1."""

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import trustme

Serve = Callable[[socket.socket], None]
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def listen(serve: Serve) -> int:
    """The port of a listener that hands each connection to `serve`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_quietly, args=(serve, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def over_tls(context: ssl.SSLContext, serve: Serve) -> Serve:
    """`serve` inside TLS with this context's certificate."""

    def handshake(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            serve(secured)

    return handshake


def answer_ok(connection: socket.socket) -> None:
    """`ok` to every request, however often it asks."""
    while read_head(connection):
        connection.sendall(_OK)


def never_answer(connection: socket.socket) -> None:
    """Take whatever comes and stay silent until the other side leaves."""
    while connection.recv(65536):
        pass


def read_head(connection: socket.socket) -> bytes:
    """One request head; b"" when the client has left."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def certified(authority: trustme.CA, host: str, expired: bool = False) -> ssl.SSLContext:
    """A server's context with a certificate for `host`."""
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    leaf = authority.issue_cert(host, not_after=yesterday if expired else None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def save_root(authority: trustme.CA, path: Path) -> Path:
    """The authority's root as a PEM file."""
    authority.cert_pem.write_to_path(str(path))
    return path


def _quietly(serve: Serve, connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        serve(connection)
