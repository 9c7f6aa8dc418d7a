"""Ports that stay what a test took them for."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of 127.0.0.1 where nobody listens and which nobody is given by chance.

    It is bound for as long as this lasts. A listener with SO_REUSEADDR may have it all the same, as
    long as it asks for this very port: so do those of ours, and asyncio's.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
