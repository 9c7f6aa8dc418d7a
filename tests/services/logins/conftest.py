"""Workers' use cases over one database, and a strict provider on a real socket."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from proxy_core.mitm.guard import Guard
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.logins import Login
from proxy_core.services.principal import operator
from tests.oauth.rotating import RotatingServer
from tests.oauth.servers import Received, listening
from tests.schemas import copy_newest
from tests.services.conftest import ADA, seen_events

LIFE = 3600
EARLY = LIFE - 600
"""Seconds after which a token is not due yet; 600 more and it has expired."""


@dataclass
class Provider(RotatingServer):
    """The strict server, whose answers can be kept back: `held` is set when one is."""

    expires_in: int = LIFE
    hold: bool = False
    held: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Received) -> bytes | None:
        answer = await super().__call__(request)
        if self.hold:
            self.held.set()
            await self.go.wait()
        return answer

    def keep_back(self) -> None:
        """Keep answers back from now on."""
        self.hold = True
        self.held.clear()
        self.go.clear()

    def let_go(self) -> None:
        """Answer, also from now on."""
        self.hold = False
        self.go.set()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A running provider."""
    server = Provider()
    async with listening(server) as server.port:
        yield server
        server.let_go()


OpenWorker = Callable[[], Awaitable[Application]]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where workers meet."""
    if request.param == "sqlite":
        return str(copy_newest(tmp_path / "shared.db"))
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def open_worker(database: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[OpenWorker]:
    """Opens one worker after the other on the database; the first one sets the vault up."""
    async with AsyncExitStack() as stack:

        async def open_one() -> Application:
            application = await opened_worker(database, tmp_path / "master.key", clock)
            stack.push_async_callback(application.close)
            return application

        yield open_one


@pytest.fixture
def sqlite_worker(tmp_path: Path, clock: FakeClock) -> Callable[[], Awaitable[Application]]:
    """Opens a worker on a SQLite database; whoever asks closes it."""
    path = str(copy_newest(tmp_path / "vault.db"))
    return lambda: opened_worker(path, tmp_path / "master.key", clock)


async def opened_worker(database: str, key: Path, clock: FakeClock) -> Application:
    """A worker, open, whose token endpoints may be on this machine."""
    config = ApplicationConfig(database, allow_http_token_urls=True)
    application = await Application.open(config, clock)
    if application.keys.initialized:
        assert await application.keys.unseal_automatically() == "keyfile"
    else:
        request = wire.InitRequest(slot="keyfile", path=str(key))
        await application.keys.initialise(request, operator("setup"))
    http = GuardedHttp(
        Guard(allow_private=True).resolve, ssl.create_default_context, allow_http_loopback=True
    )
    application.logins.attach(TokenEndpoint(http, clock.time))
    return application


async def paste(app: Application, provider: Provider, key: str = "TOKEN", **more: object) -> Login:
    """Store an OAuth credential: one refresh at the provider. Answers its login."""
    access, refresh = provider.seed()
    fields: dict[str, object] = {
        "key": key,
        "token_url": f"http://127.0.0.1:{provider.port}/token",
        "client_id": "cli",
        "access_token": access.decode(),
        "refresh_token": refresh.decode(),
        "expires_in": provider.expires_in,
    }
    await app.oauth.paste(wire.PasteTokens(**{**fields, **more}), ADA)  # type: ignore[arg-type]
    return login_of(app, key)


def login_of(app: Application, key: str = "TOKEN") -> Login:
    """What the worker remembers of a credential's login."""
    login = next((one for one in app.logins.all() if one.key == key), None)
    assert login is not None
    return login


def refresh_events(app: Application) -> list[Event]:
    """What was told of refreshes, oldest first."""
    return [event for event in seen_events(app) if event.type.startswith("refresh.")]


async def due(app: Application, clock: FakeClock, seconds: float = LIFE - 60) -> None:
    """Let time pass until the token is due, and start what falls due."""
    clock.advance(seconds)
    app.logins.run_due()


async def open_login(open_worker: OpenWorker, provider: Provider) -> tuple[Application, Login]:
    """A worker with one connected login."""
    app = await open_worker()
    return app, await paste(app, provider)
