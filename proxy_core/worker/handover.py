"""Secrets given in the environment or on the command line, taken out of the sight of both.

A variable that a process pops is still shown in /proc/PID/environ, and an argument in
/proc/PID/cmdline, so the worker re-executes itself without them and hands them to itself through
pipes. Whatever starts the worker may have shown them for a moment; a file never does.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from proxy_core.base import variables
from proxy_core.base.errors import VaultError

PASSWORD_OPTION, DATABASE_OPTION = "--password-fd", "--database-url-fd"
URL_OPTION, URL_FILE_OPTION = "--database-url", "--database-url-file"
MAX_SECRET_BYTES = 4096


def leave_sight() -> None:
    """Re-execute this process if its environment or arguments hold a secret; otherwise return.

    Must run before anything is opened or imported that costs time. Raises VaultError:
    bad_request for a secret that is too long.
    """
    command, url = _without_url(sys.orig_argv[1:])
    environment = dict(os.environb)
    password = environment.pop(variables.MASTER_PASSWORD.encode(), None)
    from_environment = environment.pop(variables.DATABASE_URL.encode(), None)
    if password is None and from_environment is None and url is None:
        return
    if password is not None:
        command += [PASSWORD_OPTION, str(_pipe(password, variables.MASTER_PASSWORD))]
    if url is not None:
        command += [DATABASE_OPTION, str(_pipe(os.fsencode(url), URL_OPTION))]
    elif from_environment and not _names_file(command):
        command += [DATABASE_OPTION, str(_pipe(from_environment, variables.DATABASE_URL))]
    os.execve(sys.executable, [sys.executable, *command], environment)  # noqa: S606 - ourselves again, no shell


def take(descriptor: int) -> bytearray:
    """What was handed over through the pipe `descriptor`; empty when there is nothing."""
    secret = bytearray()
    with suppress(OSError), os.fdopen(descriptor, "rb") as pipe:
        secret += pipe.read(MAX_SECRET_BYTES)
    return secret


def _without_url(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without the database's URL, and the URL; the last one counts."""
    rest: list[str] = []
    url: str | None = None
    waiting = iter(arguments)
    for argument in waiting:
        if argument.startswith(URL_OPTION + "="):
            url = argument.partition("=")[2]
        elif argument == URL_OPTION and (value := next(waiting, None)) is not None:
            url = value
        else:
            rest.append(argument)
    return rest, url


def _names_file(arguments: Sequence[str]) -> bool:
    return any(argument.partition("=")[0] == URL_FILE_OPTION for argument in arguments)


def _pipe(secret: bytes, name: str) -> int:
    """The readable end of a pipe that holds the secret. It fits, so writing it cannot block."""
    if len(secret) > MAX_SECRET_BYTES:
        raise VaultError("bad_request", f"{name} is longer than {MAX_SECRET_BYTES} bytes.")
    reader, writer = os.pipe()
    os.write(writer, secret)
    os.close(writer)
    os.set_inheritable(reader, True)
    return reader
