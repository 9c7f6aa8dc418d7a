"""Credentials of type `command`: what is run, its approval, how it goes."""

import msgspec

from proxy_core.domain.wire.base import Request, Response


class SetCommand(Request):
    """`PUT /v1/credentials/{key}/command`. `env`: variables of the worker that are passed on."""

    argv: list[str]
    vault: str = "default"
    ttl_seconds: int = 300
    timeout_seconds: int = 20
    json_path: str = ""
    keep_newline: bool = False
    env: list[str] = msgspec.field(default_factory=list)


class ApproveCommand(Request):
    """`POST /v1/credentials/{key}/approve`: `digest` is that of the command as it was shown."""

    digest: str
    vault: str = "default"


class TryCommand(Request):
    """`POST /v1/credentials/{key}/test`."""

    vault: str = "default"


class CommandInfo(Response):
    """`GET /v1/credentials/{key}/command?vault`.

    `executable` is the file that `argv` means now, `digest` names it and all the rest; both are
    empty where it can't be run, and `problem` says why. `state`: `unapproved`, `ok`, `failing`.
    `last_error` is redacted.
    """

    key: str
    vault: str
    argv: list[str]
    executable: str
    digest: str
    problem: str
    state: str
    ttl_seconds: int
    timeout_seconds: int
    json_path: str
    keep_newline: bool
    env: list[str]
    approved_by: str
    approved_at: str
    last_run_at: str
    last_error: str


class CommandTried(Response):
    """How one run went; `error` is redacted and empty when it gave a value."""

    key: str
    ok: bool
    error: str
    seconds: float
