"""The part of the worker's client that the console uses, and how it is opened.

The client is imported when it is opened, in a thread: httpx alone costs more than the first paint.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.client.sse import Note
from proxy_core.client.target import Target
from proxy_core.domain.wire import OperatorSession

if TYPE_CHECKING:
    from proxy_core.client.async_client import AsyncClient
    from proxy_core.domain.doctor import Facts

T = TypeVar("T")


class WorkerLink(Protocol):
    """One worker. Every failure is a VaultError."""

    async def send(self, call: Call[T]) -> T:
        """Carry a call out."""
        ...

    def keep(self, session: OperatorSession | None) -> None:
        """From now on use this operator session where no terminal was unlocked; None: no more."""
        ...

    def events(self) -> AsyncIterator[Note]:
        """Events from now on, without end: reconnects, resumes and says what was lost."""
        ...

    async def close(self) -> None:
        """Give the connections up."""
        ...


OpenLink = Callable[[], Awaitable[WorkerLink]]


class ClientLink:
    """A WorkerLink over the worker's client.

    A console whose terminal session cannot be told from others is no operator by where it runs.
    It then holds the token of the session that its own unlock opened: here, in memory, alone.
    """

    def __init__(self, client: "AsyncClient") -> None:
        self._client = client
        self._token = ""
        self._closed = False

    async def send(self, call: Call[T]) -> T:
        """See WorkerLink. Once the kept session has ended, calls go on without it."""
        try:
            return await self._send(call)
        except RuntimeError:
            # Lists may still be being read while the console leaves.
            if not self._closed:
                raise
            raise VaultError("no_worker", "The console has left.") from None

    async def _send(self, call: Call[T]) -> T:
        token = self._token
        try:
            return await self._client.send(call, token)
        except VaultError as error:
            if not token or error.code != "unauthorized":
                raise
        if self._token == token:
            self._token = ""
        return await self._client.send(call)

    def keep(self, session: OperatorSession | None) -> None:
        """See WorkerLink."""
        self._token = session.token if session is not None and not session.terminal else ""

    def events(self) -> AsyncIterator[Note]:
        """See WorkerLink. Batches leave out starts whose end they hold."""
        from proxy_core.client.stream import events

        return events(self._client, coalesce=True)

    async def close(self) -> None:
        """See WorkerLink."""
        self._closed = True
        await self._client.aclose()


StartWorker = Callable[[list[str]], Awaitable[None]]
Examine = Callable[[str], "Facts"]
"""Gathers what `doctor` asks of a vault; blocks for some seconds. Raises VaultError."""


def examiner(home: Home, remote: Target | None) -> Examine:
    """How to look at this machine and at the worker of `home`, or the `remote` one."""

    def examine(vault: str) -> "Facts":
        from vault_tui.doctor.gather import Question, gather

        return gather(Question(remote or Target.choose(home), home, vault))

    return examine


def starter(home: Home) -> StartWorker:
    """How to start the worker of `home`, with options of its own, unless one runs."""

    async def start(options: list[str]) -> None:
        from proxy_core.client.launcher import ensure_worker

        await asyncio.to_thread(ensure_worker, home, options)

    return start


def opener(home: Home, remote: Target | None = None, slot: str = "") -> OpenLink:
    """How to reach the worker of `home`, starting one if none runs, or the `remote` one.

    `slot` is proved at once, without asking: a kind whose key the worker fetches itself.
    """

    async def open_link() -> WorkerLink:
        link = ClientLink(await asyncio.to_thread(_open, home, remote))
        if slot:
            session = await link.send(calls.unlock(slot))
            link.keep(session)
        return link

    return open_link


def _open(home: Home, remote: Target | None) -> "AsyncClient":
    from proxy_core.client.async_client import AsyncClient
    from proxy_core.client.launcher import ensure_worker

    if remote is not None:
        return AsyncClient(remote)
    ensure_worker(home)
    return AsyncClient(Target.choose(home))
