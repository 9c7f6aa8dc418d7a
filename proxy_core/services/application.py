"""A worker's use cases from opening the database to closing it: what the worker's routes call."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.services.accounts.rereading import Rereading
from proxy_core.services.context import Context, Tunnels
from proxy_core.services.events import EventBus
from proxy_core.services.following.bearers import Bearers
from proxy_core.services.following.contents import Contents
from proxy_core.services.following.follower import Follower
from proxy_core.services.following.reloading import Reloading
from proxy_core.services.loading import load_snapshot
from proxy_core.services.parts import Parts
from proxy_core.services.snapshot import Snapshot
from proxy_core.store import sessions as session_store
from proxy_core.store.changes import ChangeFeed, change_feed
from proxy_core.store.database import Database
from proxy_core.store.request_log.sink import RequestLog
from proxy_core.store.touched import Scope


@dataclass(frozen=True, slots=True)
class ApplicationConfig:
    """`database` is a SQLite path or a SQLAlchemy URL.

    `allow_http_token_urls`: token endpoints on loopback may be plain http, for tests.
    """

    database: str | Path
    allow_http: bool = False
    allow_http_token_urls: bool = False


class Application(Parts):
    """One worker's use cases. Open and close it in the worker's loop."""

    def __init__(self, context: Context, config: ApplicationConfig, feed: ChangeFeed) -> None:
        super().__init__(
            context,
            allow_http=config.allow_http,
            allow_http_token_urls=config.allow_http_token_urls,
        )
        self.following = Follower(context, feed, self._reloading())

    @classmethod
    async def open(cls, config: ApplicationConfig, clock: Clock | None = None) -> "Application":
        """Migrate the database, load the snapshot; sealed until a slot opens it.

        Raises VaultError: database_newer, database_unavailable, home_unusable.
        """
        database = await asyncio.to_thread(Database.open, config.database)
        clock = clock or SystemClock()
        log = RequestLog(database, clock=clock)
        context = Context(database, EventBus(clock=clock, life=database.worker), log, clock)
        try:
            feed = await asyncio.to_thread(change_feed, database)
            application = cls(context, config, feed)
            await application._load()
        except BaseException:
            await asyncio.to_thread(database.close)
            raise
        log.start()
        return application

    def attach_tunnels(self, tunnels: Tunnels) -> None:
        """Tell revocation where the connections are."""
        self._context.tunnels = tunnels

    @property
    def log_dropped(self) -> int:
        """Request records that could not be kept."""
        return self._context.log.dropped

    @property
    def database_kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._context.database.dialect

    def problems(self) -> list[str]:
        """One sentence each, for the status."""
        worn = "The encryption key has been used very often: `vault-tui key rotate`."
        found = (
            self.keys.problem,
            self._context.log.problem,
            self.following.problem,
            worn if self._context.sealer.worn else None,
        )
        return [
            *(problem for problem in found if problem),
            *self.auditing.problems(),
            *self.logins.problems(),
            *self.sources.problems(),
            *self.webhooks.problems(),
            *self.issuers.problems(),
            *self.notifying.problems(),
        ]

    def _reloading(self) -> Reloading:
        """What is read again when other workers have changed something."""
        context = self._context
        return Reloading(
            (Contents(context, self.vaults).read, Bearers(context, self.runs).read),
            self.logins,
            Rereading(self.accounts.state, self.accounts.keeping),
            (
                (Scope.SETTINGS, self.settings.read),
                (Scope.GRANTS, self.grants.read),
                (Scope.PROPOSALS, self.proposals.waiting.read),
                (Scope.KEYS, self.keys.read),
                (Scope.USERS, self.users.read),
                (Scope.WEBHOOKS, self.webhooks.read),
                (Scope.ISSUERS, self.issuers.read),
            ),
        )

    async def close(self) -> None:
        """Flush the log and what is remembered, end followers, forget the DEK."""
        await self.flows.close()
        await self.notifying.close()
        self.issuers.close()
        await self._context.settle()
        await self.rotation.close()
        await self.logins.close()
        await self.minted_tokens.close()
        await self.command_values.close()
        await self.accounts.keeping.stop()
        await self.housekeeping.stop()
        await self.auditing.stop()
        await self._context.log.stop()
        self.bus.close()
        self._context.sealer.forget()
        self.leaves.forget()
        await self.following.close()
        await asyncio.to_thread(self._context.database.close)

    async def _load(self) -> None:
        await self.keys.load()
        await self.settings.load()
        await self.grants.load()
        await self.users.load()
        await self.webhooks.load()
        await self.issuers.load()
        await self.proposals.waiting.load()
        await self.logins.reload()
        await self.accounts.keeping.load()
        now = self._context.clock.time()

        def read(session: Session) -> tuple[Snapshot, list[tuple[int, float]]]:
            runs = [
                (scoped.run_pid, scoped.created_at)
                for scoped in session_store.live_sessions(session, now)
                if scoped.run_pid is not None
            ]
            return load_snapshot(session, now), runs

        self._context.snapshot, runs = await self._context.database.read(read)
        for pid, registered_at in runs:
            self.runs.restore(pid, registered_at)
