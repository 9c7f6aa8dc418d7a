"""The gateway's use cases: which upstream a prefix stands for, and paths answered on the spot."""

import asyncio
from collections.abc import Container
from typing import Final, Protocol

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.service import Gateway, Service
from proxy_core.services.snapshot import VaultEntry

_SHOWN: Final = 64
_NAMED: Final = 8
"""Prefixes in a sentence."""


class LocalAnswers(Protocol):
    """One protocol that the gateway speaks itself. Add it to `GatewayAnswers`."""

    def covers(self, request: LocalRequest) -> LocalPath | None:
        """Whether the path is one of its own. Asked for every gateway request: costs little."""

    async def answer(self, local: Local) -> LocalAnswer | None:
        """The answer; None: the request goes on to the upstream.

        Goes on to its end when the client leaves. A VaultError is answered as any other refusal.
        """


class Hello:
    """`HEAD {base}/api/hello`, by which Claude Code sees whether a base URL is there.

    It comes without a token. With one, it may be a request for the upstream.
    """

    def covers(self, request: LocalRequest) -> LocalPath | None:
        """Whether it is that."""
        is_hello = request.method == "HEAD" and request.path == "/api/hello"
        if not is_hello or request.has_token:
            return None
        return LocalPath("hello", public=True, max_body=0)

    async def answer(self, local: Local) -> LocalAnswer | None:  # noqa: ARG002 - the protocol's
        """Yes."""
        return LocalAnswer(200)


class GatewayAnswers:
    """All protocols that the gateway speaks itself; the first that covers a path has it."""

    def __init__(self, *protocols: LocalAnswers) -> None:
        self._protocols = list(protocols)
        self._running: set[asyncio.Future[LocalAnswer | None]] = set()

    def add(self, protocol: LocalAnswers) -> None:
        """Let one more protocol answer, behind the others."""
        self._protocols.append(protocol)

    def covering(self, request: LocalRequest) -> tuple[LocalPath, LocalAnswers] | None:
        """Who answers a request, and on which terms; None: it goes upstream."""
        for protocol in self._protocols:
            path = protocol.covers(request)
            if path is not None:
                return path, protocol
        return None

    async def answer(self, local: Local) -> LocalAnswer | None:
        """The answer of whoever covers it. Carried through when the client leaves."""
        covering = self.covering(local.request)
        if covering is None:
            return None
        task = asyncio.ensure_future(covering[1].answer(local))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: "asyncio.Future[LocalAnswer | None]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may have left


def upstream_of(entry: VaultEntry, prefix: str, granted: Container[str] | None) -> Gateway:
    """Where a prefix leads in a vault. `granted`: services that the client may use; None: all.

    Raises VaultError: gateway_not_found (with the prefixes that there are), service_disabled.
    """
    service = entry.compiled.gateways.get(prefix)
    if service is None or service.gateway is None or not _may_use(service, granted):
        raise _not_found(entry, prefix, granted)
    if not service.enabled:
        raise VaultError("service_disabled", f"service {service.name} is disabled")
    return service.gateway


def _may_use(service: Service, granted: Container[str] | None) -> bool:
    return granted is None or service.name in granted


def _not_found(entry: VaultEntry, prefix: str, granted: Container[str] | None) -> VaultError:
    usable = sorted(
        name
        for name, service in entry.compiled.gateways.items()
        if service.enabled and _may_use(service, granted)
    )
    there = ", ".join(f"/{name}/" for name in usable[:_NAMED]) or "none"
    return VaultError(
        "gateway_not_found",
        f"vault {entry.name} has no gateway /{display_safe(prefix, _SHOWN)}/ for this token; "
        f"there is {there}",
        {"gateways": usable},
    )
