"""What the worker knows of itself, for the status."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from proxy_core.base.clock import Clock
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.worker.access import Caller


class Traffic(Protocol):
    """The proxy's live figures."""

    @property
    def connections(self) -> int:
        """Client connections open now."""

    @property
    def streams(self) -> int:
        """Requests under way now."""


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """`api` and `proxy` are `HOST:PORT`; `problems` are those of the worker's own tasks.

    `base_url` is where others reach the API: scheme and authority. `tls`: the listeners speak it.
    """

    app: Application
    traffic: Traffic
    clock: Clock
    started: float
    api: str
    proxy: str
    socket: str
    problems: Callable[[], list[str]]
    base_url: str
    tls: bool = False
    options: Sequence[str] = ()
    """Those that start such a worker again."""

    def status(self, caller: Caller) -> wire.Status:
        """The whole state for operators and the control socket; what is public for others."""
        principal = caller.principal
        is_operator = principal is not None and principal.is_operator
        inside = is_operator or caller.peer is not None
        return wire.Status(
            initialized=self.app.keys.initialized,
            sealed=self.app.keys.sealed,
            version=product_version(),
            api=self.api,
            proxy=self.proxy,
            socket=self.socket if inside else "",
            pid=os.getpid() if inside else 0,
            uptime=round(self.clock.monotonic() - self.started, 1),
            streams=self.traffic.streams,
            connections=self.traffic.connections,
            pending_proposals=self.app.proposals.pending,
            holds=len(self.app.holds),
            log_dropped=self.app.log_dropped,
            slots=self.app.keys.slot_kinds,
            database=self.app.database_kind,
            problems=[*self.app.problems(), *self.problems()] if inside else [],
            operator=is_operator,
            has_terminal=caller.terminal is not None,
            tls=self.tls,
            options=list(self.options) if inside else [],
        )


@cache
def product_version() -> str:
    """The installed version; looked up once, for consoles ask for it every second."""
    try:
        return version("vault-tui")
    except PackageNotFoundError:
        return "unknown"


def authority(host: str, port: int) -> str:
    """`HOST:PORT`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
