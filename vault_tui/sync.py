"""Keeping the console's state in step with the worker: what each note of the connection changes."""

import logging
from typing import TYPE_CHECKING

from textual.worker import WorkType

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from vault_tui.agent_lists import read_agents
from vault_tui.live import effect_of
from vault_tui.revival import Revival
from vault_tui.setting_lists import read_settings
from vault_tui.state import Level, Link
from vault_tui.strings import common as strings

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

log = logging.getLogger(__name__)
# Changes come in bursts (an import, an approval): one read for all of them.
RELOAD_SECONDS = 0.03
BACKFILL_ROWS = 200
_LISTS = ("vaults", "credentials", "services", "proposals", "holds", "accounts", "agents")
_ON_DEMAND = "settings"
"""Read once its screen was shown."""

# Somebody waits for an answer.
_RINGING = frozenset(
    kind.value
    for kind in (
        EventType.REQUEST_HELD,
        EventType.PROPOSAL_CREATED,
        EventType.DEVICE_REQUESTED,
    )
)


class WorkerSync:
    """The connection's listener."""

    def __init__(self, app: "ConsoleApp") -> None:
        self._app = app
        self._wanted: set[str] = set()
        self.revival = Revival(app)
        self._pid = 0
        self._new_worker = False

    # --- the connection's notes ---------------------------------------------------------------

    async def connected(self, away_seconds: float | None) -> None:
        """Read everything that events will then keep up to date."""
        app = self._app
        first = app.state.link is not Link.LIVE and away_seconds is None
        app.state.link = Link.LIVE
        self.revival.alive()
        before, self._pid = self._pid, app.state.status.pid if app.state.status else 0
        self._new_worker = away_seconds is not None and before != self._pid
        if away_seconds is not None:
            text = strings.NEW_WORKER if self._new_worker else strings.RECONNECTED
            app.notice(text.format(seconds=round(away_seconds)), Level.GOOD)
        app.refresh_frame()
        if first or self._new_worker:
            app.attempt(self.backfill(), "backfill")
        self.reload("all")

    def disconnected(self, reason: str) -> None:
        """Keep the screen, say that it is old."""
        state = self._app.state
        before, state.link = state.link, Link.LOST
        if before is Link.LOST:
            return
        self._app.traffic.ring.forget_under_way()
        self.revival.gone(strings.DISCONNECTED.format(reason=reason))

    def given_up(self, reason: str) -> None:
        """Keep the screen; only a new console, or a new sign-in, is of use now."""
        self._app.state.link = Link.LOST
        self._app.traffic.ring.forget_under_way()
        self._app.notice(reason, Level.ERROR)

    async def lost(self, count: int | None) -> None:
        """Fill what can be filled from the log, and say what was missed."""
        many = strings.SOME if count is None else str(count)
        # That a new worker does not know the old one's events has been said already.
        if count is not None or not self._new_worker:
            self._app.notice(strings.LOST_EVENTS.format(count=many), Level.WARNING)
        self._app.attempt(self.backfill(), "backfill")
        self.reload("all")

    def event(self, event: Event) -> None:
        """A request goes into the traffic; anything else may reload a list."""
        app = self._app
        if app.traffic.take(event):
            return
        if event.type == EventType.WORKER_STOPPING:
            self.revival.announced(event)
        app.state.events.append(event)
        app.data_changed("events")
        effect = effect_of(event, app.state.vault)
        if effect.text:
            app.notice(effect.text, effect.level)
        if event.type in _RINGING:
            app.alerts.raise_alert(effect.text, "warning")
        for name in effect.reloads:
            self.reload(name)

    def status(self, status: wire.Status, round_trip_ms: float) -> None:
        """Take the status in; gates open and close with it."""
        app, before = self._app, self._app.state.status
        app.state.status, app.state.round_trip_ms = status, round_trip_ms
        fresh = [p for p in status.problems if before is None or p not in before.problems]
        for problem in fresh:
            app.notice(problem, Level.ERROR)
        if before is not None and app.state.link is Link.LIVE and _opened(before, status):
            app.attempt(self.backfill(), "backfill")
            self.reload("all")
        app.check_gate()
        app.refresh_frame()

    # --- reading lists ------------------------------------------------------------------------

    def reload(self, what: str) -> None:
        """Read lists afresh soon: `all`, `status`, or one list's name."""
        if not self._wanted:
            self._app.set_timer(RELOAD_SECONDS, self._reload_wanted)
        self._wanted |= {"status", *_LISTS} if what == "all" else {what}
        if what == "all" and self._app.state.settings is not None:
            self._wanted.add(_ON_DEMAND)

    def _reload_wanted(self) -> None:
        wanted, self._wanted = self._wanted, set()

        async def read() -> None:
            await self._read(wanted)

        work: WorkType[None] = read
        self._app.run_worker(work, name="reload")

    async def _read(self, wanted: set[str]) -> None:
        app = self._app
        if "status" in wanted:
            await app.ask_status()
        if app.state.sealed:
            return
        for name in (*_LISTS, _ON_DEMAND):
            if name in wanted:
                try:
                    await getattr(self, f"_read_{name}")()
                except VaultError as error:
                    log.info("%s: %s", name, error)
                    if error.code not in {"sealed", "not_initialized", "no_worker"}:
                        app.notice(str(error), Level.ERROR)
                else:
                    app.data_changed(name)

    async def _read_vaults(self) -> None:
        state = self._app.state
        state.vaults = (await self._app.send(calls.vaults())).vaults
        names = [vault.name for vault in state.vaults]
        if names and state.vault not in names:
            self._app.switch_vault(names[0])
        vault, found = state.vault, await self._source()
        if vault == state.vault:
            state.source = found

    async def _source(self) -> wire.SourceInfo | None:
        """How reading the vault's store goes; none without one, and for who may not see it."""
        if not self._app.state.store:
            return None
        try:
            return await self._app.send(calls.source(self._app.state.vault))
        except VaultError as error:
            if error.code not in {"not_found", "vault_not_found", "role_forbidden"}:
                raise
            return None

    async def _read_credentials(self) -> None:
        vault = self._app.state.vault
        answer = await self._app.send(calls.credentials(vault))
        if vault == self._app.state.vault:
            known = answer.credentials
            self._app.state.credentials = (
                known
                if known is not None
                else [wire.CredentialInfo(key=key, type="static") for key in answer.keys]
            )

    async def _read_services(self) -> None:
        vault = self._app.state.vault
        answer = await self._app.send(calls.services(vault))
        if vault == self._app.state.vault:
            self._app.state.services = answer.services

    async def _read_proposals(self) -> None:
        vault = self._app.state.vault
        answer = await self._app.send(calls.admin_proposals(vault))
        if vault == self._app.state.vault:
            self._app.state.proposals = answer.proposals
        self._app.refresh_frame()

    async def _read_holds(self) -> None:
        state = self._app.state
        state.holds = (await self._app.send(calls.holds())).holds
        state.devices = await self._device_requests()
        self._app.refresh_frame()

    async def _device_requests(self) -> list[wire.DeviceRequest]:
        """Those that wait; none for who may not see them."""
        try:
            return (await self._app.send(calls.device_requests())).requests
        except VaultError as error:
            if error.code != "role_forbidden":
                raise
            return []

    async def _read_accounts(self) -> None:
        """Accounts, their pools, and what those chose: one screen shows them together."""
        app, vault = self._app, self._app.state.vault
        accounts = (await app.send(calls.accounts(vault))).accounts
        pools = (await app.send(calls.pools(vault))).pools
        choices = [await app.send(calls.pool_choices(pool.key, vault)) for pool in pools]
        if vault == app.state.vault:
            app.state.accounts, app.state.pools, app.state.choices = accounts, pools, choices

    async def _read_agents(self) -> None:
        app, vault = self._app, self._app.state.vault
        agents, sessions = await read_agents(app.send, vault)
        if vault == app.state.vault:
            app.state.agents, app.state.sessions = agents, sessions

    async def _read_settings(self) -> None:
        state = self._app.state
        state.slots, state.settings, state.ca_pem = await read_settings(self._app.send)

    async def backfill(self) -> None:
        """Rows that the log has and the screen has not."""
        app = self._app
        vault = app.state.vault
        if app.state.sealed:
            return
        page = await app.send(calls.logs(vault, limit=BACKFILL_ROWS))
        if vault != app.state.vault:
            return
        ring = app.traffic.ring
        if len(ring):
            ring.catch_up(page.logs)
        else:
            ring.prepend(page.logs)


def _opened(before: wire.Status, after: wire.Status) -> bool:
    """Whether the vault can be used now and could not before."""
    return (before.sealed or not before.initialized) and after.initialized and not after.sealed
