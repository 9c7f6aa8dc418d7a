"""`HOST:PORT:ADDR:PORT`: connect elsewhere for one host and port, as curl's option does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy_core.base.errors import VaultError

_ENTRY = re.compile(
    r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]\s]*):([0-9]{0,5}):(\[[0-9A-Fa-f:.]*\]|[^:\[\]\s]*):([0-9]{0,5})"
)


def _host(text: str) -> str:
    return text.strip("[]").lower().rstrip(".")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to connect. `named`: an operator chose the host, so it may be a private one."""

    host: str
    port: int
    named: bool


@dataclass(frozen=True, slots=True)
class ConnectTo:
    """One entry. An empty host or port 0 matches any on the left and keeps it on the right."""

    host: str
    port: int
    to_host: str
    to_port: int

    def matches(self, host: str, port: int) -> bool:
        """Whether this entry speaks of `host` (normalised) and `port`."""
        return self.host in ("", host) and self.port in (0, port)


@dataclass(frozen=True, slots=True)
class ConnectToTable:
    """Entries in the order given: the first that matches counts."""

    entries: tuple[ConnectTo, ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "ConnectToTable":
        """Read `HOST:PORT:ADDR:PORT` entries; IPv6 stands in brackets.

        Raises VaultError bad_request.
        """
        return cls(tuple(map(_parse, texts)))

    def destination(self, host: str, port: int) -> Destination:
        """Where a connection for `host` and `port` is to go."""
        wanted = _host(host)
        for entry in self.entries:
            if entry.matches(wanted, port):
                return Destination(
                    entry.to_host or wanted, entry.to_port or port, named=bool(entry.to_host)
                )
        return Destination(wanted, port, named=False)


def _parse(text: str) -> ConnectTo:
    match = _ENTRY.fullmatch(text)
    if match is None:
        raise VaultError("bad_request", "--connect-to is not HOST:PORT:ADDR:PORT")
    host, port, to_host, to_port = match.groups()
    ports = int(port or 0), int(to_port or 0)
    if max(ports) > 65535:
        raise VaultError("bad_request", "--connect-to names a port above 65535")
    return ConnectTo(_host(host), ports[0], _host(to_host), ports[1])
