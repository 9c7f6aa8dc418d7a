"""What the worker does beside serving: settings take effect, leaves are minted ahead."""

import asyncio
import logging
from contextlib import suppress

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.mitm.ca import CACHE_SIZE
from proxy_core.mitm.guard import Guard
from proxy_core.mitm.server import ProxyServer
from proxy_core.services.accounts import polling
from proxy_core.services.application import Application
from proxy_core.services.events import Follow
from proxy_core.services.housekeeping import INTERVAL_SECONDS
from proxy_core.services.issuers import issuers
from proxy_core.worker.certificate import ServerCertificate
from proxy_core.worker.tasks import Supervisor, Work

_LOG = logging.getLogger("vault_tui.worker")
_LEAF_CAUSES = frozenset({EventType.WORKER_UNSEALED.value, EventType.SERVICE_CHANGED.value})
_LEAF_PAUSE = 1.0
# A part of the cache only, so that leaves in use stay in it.
_MOST_LEAVES = CACHE_SIZE // 2
# Sealing must not wait for long: so many take a tenth of a second, if all of them are missing.
_MOST_LAST_LEAVES = 64
CERTIFICATE_TASK = "server certificate"
_CERTIFICATE_SECONDS = 10.0
# Each takes about a millisecond of the loop: leave it to requests meanwhile.
_LEAF_GAP = 0.005


def follow_settings(
    app: Application, proxy: ProxyServer, guard: Guard, allow_private: bool
) -> None:
    """Put the settings in force, now and after every change."""
    base = proxy.config

    def apply() -> None:
        proxy.config = app.settings.proxy_config(base)
        guard.allow(allow_private, app.settings.value("allow_cidrs"))

    apply()
    app.settings.on_change(apply)


def start_chores(supervisor: Supervisor, app: Application) -> None:
    """Start the background tasks."""

    async def mint_ahead() -> None:
        wanted = Follow(app.bus.last_seq, _LEAF_CAUSES, pause=_LEAF_PAUSE)
        await _mint(app)
        async for _ in app.bus.follow(wanted):
            await _mint(app)

    app.keys.before_seal(lambda _: _mint_last(app))
    supervisor.every(INTERVAL_SECONDS, "housekeeping", app.housekeeping.tick)
    supervisor.every(INTERVAL_SECONDS, "account use", app.accounts.keeping.tick)
    supervisor.every(INTERVAL_SECONDS, "audit", app.auditing.tick)
    supervisor.every(polling.INTERVAL_SECONDS, "account quota", app.accounts.polling.tick)
    supervisor.every(1.0, "changes by other workers", app.following.hear, at_once=True)
    supervisor.every(1.0, "events for other workers", app.following.say, at_once=True)
    supervisor.every(2.0, "ended runs", app.sessions.end_with_processes)
    supervisor.every(1.0, "token refresh", app.logins.run, at_once=True)
    supervisor.every(5.0, "external stores", app.sources.tick)
    supervisor.every(1.0, "command credentials", app.command_values.tick)
    supervisor.every(issuers.INTERVAL_SECONDS, "issuers' keys", app.issuers.tick, at_once=True)
    supervisor.every(1.0, "webhooks", app.notifying.run, at_once=True)
    supervisor.every(60.0, "leaf certificates", mint_ahead, at_once=True)


def watch_certificate(supervisor: Supervisor, certificate: ServerCertificate) -> None:
    """Show new connections whatever certificate is in the files."""
    supervisor.every(_CERTIFICATE_SECONDS, CERTIFICATE_TASK, renewing(certificate))


def renewing(certificate: ServerCertificate) -> Work:
    """What reads it again. Fails while the files are wrong, or what they hold ends soon."""

    async def renew() -> None:
        if await certificate.refresh():
            _LOG.info("the server certificate was renewed")
        if certificate.trouble:
            raise VaultError("bad_request", certificate.trouble)

    return renew


async def _mint(app: Application) -> None:
    """Leaves for services' exact hosts: a first request need not wait for its own."""
    for host in app.services.exact_hosts(_MOST_LEAVES):
        if app.keys.sealed:
            return
        app.leaves.warm([host])
        await asyncio.sleep(_LEAF_GAP)


def _mint_last(app: Application) -> None:
    """Leaves that a vault about to be sealed lacks: in their tunnels it can say that it is."""
    for host in app.services.exact_hosts(_MOST_LAST_LEAVES):
        with suppress(VaultError):  # whatever it is, sealing comes first
            app.leaves.warm([host])
