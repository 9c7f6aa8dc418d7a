"""Who the worker is and how it fares."""

import msgspec

from proxy_core.domain.wire.base import Response


class Health(Response):
    """`GET /health`."""

    status: str


class Status(Response):
    """`GET /v1/status`. `slots` are kinds (keyring, password, keyfile); `uptime` is in seconds."""

    initialized: bool
    sealed: bool
    version: str
    api: str
    proxy: str
    socket: str
    pid: int
    uptime: float
    streams: int
    connections: int
    pending_proposals: int
    holds: int
    log_dropped: int
    slots: list[str]
    database: str
    """`sqlite` or `postgresql`; never a URL."""
    problems: list[str]
    """One sentence each, for example a log that cannot be written."""
    operator: bool = False
    """Whether who asks acts as an operator: with an operator session, or as a user who is owner."""
    has_terminal: bool = False
    """Whether the asking process has a terminal to unlock: its session's leader can be seen."""
    keyring_problem: str = ""
    """Before the first run: why no keyring slot can be made here, one sentence; else empty."""
    tls: bool = False
    """Whether both ports speak TLS."""
    options: list[str] = msgspec.field(default_factory=list)
    """What starts such a worker again: options of `vault-tui worker`, none of them a secret."""
