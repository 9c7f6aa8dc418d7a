"""A worker's use cases over a real database, opened with a key file (no slow key derivation)."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from proxy_core.domain.exchange import Access, Ingress, RequestFacts
from proxy_core.domain.traffic import RequestRecord
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.events import Follow
from proxy_core.services.principal import operator
from tests.schemas import copy_newest

NOW = 1_750_000_000.0
ADA = operator("ada")
Opener = Callable[[], Awaitable[Application]]


@dataclass
class FakeTunnels:
    """Stands for the proxy server: notes whose connections were ended."""

    closed: list[bytes] = field(default_factory=list)
    counts: dict[bytes, int] = field(default_factory=dict)

    def close_for_token(self, sha256: bytes) -> None:
        self.closed.append(sha256)

    def connections_for_token(self, sha256: bytes) -> int:
        return self.counts.get(sha256, 0)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves when told."""
    return FakeClock(NOW)


@pytest.fixture
async def reopen(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Opener]:
    """Opens the same SQLite database again and again, each time as another worker's life."""
    opened: list[Application] = []
    copy_newest(tmp_path / "vault.db")

    async def open_application() -> Application:
        for earlier in opened:
            await earlier.close()
        opened.clear()
        opened.append(await Application.open(ApplicationConfig(tmp_path / "vault.db"), clock))
        return opened[0]

    yield open_application
    for application in opened:
        await application.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where the key file slot keeps its key."""
    return tmp_path / "master.key"


@pytest.fixture
async def app(reopen: Opener, key_file: Path) -> Application:
    """An open vault on SQLite."""
    application = await reopen()
    await application.keys.initialise(
        wire.InitRequest(slot="keyfile", path=str(key_file)), operator("setup")
    )
    return application


@pytest.fixture(params=["sqlite", "postgresql"])
async def each_app(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[Application]:
    """An open vault on each kind of database."""
    if request.param == "postgresql":
        location = str(request.getfixturevalue("postgres_url"))
    else:
        location = str(copy_newest(tmp_path / "each.db"))
    application = await Application.open(ApplicationConfig(location), clock)
    await application.keys.initialise(
        wire.InitRequest(slot="keyfile", path=str(tmp_path / "each.key")), operator("setup")
    )
    yield application
    await application.close()


@pytest.fixture
def tunnels(app: Application) -> FakeTunnels:
    """The proxy server's part in revocation."""
    attached = FakeTunnels()
    app.attach_tunnels(attached)
    return attached


def seen_events(application: Application, after: int = 0) -> list[Event]:
    """Everything on the bus."""
    batch = application.bus._read(after, Follow())
    return batch.events


def events_of(application: Application, type: str) -> list[Event]:
    """The events of one type, oldest first."""
    return [event for event in seen_events(application) if event.type == type]


async def put_credentials(application: Application, vault: str = "default", **values: str) -> None:
    """Store credentials."""
    await application.credentials.set(wire.SetCredentials(credentials=values, vault=vault), ADA)


async def put_service(
    application: Application, name: str, host: str, key: str, vault: str = "default", **more: object
) -> None:
    """Store a bearer service."""
    document = {"name": name, "host": host, "auth": {"type": "bearer", "token": key}, **more}
    await application.services.upsert(vault, wire.ServicesRequest(services=[document]), ADA)


async def make_agent(application: Application, name: str, *vaults: str, **more: object) -> str:
    """Create an agent with the proxy role in the vaults; answers its token."""
    grants = [wire.AgentVault(vault_name=vault) for vault in vaults]
    request = wire.CreateAgent(name=name, vaults=grants, **more)  # type: ignore[arg-type]
    return (await application.agents.create(request, ADA)).av_agent_token


def basic(token: str, vault: str | None = None) -> bytes:
    """The Proxy-Authorization field of a client that was given TOKEN[:VAULT]."""
    text = token if vault is None else f"{token}:{vault}"
    return b"Basic " + base64.b64encode(text.encode())


def facts(host: str = "api.example.com", path: str = "/v1/x", **more: object) -> RequestFacts:
    """A GET over https."""
    values: dict[str, object] = {
        "scheme": "https",
        "host": host,
        "port": 443,
        "method": "GET",
        "path": path,
        "query": "",
        "ingress": Ingress.CONNECT,
    }
    return RequestFacts(**{**values, **more})  # type: ignore[arg-type]


def record(access: Access, **more: object) -> RequestRecord:
    """A finished request of a client."""
    values: dict[str, object] = {
        "request_id": "r1",
        "started_at": NOW + 5,
        "vault": access.vault or "",
        "ingress": "connect",
        "method": "GET",
        "scheme": "https",
        "host": "api.example.com",
        "port": 443,
        "path": "/v1/x",
        "actor_type": access.actor_type.value,
        "actor_id": access.actor_id,
        "actor_name": access.actor_name,
        "matched_service": "example",
        "credential_keys": ("API_KEY",),
        "decision": "injected",
        "status": 200,
    }
    return RequestRecord(**{**values, **more})  # type: ignore[arg-type]
