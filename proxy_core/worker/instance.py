"""One worker a home: the lock, the pid file, and the listening sockets before they serve."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, open_private_file


@contextmanager
def only_worker(home: Home) -> Iterator[None]:
    """Hold the home's lock and keep its pid file.

    The kernel drops the lock with the process, so a file left by a killed worker stops nobody.
    Raises VaultError: already_running, home_unusable.
    """
    lock = open_private_file(home.lock_file, os.O_RDWR)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultError(
                "already_running", f"A worker of {home.path} is running already."
            ) from None
        _write_pid(home.pid_file)
        try:
            yield
        finally:
            with suppress(OSError):
                home.pid_file.unlink()
    finally:
        os.close(lock)


def bind_port(host: str, port: int) -> socket.socket:
    """A bound, not yet listening TCP socket. Raises VaultError: port_in_use, bad_request."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise VaultError("bad_request", f"{host} is not an address of this machine.") from None
    # With proto 0 accepted sockets would lack TCP_NODELAY in asyncio, and stall 45 ms.
    bound = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise VaultError("port_in_use", f"Port {port} of {host} is taken.") from error
        reason = error.strerror or type(error).__name__
        raise VaultError("bad_request", f"Cannot listen on {host}:{port}: {reason}.") from error
    bound.setblocking(False)
    return bound


def bind_control_socket(path: Path, group: int | None = None) -> socket.socket:
    """The bound control socket, 0600, or 0660 for `group`. The caller holds the home's lock.

    Raises VaultError: home_unusable.
    """
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        if path.is_socket():  # nobody listens there: we hold the lock
            path.unlink()
        control.bind(str(path))
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o660)
    except OSError as error:
        control.close()
        reason = error.strerror or type(error).__name__
        raise VaultError("home_unusable", f"{path} cannot be used: {reason}.") from error
    finally:
        os.umask(previous)
    control.setblocking(False)
    return control


def _write_pid(path: Path) -> None:
    descriptor = open_private_file(path, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
