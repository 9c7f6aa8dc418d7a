"""What all use cases share, and the one way in which anything changes.

    change(work, then)     work in one transaction  →  committed  →  then: swap and announce

Changes are carried out one after the other, so snapshots follow commits in order. A change whose
caller has gone is carried through all the same: what is committed is always swapped in and
announced. What other workers have changed is taken in between two of them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from sqlmodel import Session

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.seal import Sealer
from proxy_core.services.audit.refusals import Refusals
from proxy_core.services.audit.trail import Trail
from proxy_core.services.events import EventBus
from proxy_core.services.key_fence import KeyFence
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer, Snapshot, VaultEntry
from proxy_core.services.usage import Usage
from proxy_core.services.users.directory import Directory
from proxy_core.services.verdicts import Verdicts
from proxy_core.store.database import Database
from proxy_core.store.request_log.sink import RequestLog

T = TypeVar("T")
Swap = Callable[[], None]
"""Puts in force, in the loop, what was read."""
Read = Callable[[Session], Sequence[Swap]]


class Tunnels(Protocol):
    """The part of the proxy server that revocation needs."""

    def close_for_token(self, sha256: bytes) -> None:
        """End every connection of a revoked token at once."""

    def connections_for_token(self, sha256: bytes) -> int:
        """Client connections open now."""


class NoTunnels:
    """Before the proxy server is attached there is nothing to end."""

    def close_for_token(self, sha256: bytes) -> None:
        """Nothing to do."""

    def connections_for_token(self, sha256: bytes) -> int:  # noqa: ARG002 - the protocol's argument
        """None."""
        return 0


class Context:
    """Belongs to the worker's loop; only `work` functions run elsewhere."""

    def __init__(
        self, database: Database, bus: EventBus, log: RequestLog, clock: Clock | None = None
    ) -> None:
        self.database = database
        self.bus = bus
        self.log = log
        self.clock = clock or SystemClock()
        self.sealer = Sealer()
        self.fence = KeyFence(self.sealer)
        database.at_start = self.fence.begin
        self.audit = Trail(database, self.sealer, self.clock)
        self.refusals = Refusals(self.audit, database)
        self.snapshot = Snapshot()
        self.verdicts = Verdicts(self.clock)
        self.usage = Usage()
        self.users = Directory()
        self.tunnels: Tunnels = NoTunnels()
        self.on_swap: Swap = lambda: None
        """Told, in the loop, when a change has put another snapshot in force."""
        self.former_names: dict[str, str] = {}
        """Vault ids by the names that vaults had in this life of the worker."""
        self.following = False
        """What is swapped in now is another worker's change, which announces it itself."""
        self.read_everything: Read = _nothing
        """Reads all that other workers may have changed."""
        self.active_at = self.clock.monotonic()
        """When something last happened that keeps the vault from sealing itself."""
        self._changes = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def change(self, work: Callable[[Session], T], then: Callable[[T], None]) -> T:
        """Commit `work`, then call `then` with its result in the loop. Raises what `work` raises.

        `work` sees the snapshot that the change before it left, and may be called again.
        """
        return await self.carry_through(self._change(work, then))

    async def look(self, work: Callable[[Session], T], then: Callable[[T], None]) -> None:
        """As `change`, for what stores nothing: it goes on while nothing can be written."""
        async with self._changes:
            then(await self.database.read(work))

    async def take_in(self, read: Read) -> None:
        """Read what another worker has changed, and swap it in. VaultError: database_unavailable.

        `read` runs in a store's thread, where nothing else changes the snapshot meanwhile.
        """
        async with self._changes:
            await self._take_in(read)

    async def carry_through(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps to their end even if the caller is cancelled meanwhile."""
        task = asyncio.ensure_future(steps)
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait for changes that are under way."""
        while self._running:
            await asyncio.wait(set(self._running))

    def publish(self, type: EventType, by: Principal | str, **data: Any) -> None:
        """Announce what has been committed. `data` holds no secret."""
        self.stir()
        who = by if isinstance(by, str) else by.label
        self.bus.publish(type.value, {**data, "by": who})

    def vault(self, name: str) -> VaultEntry:
        """A vault by name. Raises VaultError: vault_not_found."""
        entry = self.snapshot.vaults.get(name)
        if entry is None:
            raise VaultError("vault_not_found", f"There is no vault {name!r}.")
        return entry

    def bearer(self, sha256: bytes) -> Bearer | None:
        """Who holds a token: one of the vault's own, or a JWT that an issuer has vouched for."""
        return self.snapshot.bearers.get(sha256) or self.verdicts.known(sha256)

    def granted(self, sha256: bytes, entry: VaultEntry) -> frozenset[str] | None:
        """The services of a vault that a token may use; None: all, as for whoever has no token."""
        bearer = self.bearer(sha256)
        return None if bearer is None else bearer.services.get(entry.id)

    def vault_once_named(self, name: str) -> VaultEntry | None:
        """The vault that has, or had, this name: a request may outlive its vault's name."""
        entry = self.snapshot.vaults.get(name)
        return entry or self.snapshot.by_id.get(self.former_names.get(name, ""))

    def stir(self) -> None:
        """Note activity."""
        self.active_at = self.clock.monotonic()

    async def _change(self, work: Callable[[Session], T], then: Callable[[T], None]) -> T:
        async with self._changes:
            result = await self.database.run(work)
            before = self.snapshot
            try:
                then(result)
            except (KeyError, VaultError):
                # It is about what another worker made a moment ago: hear of that first.
                await self._take_in(self.read_everything)
                then(result)
            if self.snapshot is not before:
                self.on_swap()
            return result

    async def _take_in(self, read: Read) -> None:
        swaps = await self.database.read(read)
        before, self.following = self.snapshot, True
        try:
            for swap in swaps:
                swap()
        finally:
            self.following = False
        if self.snapshot is not before:
            self.on_swap()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        # An error whose caller has gone is nobody's; asking for it keeps the loop from complaining.
        if not task.cancelled():
            task.exception()


def _nothing(_: Session) -> Sequence[Swap]:
    return ()
