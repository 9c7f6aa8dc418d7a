"""Two workers' use cases over one database, of each kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from proxy_core.domain import wire
from proxy_core.domain.events import Event
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.events import Follow
from proxy_core.services.principal import operator
from proxy_core.store import changes
from tests.schemas import copy_newest
from tests.services.conftest import FakeTunnels


@dataclass
class Worker:
    """One of them; `tunnels` notes whose connections were cut."""

    app: Application
    tunnels: FakeTunnels

    async def seen(self, type: str, after: int = 0, **data: object) -> Event:
        """The first event of this type, and with these data, behind `after`; waited for.

        `after` is to be noted before what causes it: the other worker may be quick.
        """
        async with asyncio.timeout(30):
            async for batch in self.app.bus.follow(Follow(after, {type})):
                for event in batch.events:
                    if data.items() <= msgspec.to_builtins(event.data).items():
                        return event
        raise AssertionError("the bus was closed")


@dataclass
class Pair:
    """`b` learns what `a` does, and the other way round."""

    a: Worker
    b: Worker


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "INTERVAL_SECONDS", 0.02)


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the database is."""
    if request.param == "sqlite":
        return str(copy_newest(tmp_path / "vault.db"))
    return str(request.getfixturevalue("postgres_url"))


@asynccontextmanager
async def working(location: str) -> AsyncIterator[Worker]:
    """A worker that follows the others."""
    app = await Application.open(ApplicationConfig(location))
    tunnels = FakeTunnels()
    app.attach_tunnels(tunnels)
    tasks = [asyncio.create_task(app.following.hear()), asyncio.create_task(app.following.say())]
    try:
        await asyncio.wait_for(app.following.hearing.wait(), 30)
        yield Worker(app, tunnels)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.close()


@pytest.fixture
async def pair(location: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """Two workers, set up and open."""
    async with working(location) as a:
        await a.app.keys.initialise(
            wire.InitRequest(slot="keyfile", path=str(tmp_path / "the.key")), operator("setup")
        )
        async with working(location) as b:
            assert await b.app.keys.unseal_automatically() == "keyfile"
            yield Pair(a, b)
