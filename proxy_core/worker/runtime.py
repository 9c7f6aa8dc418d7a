"""The worker from start to end: what is opened, in which order, and closed in the reverse.

home, lock, ports      nothing is changed before these are ours
database, keys         sealed unless a slot opens it
proxy, API             then the `ready` line
background tasks
"""

import asyncio
import gc
import logging
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from proxy_core.base.clock import SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.connect_to import ConnectToTable
from proxy_core.mitm.guard import Guard
from proxy_core.mitm.server import ProxyServer
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.store.copying import remove_leftovers
from proxy_core.worker.access import Gatekeeper
from proxy_core.worker.api import create_api
from proxy_core.worker.certificate import ServerCertificate
from proxy_core.worker.chores import (
    CERTIFICATE_TASK,
    follow_settings,
    renewing,
    start_chores,
    watch_certificate,
)
from proxy_core.worker.config import WorkerConfig, is_loopback
from proxy_core.worker.facts import WorkerFacts, authority
from proxy_core.worker.instance import bind_control_socket, bind_port, only_worker
from proxy_core.worker.listener import ApiListener
from proxy_core.worker.outbound import attach_clients, base_url
from proxy_core.worker.tasks import Supervisor

_LOG = logging.getLogger("vault_tui.worker")
GRACE_SECONDS = 20.0
GC_THRESHOLDS = (10_000, 20, 20)
SWITCH_SECONDS = 0.0005
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that serves."""

    app: Application
    facts: WorkerFacts
    supervisor: Supervisor
    listener: ApiListener
    certificate: ServerCertificate | None = None

    def renew_certificate(self) -> None:
        """Show the certificate as its files are by now. A failure is one of the problems."""
        if self.certificate is not None:
            self.supervisor.soon(CERTIFICATE_TASK, renewing(self.certificate))

    @property
    def ready_line(self) -> str:
        """What is printed once on stdout."""
        return f"ready api={self.facts.api} proxy={self.facts.proxy} socket={self.facts.socket}"


@asynccontextmanager
async def running_worker(
    config: WorkerConfig,
    password: bytearray | None = None,
    hurry: asyncio.Event | None = None,
) -> AsyncIterator[Running]:
    """Serve inside the context. `hurry`, once set, ends the grace that streams get at the end.

    Raises VaultError: bad_request, home_unusable, already_running, port_in_use, database_newer,
    database_unavailable, wrong_key.
    """
    config.check()
    config.home.prepare(config.socket_group)
    with only_worker(config.home), _bound(config) as bound:
        async with _application(config, password) as app:
            supervisor = Supervisor(lambda text: _publish_problem(app, text))
            async with _serving(config, app, bound, supervisor, hurry) as running:
                yield running


async def serve_until_signal(
    config: WorkerConfig, password: bytearray | None, on_ready: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the grace for streams.

    Raises as `running_worker` does, and VaultError: internal when the API ends by itself.
    """
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    async with running_worker(config, password, hurry) as running:
        if running.certificate is not None:  # else a hang-up ends the worker, as ever
            loop.add_signal_handler(signal.SIGHUP, running.renew_certificate)
        _settle()
        on_ready(running.ready_line)
        _LOG.info("%s", running.ready_line)
        try:
            await _first_of(stop.wait(), running.listener.watch())
        finally:
            _LOG.info("stopping")
            by = "signal" if stop.is_set() else "failure"
            running.app.bus.publish(EventType.WORKER_STOPPING, {"by": by})
    _LOG.info("stopped")


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return, or raise, as the first to end does."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


