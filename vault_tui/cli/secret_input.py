"""How secrets come in: a hidden prompt, standard input, a file, the environment of one command.

Values are UTF-8 text. Exactly one line end is removed from the end of a stream or file, so that
`echo`, `printf` and editors all work; everything else stays as it is.
"""

import getpass
import os
import sys
from pathlib import Path
from typing import BinaryIO

from proxy_core.base import variables
from proxy_core.base.errors import VaultError

MAX_SECRET_BYTES = 1024 * 1024


def can_prompt() -> bool:
    """Whether a person is there to be asked: a controlling terminal that someone looks at."""
    if not (sys.stdin.isatty() or sys.stderr.isatty()):
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def prompt(label: str, *, twice: bool = False) -> str:
    """Ask on the terminal without echo. Raises VaultError bad_request: empty, or they differ."""
    value = getpass.getpass(f"{label}: ")
    if not value:
        raise VaultError("bad_request", "Nothing was typed.")
    if twice and getpass.getpass(f"{label} again: ") != value:
        raise VaultError("bad_request", "The two entries differ.")
    return value


def prompt_or_stdin(label: str, *, twice: bool = False) -> str:
    """From the terminal when standard input is one, else all of standard input."""
    return prompt(label, twice=twice) if sys.stdin.isatty() else from_stdin()


def from_stdin() -> str:
    """All of standard input."""
    return _text(sys.stdin.buffer, "Standard input")


def line_from_stdin() -> str:
    """The first line of standard input, without its end; what follows is not read."""
    raw = sys.stdin.buffer.readline(MAX_SECRET_BYTES + 1)
    return _decoded(raw, "Standard input")


def from_file(path: Path) -> str:
    """A file's content. Raises OSError or VaultError bad_request."""
    with path.open("rb") as file:
        return _text(file, str(path))


def master_password_from_environment() -> str | None:
    """VAULT_TUI_MASTER_PASSWORD, or the content of VAULT_TUI_MASTER_PASSWORD_FILE."""
    if given := os.environ.get(variables.MASTER_PASSWORD):
        return given
    if path := os.environ.get(variables.MASTER_PASSWORD_FILE):
        return from_file(Path(path))
    return None


def _text(stream: BinaryIO, where: str) -> str:
    return _decoded(stream.read(MAX_SECRET_BYTES + 1), where)


def _decoded(raw: bytes, where: str) -> str:
    if len(raw) > MAX_SECRET_BYTES:
        raise VaultError("bad_request", f"{where} holds more than 1 MiB.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise VaultError("bad_request", f"{where} is not UTF-8 text.") from None
    if text.endswith("\r\n"):
        return text[:-2]
    return text.removesuffix("\n")
