"""Connections of OAuth requests: resolve through the guard, dial that address, nothing else."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import httpcore

Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Dialable(Protocol):
    """An address that the guard lets through, in canonical text, and its port."""

    @property
    def address(self) -> str: ...  # noqa: D102 - said by the class

    @property
    def port(self) -> int: ...  # noqa: D102 - said by the class


class Resolve(Protocol):
    """The network guard, as far as it is needed here: `mitm.guard.Guard.resolve` is one."""

    async def __call__(self, host: str, port: int) -> Sequence[Dialable]:
        """Addresses to try in order. Raises VaultError: address_blocked, upstream_unreachable."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to what the guard answers; TLS keeps the host's name."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._tcp = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Option] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that answers.

        Raises VaultError (the guard's) and httpcore.ConnectError or ConnectTimeout.
        """
        failure: Exception = httpcore.ConnectError("no address")
        for found in await self._resolve(host, port):
            try:
                return await self._tcp.connect_tcp(
                    found.address, found.port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure
