"""Commands that tell a credential's value: what may be set, what is approved, what output means.

A command runs code as the worker, so an operator approves it as a whole: its `digest` names the
program's file, the exact arguments and everything else that it is run with.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from proxy_core.base import variables
from proxy_core.base.errors import VaultError

MAX_ARGUMENTS, MAX_ARGUMENT, MAX_VARIABLES = 64, 4096, 32
MAX_OUTPUT: Final = 64 * 1024
"""Bytes; a credential's value is no longer either."""
TTL_SECONDS: Final = (1, 24 * 3600)
TIMEOUT_SECONDS: Final = (1, 25)
"""Less than a client waits for the answer to `test`."""
BASE_VARIABLES: Final = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
    ]
)
"""What every command gets of the worker's environment."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Command:
    """`ttl` and `timeout` are seconds. `env` names further variables that are passed on.

    `json_path` picks one field of a JSON output; `keep_newline` keeps what ends the output.
    """

    argv: tuple[str, ...]
    ttl: int = 300
    timeout: int = 20
    json_path: str = ""
    keep_newline: bool = False
    env: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {**asdict(self), "argv": list(self.argv), "env": list(self.env)}


class OutputError(ValueError):
    """Output that is no value. The text says why, and holds nothing of it."""


def command_of(document: Mapping[str, Any]) -> Command:
    """The inverse of `Command.document`."""
    fields = {**document, "argv": tuple(document["argv"]), "env": tuple(document["env"])}
    return Command(**fields)


def check_command(command: Command) -> Command:
    """Return it if it may be set. Raises VaultError: bad_request."""
    _check_argv(command.argv)
    for name, value, (low, high) in (
        ("ttl_seconds", command.ttl, TTL_SECONDS),
        ("timeout_seconds", command.timeout, TIMEOUT_SECONDS),
    ):
        if not low <= value <= high:
            raise VaultError("bad_request", f"{name} must be {low} to {high}.")
    if len(command.json_path) > MAX_ARGUMENT or not _is_text(command.json_path):
        raise VaultError("bad_request", "json_path is not usable.")
    if len(command.env) > MAX_VARIABLES:
        raise VaultError("bad_request", f"env may name at most {MAX_VARIABLES} variables.")
    for name in command.env:
        if not _VARIABLE.fullmatch(name) or name.startswith(variables.PREFIXES):
            raise VaultError("bad_request", "env names a variable that can't be passed on.")
    return command


def _check_argv(argv: Sequence[str]) -> None:
    if not argv or not argv[0]:
        raise VaultError("bad_request", "argv names no program.")
    if len(argv) > MAX_ARGUMENTS or any(len(one) > MAX_ARGUMENT for one in argv):
        raise VaultError(
            "bad_request",
            f"argv may have {MAX_ARGUMENTS} arguments of {MAX_ARGUMENT} characters at most.",
        )
    if not all(_is_text(one) for one in argv):
        raise VaultError("bad_request", "argv holds characters that no command line should.")


def _is_text(text: str) -> bool:
    """Nothing that steers a terminal or ends a C string: what is approved has to be readable."""
    return text.isprintable()


def digest(command: Command, executable: str) -> str:
    """SHA-256 (hexadecimal) of what is approved; `executable` is the program's file."""
    whole = {"executable": executable, **command.document()}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def environment(command: Command, own: Mapping[str, str]) -> dict[str, str]:
    """What a command gets of the worker's `own` environment."""
    passed = BASE_VARIABLES | set(command.env)
    return {name: value for name, value in own.items() if name in passed}


def value_of(command: Command, output: bytes) -> bytes:
    """The credential's value. Raises OutputError."""
    if len(output) > MAX_OUTPUT:
        raise OutputError(f"it printed more than {MAX_OUTPUT // 1024} KiB")
    try:
        text = output.decode()
    except UnicodeDecodeError:
        raise OutputError("it printed something that is not UTF-8 text") from None
    if command.json_path:
        text = _field(text, command.json_path)
    if not command.keep_newline:
        text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise OutputError("it printed nothing")
    if "\0" in text:
        raise OutputError("it printed a NUL character")
    try:
        return text.encode()
    except UnicodeEncodeError:  # JSON can spell half a character
        raise OutputError("it printed something that is not UTF-8 text") from None


def _field(text: str, path: str) -> str:
    """One field of a JSON text. A string on the way is itself read as JSON: AWS nests so."""
    found = _json(text)
    for name in _names(path):
        if isinstance(found, str):
            found = _json(found)
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise OutputError("its JSON has no field at json_path")
    if isinstance(found, str):
        return found
    if isinstance(found, int | float) and not isinstance(found, bool):
        return json.dumps(found)
    raise OutputError("its JSON has no text at json_path")


def _names(path: str) -> list[str]:
    """`data.password`, `.data.password`; or RFC 6901, `/data/password`, for names with dots."""
    if path.startswith("/"):
        parts = path[1:].split("/")
        return [part.replace("~1", "/").replace("~0", "~") for part in parts]
    return path.removeprefix("$").removeprefix(".").split(".")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise OutputError("it printed no JSON, which json_path needs") from None
