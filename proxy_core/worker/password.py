"""The master password for unattended starts, without leaving it in /proc/PID/environ.

A variable that a process pops is still shown there, so the worker re-executes itself without it and
hands the password to itself through a pipe.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from proxy_core.base.errors import VaultError

PASSWORD_VARIABLE = "VAULT_TUI_MASTER_PASSWORD"  # noqa: S105 - the variable's name
PASSWORD_FILE_VARIABLE = "VAULT_TUI_MASTER_PASSWORD_FILE"  # noqa: S105 - the variable's name
MAX_PASSWORD_BYTES = 4096


def leave_environment() -> None:
    """Re-execute this process if its environment holds the password; otherwise return.

    Must run before anything is opened or imported that costs time. Raises VaultError:
    bad_request for a password that is too long.
    """
    password = os.environb.get(PASSWORD_VARIABLE.encode())
    if password is None:
        return
    if len(password) > MAX_PASSWORD_BYTES:
        raise VaultError("bad_request", f"{PASSWORD_VARIABLE} is longer than 4096 bytes.")
    # 4096 bytes always fit a pipe, so writing before anyone reads cannot block.
    reader, writer = os.pipe()
    os.write(writer, password)
    os.close(writer)
    os.set_inheritable(reader, True)
    environment = {name: value for name, value in os.environ.items() if name != PASSWORD_VARIABLE}
    command = [sys.executable, *sys.orig_argv[1:], "--password-fd", str(reader)]
    os.execve(command[0], command, environment)  # noqa: S606 - ourselves again, no shell


def read_password(descriptor: int | None) -> bytearray | None:
    """The password of the pipe `descriptor` or of the file that the environment names.

    None when neither is given. Raises VaultError: bad_request for a file that cannot be read.
    """
    if descriptor is not None:
        password = bytearray()
        with suppress(OSError), os.fdopen(descriptor, "rb") as pipe:
            password += pipe.read(MAX_PASSWORD_BYTES)
        return password or None
    name = os.environ.get(PASSWORD_FILE_VARIABLE)
    return _first_line(Path(name)) if name else None


def _first_line(path: Path) -> bytearray:
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_PASSWORD_BYTES + 2)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VaultError(
            "bad_request", f"{PASSWORD_FILE_VARIABLE}: {path} cannot be read: {reason}."
        ) from error
    password = bytearray(line.rstrip(b"\r\n"))
    if not 0 < len(password) <= MAX_PASSWORD_BYTES:
        raise VaultError(
            "bad_request", f"{PASSWORD_FILE_VARIABLE}: the first line of {path} is no password."
        )
    return password