def _settle() -> None:
    """Tune the interpreter for a process that has loaded what it needs and now serves.

    What was loaded stays for good: the garbage collector, which slept until now, need not walk it
    again and again. Requests free what they use by reference counts, so it need not come often.
    A thread that holds the interpreter (the log's) gives it up to the loop after half a
    millisecond instead of five.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
    sys.setswitchinterval(SWITCH_SECONDS)


@dataclass(frozen=True, slots=True)
class _Bound:
    """Sockets that are ours but not yet listened on. The proxy opens its own when it starts."""

    api: socket.socket
    control: socket.socket
    proxy_port: int


@contextmanager
def _bound(config: WorkerConfig) -> Iterator[_Bound]:
    api = bind_port(config.host, config.port)
    try:
        # Only to learn early, before the database is touched, that the port is free.
        bind_port(config.host, config.proxy_port).close()
        control = bind_control_socket(config.home.socket, config.socket_group)
        try:
            yield _Bound(api, control, config.proxy_port)
        finally:
            control.close()
            config.home.socket.unlink(missing_ok=True)
    finally:
        api.close()


@asynccontextmanager
async def _application(
    config: WorkerConfig, password: bytearray | None
) -> AsyncIterator[Application]:
    database = config.database or config.home.database
    if not config.database:  # nobody else is at the home's: the lock is ours
        remove_leftovers(config.home.database)
    app = await Application.open(
        ApplicationConfig(database, config.allow_http, config.allow_http_token_urls)
    )
    try:
        await _unseal(app, password)
        yield app
    finally:
        await app.close()


async def _unseal(app: Application, password: bytearray | None) -> None:
    """Try the slots in order. A password that was given and opens nothing is an error."""
    if not app.keys.initialized:
        return
    try:
        opened = await app.keys.unseal_automatically(None if password is None else bytes(password))
    finally:
        for index in range(len(password or b"")):
            password[index] = 0  # type: ignore[index]  # there is something to overwrite
    if opened is not None:
        _LOG.info("unsealed by the %s slot", opened)
    elif password is not None:
        raise VaultError("wrong_key", "The master password given does not open the vault.")


@asynccontextmanager
async def _serving(
    config: WorkerConfig,
    app: Application,
    bound: _Bound,
    supervisor: Supervisor,
    hurry: asyncio.Event | None,
) -> AsyncIterator[Running]:
    guard = Guard(connect_to=ConnectToTable.parse(config.connect_to))
    certificate = config.certificate()
    tls = None if certificate is None else certificate.context
    proxy = _proxy(config, app, guard, tls)
    attach_clients(app, config, guard, _CLOCK, *bound.api.getsockname()[:2])
    proxy_address = await proxy.start(config.host, bound.proxy_port)
    facts = _facts(config, app, bound, proxy, proxy_address, supervisor)
    front = create_api(
        facts,
        Gatekeeper(app, config.socket_group),
        own_names=(config.host, socket.gethostname()),
        any_address=not is_loopback(config.host),
        public_url=config.public_url,
    )
    listener = ApiListener(front, (bound.api, bound.control), tls)
    try:
        await listener.start()
        start_chores(supervisor, app)
        if certificate is not None:
            watch_certificate(supervisor, certificate)
        yield Running(app, facts, supervisor, listener, certificate)
    finally:
        await supervisor.stop()
        await _stop_serving(proxy, listener, app, hurry or asyncio.Event())


def _proxy(
    config: WorkerConfig, app: Application, guard: Guard, tls: ssl.SSLContext | None
) -> ProxyServer:
    """The data path, under the settings in force; it does not listen yet."""
    limits = ProxyConfig(
        upstream_ca=config.upstream_ca, gateway_domain=config.gateway_domain, tls=tls
    )
    proxy = ProxyServer(app.broker, app.leaves, guard, limits)
    follow_settings(app, proxy, guard, config.allow_private)
    app.attach_tunnels(proxy)
    return proxy


def _facts(
    config: WorkerConfig,
    app: Application,
    bound: _Bound,
    proxy: ProxyServer,
    proxy_address: tuple[str, int],
    supervisor: Supervisor,
) -> WorkerFacts:
    api_host, api_port = bound.api.getsockname()[:2]
    return WorkerFacts(
        app=app,
        traffic=proxy,
        clock=_CLOCK,
        started=_CLOCK.monotonic(),
        api=authority(api_host, api_port),
        proxy=authority(*proxy_address),
        socket=str(config.home.socket),
        problems=supervisor.problems,
        base_url=base_url(config, api_host, api_port),
        tls=config.speaks_tls,
        options=config.again(api_port, proxy_address[1]),
    )


async def _stop_serving(
    proxy: ProxyServer, listener: ApiListener, app: Application, hurry: asyncio.Event
) -> None:
    """Let streams finish up to the limit, or until `hurry`; event followers end first.

    Nobody can answer held requests any more: they are refused at once.
    """
    app.holds.end_all("shutting_down", closing=True)
    app.flows.end_all("shutting_down")
    graceful = asyncio.create_task(proxy.stop(GRACE_SECONDS))
    hurried = asyncio.create_task(hurry.wait())
    await asyncio.wait({graceful, hurried}, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not graceful.done():
        graceful.cancel()
        await asyncio.gather(graceful, return_exceptions=True)
    app.bus.close()
    await listener.stop(2.0)


def _publish_problem(app: Application, sentence: str) -> None:
    app.bus.publish(EventType.WORKER_PROBLEM, {"problem": sentence})
