"""Wires database, sealer, events and use cases together: what the worker's routes call."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.mitm.ca import LeafMint
from proxy_core.services.accounts.rereading import Rereading
from proxy_core.services.accounts.service import Accounts
from proxy_core.services.agent_grants import AgentGrants
from proxy_core.services.agents import Agents
from proxy_core.services.approvals import Approvals
from proxy_core.services.audit.auditing import Auditing
from proxy_core.services.authentication import Authentication
from proxy_core.services.backups import Backups
from proxy_core.services.broker import Broker
from proxy_core.services.capturing import Capturing
from proxy_core.services.claude_gateway.answers import ClaudeGateway
from proxy_core.services.cloud.aws import AwsSigning
from proxy_core.services.cloud.lender import MintLender
from proxy_core.services.cloud.minting import MintedTokens
from proxy_core.services.commands.commands import Commands
from proxy_core.services.commands.lender import CommandLender
from proxy_core.services.commands.values import CommandValues
from proxy_core.services.connecting.connecting import Connecting
from proxy_core.services.connecting.flows import Flows
from proxy_core.services.context import Context, Tunnels
from proxy_core.services.credentials import Credentials
from proxy_core.services.discovery import Discoveries
from proxy_core.services.events import EventBus
from proxy_core.services.following.bearers import Bearers
from proxy_core.services.following.contents import Contents
from proxy_core.services.following.follower import Follower
from proxy_core.services.following.reloading import Reloading
from proxy_core.services.gateway import GatewayAnswers, Hello
from proxy_core.services.grants import Grants
from proxy_core.services.holds import Holds
from proxy_core.services.housekeeping import Housekeeping
from proxy_core.services.identity import Identity
from proxy_core.services.issuers import Issuers
from proxy_core.services.key_slots import KeySlots
from proxy_core.services.keys import Keys
from proxy_core.services.lending import Lending
from proxy_core.services.limits import AuthFailures, RequestLimits
from proxy_core.services.loading import load_snapshot
from proxy_core.services.logins import LoginLender, Logins
from proxy_core.services.logs import Logs
from proxy_core.services.oauth_credentials import OAuthCredentials
from proxy_core.services.operators import Operators
from proxy_core.services.proposals import Deciding, Inbox, Proposals
from proxy_core.services.request_counts import RequestCounts
from proxy_core.services.rotation import Rotation
from proxy_core.services.runs import RunProcesses
from proxy_core.services.service_admin import ServiceAdmin
from proxy_core.services.sessions import Sessions
from proxy_core.services.settings import Settings
from proxy_core.services.snapshot import BorrowedKind, Snapshot
from proxy_core.services.sources.sources import Sources
from proxy_core.services.users.service import Users
from proxy_core.services.vaults import Vaults
from proxy_core.services.webhooks import Notifying, Webhooks
from proxy_core.store import sessions as session_store
from proxy_core.store.changes import ChangeFeed, change_feed
from proxy_core.store.database import Database
from proxy_core.store.request_log import RequestLog
from proxy_core.store.touched import Scope


@dataclass(frozen=True, slots=True)
class ApplicationConfig:
    """`database` is a SQLite path or a SQLAlchemy URL.

    `allow_http_token_urls`: token endpoints on loopback may be plain http, for tests.
    """

    database: str | Path
    allow_http: bool = False
    allow_http_token_urls: bool = False


class Application:
    """One worker's use cases. Open and close it in the worker's loop.

    `leaves` and `broker` are what the data path asks; the rest is for routes.
    """

    def __init__(self, context: Context, config: ApplicationConfig, feed: ChangeFeed) -> None:
        self._context = context
        self.bus = context.bus
        self.verdicts = context.verdicts
        self.usage = context.usage
        self.leaves = LeafMint(clock=context.clock)
        self.runs = RunProcesses()
        self.keys = Keys(context, self.leaves)
        self.key_slots = KeySlots(context, self.keys)
        self.backups = Backups(context, self.keys, self.key_slots)
        self.settings = Settings(context)
        self.operators = Operators(
            context, self.keys, lambda: float(self.settings.value("unlock_minutes"))
        )
        self.users = Users(context, self.settings.session_rules)
        self.identity = Identity(context, self.operators, self.users.sessions)
        self.vaults = Vaults(context)
        self.logins = Logins(context)
        self.keys.on_seal(self.logins.suspend)
        self.keys.on_open(self.logins.resume)
        self.command_values = CommandValues(context)
        self.keys.on_seal(self.command_values.forget)
        self.rotation = Rotation(context, self.keys, self.key_slots, self.logins)
        self.rotation.on_replaced(self.command_values.reseal)
        self.commands = Commands(context, self.command_values)
        self.credentials = Credentials(context, self.logins, self.command_values)
        self.sources = Sources(context, self.credentials, config.allow_http_token_urls)
        self.oauth = OAuthCredentials(context, self.logins, config.allow_http_token_urls)
        self.services = ServiceAdmin(context, config.allow_http)
        counts = RequestCounts(context)
        self.agents = Agents(context, counts)
        self.agent_grants = AgentGrants(context)
        self.sessions = Sessions(
            context,
            counts,
            self.runs,
            lambda vault_id, name: self.accounts.state.roster.find(vault_id, name).id,
        )
        self.logs = Logs(context)
        self.discoveries = Discoveries(context)
        self.holds = Holds(context, self.settings.hold_limits)
        self.keys.on_seal(lambda: self.holds.end_all("sealed"))
        self.grants = Grants(context)
        self.approvals = Approvals(self.holds, self.grants, self.services, context.audit)
        self.limits = RequestLimits(context.clock)
        self.auth_failures = AuthFailures(context.clock)
        self.settings.on_change(self._limit)
        self.lending = Lending()
        self.lending.add(BorrowedKind.OAUTH, LoginLender(self.logins))
        self.lending.add(BorrowedKind.COMMAND, CommandLender(context, self.command_values))
        self.accounts = Accounts(context, self.logins, config.allow_http_token_urls)
        self.vaults.on_delete(self.accounts.keeping.forget_vault)
        self.lending.add(BorrowedKind.POOL, self.accounts.lender)
        self.minted_tokens = MintedTokens(context)
        self.lending.add(BorrowedKind.MINTED, MintLender(context, self.minted_tokens))
        self.flows = Flows(context)
        self.keys.on_seal(lambda: self.flows.end_all("sealed"))
        self.connecting = Connecting(context, self.logins, self.oauth, self.accounts, self.flows)
        self.capturing = Capturing(
            context,
            self.logins,
            self.accounts,
            lambda: self.flows.providers.endpoint,
            config.allow_http_token_urls,
        )
        self.gateway_answers = GatewayAnswers(Hello())
        self.claude_gateway = ClaudeGateway(context, self.settings)
        self.gateway_answers.add(self.claude_gateway)
        self.broker = Broker(
            context,
            self.approvals,
            self.limits,
            Authentication(context, self.auth_failures),
            self.lending,
            self.capturing,
            self.gateway_answers,
            AwsSigning(),
            config.allow_http,
        )
        connected = self.oauth.is_connected
        self.proposals = Proposals(context, connected, config.allow_http_token_urls)
        self.proposal_inbox = Inbox(context, self.proposals)
        self.vaults.on_delete(self.proposals.waiting.forget_vault)
        self.deciding = Deciding(
            context, self.proposals, self.credentials, self.services, connected
        )
        self.auditing = Auditing(context, lambda: int(self.settings.value("audit_retention_days")))
        self.housekeeping = Housekeeping(
            context,
            self.keys,
            self.settings,
            self.grants,
            self.proposals,
            self.users.sessions,
            self.claude_gateway.devices.requests,
        )
        self.webhooks = Webhooks(
            context,
            lambda: int(self.settings.value("webhook_disable_days")),
            config.allow_http_token_urls,
        )
        self.vaults.on_delete(self.webhooks.forget_vault)
        self.issuers = Issuers(context, config.allow_http_token_urls)
        self.notifying = Notifying(context, self.webhooks)
        self.keys.before_seal(self.notifying.last_words)
        self.keys.on_open(self.notifying.opened)
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

    def _limit(self) -> None:
        """Put the limits of the settings in force."""
        self.limits.agents.limit = self.settings.request_limit("agent")
        self.limits.vaults.limit = self.settings.request_limit("vault")
        self.auth_failures.budget = self.settings.value("auth_failures_per_minute")

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
