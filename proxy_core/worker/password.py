"""The master password for unattended starts: handed over, or in a file."""

import os
from pathlib import Path

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.worker.handover import MAX_SECRET_BYTES, take


def read_password(descriptor: int | None) -> bytearray | None:
    """The password of the pipe `descriptor` or of the file that the environment names.

    None when neither is given. Raises VaultError: bad_request for a file that cannot be read.
    """
    if descriptor is not None:
        return take(descriptor) or None
    name = os.environ.get(variables.MASTER_PASSWORD_FILE)
    return first_line(Path(name), variables.MASTER_PASSWORD_FILE) if name else None


def first_line(path: Path, origin: str) -> bytearray:
    """A secret that stands in a file's first line; `origin` is who named the file.

    Raises VaultError: bad_request.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_SECRET_BYTES + 2)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VaultError("bad_request", f"{origin}: {path} cannot be read: {reason}.") from error
    secret = bytearray(line.rstrip(b"\r\n"))
    if not 0 < len(secret) <= MAX_SECRET_BYTES:
        raise VaultError("bad_request", f"{origin}: the first line of {path} is empty or too long.")
    return secret
