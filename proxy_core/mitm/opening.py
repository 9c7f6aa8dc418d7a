"""How streams begin: connecting, looking ahead without receiving, TLS handshakes."""

import errno
import os
import socket
import ssl
import struct

from proxy_core.mitm.receiving import WOULD_BLOCK
from proxy_core.mitm.streams import Stream, StreamError

TCP_ESTABLISHED, TCP_CLOSE_WAIT = 1, 8
"""tcpi_state, the first byte of struct tcp_info: both sides are open, or the peer has closed."""


async def connect(stream: Stream, address: tuple[str, int], deadline: float) -> None:
    """Open the TCP connection. Raises StreamError."""
    code = stream.socket.connect_ex(address)
    if code == errno.EINPROGRESS:
        await stream.writable(deadline)
        code = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise StreamError(stream, "closed", OSError(code, os.strerror(code)))


async def peek(stream: Stream, size: int, deadline: float) -> bytes:
    """Look at what a plain socket has received, waiting for the first of it; b"" at the end.

    Raises StreamError.
    """
    while True:
        try:
            return stream.socket.recv(size, socket.MSG_PEEK)
        except WOULD_BLOCK:
            await stream.readable(deadline)
        except OSError as error:
            raise StreamError(stream, "closed", error) from None


async def start_tls(
    stream: Stream, context: ssl.SSLContext, deadline: float, *, hostname: str | None = None
) -> None:
    """Hand-shake: as the client of `hostname`, or as the server without one.

    Raises StreamError with the ssl module's error as its cause.
    """
    try:
        sock = context.wrap_socket(
            stream.socket,
            server_side=hostname is None,
            server_hostname=hostname,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
        stream.encrypt(sock)
        await _handshake(stream, sock, deadline)
    except (OSError, ValueError) as error:
        cause = error if isinstance(error, OSError) else OSError(str(error))
        raise StreamError(stream, "closed", cause) from None


async def _handshake(stream: Stream, sock: ssl.SSLSocket, deadline: float) -> None:
    while True:
        try:
            sock.do_handshake()
            return
        except ssl.SSLWantReadError:
            await stream.readable(deadline)
        except ssl.SSLWantWriteError:
            await stream.writable(deadline)


def acknowledged(stream: Stream) -> int | None:
    """Bytes that the peer's system has confirmed; None where ours does not say."""
    info = _tcp_info(stream)
    # tcpi_bytes_acked of struct tcp_info (linux/tcp.h)
    return int(struct.unpack_from("<Q", info, 120)[0]) if len(info) >= 128 else None


def has_ended(stream: Stream) -> bool:
    """Whether the peer has ended, though what it sent before has not been read; False where our
    system does not say.
    """
    info = _tcp_info(stream)
    return bool(info) and info[0] != TCP_ESTABLISHED


def ended_in_order(stream: Stream) -> bool:
    """Whether the peer's system has closed the connection and has not reset it (since); False
    where our system does not say.
    """
    return _tcp_info(stream)[:1] == bytes((TCP_CLOSE_WAIT,))


def _tcp_info(stream: Stream) -> bytes:
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return b""
    try:
        return stream.socket.getsockopt(socket.IPPROTO_TCP, option, 136)
    except OSError:
        return b""
