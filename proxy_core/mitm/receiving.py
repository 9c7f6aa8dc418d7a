"""One attempt to receive from a non-blocking socket, plain or TLS."""

import contextlib
import socket
import ssl

WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
FULL_RECORD = 16 * 1024
"""TLS records hold at most this much: a full one is probably followed by another."""

NOTHING_YET, CLEAN_END, TORN_END = -1, 0, -2
"""What `receive` says instead of a size. A torn end lacks the TLS goodbye."""


def receive(sock: socket.socket, into: memoryview, encrypted: bool) -> int:
    """The number of bytes that are in `into` now, or one of the above. Raises OSError."""
    try:
        size = sock.recv_into(into, len(into))
    except WOULD_BLOCK:
        return NOTHING_YET
    except ssl.SSLEOFError:
        return TORN_END
    if size >= FULL_RECORD and encrypted:
        return _receive_more(sock, into, size)
    return size


def _receive_more(sock: socket.socket, into: memoryview, size: int) -> int:
    """Collect further TLS records that are there already: fewer, larger writes onwards."""
    with contextlib.suppress(OSError):  # whatever it is, the next attempt meets it again
        while size + FULL_RECORD <= len(into):
            got = sock.recv_into(into[size:])
            size += got
            if got < FULL_RECORD:
                break
    return size
