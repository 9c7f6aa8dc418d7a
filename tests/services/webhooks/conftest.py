"""Receivers of webhooks: real servers on loopback, and time that passes when a retry waits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.oauth.servers import Received, listening, plain_http, reply
from tests.services.conftest import ADA

LIMIT = 20.0
APPROVALS = "https://vault.example/approve"
PATH = "/services/T0/B0/verysecretpath"


@dataclass
class Receiver:
    """Answers as told, and with 200 when nothing was told; keeps what came."""

    answers: list[bytes | None] = field(default_factory=list)
    came: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)
    url: str = ""
    hold: asyncio.Event | None = None
    """While it is not set, requests get no answer."""

    async def __call__(self, request: Received) -> bytes | None:
        await self.came.put(request)
        if self.hold is not None:
            await self.hold.wait()
        return self.answers.pop(0) if self.answers else reply()

    async def next(self) -> Received:
        """The next request."""
        return await asyncio.wait_for(self.came.get(), LIMIT)


@asynccontextmanager
async def receiving(*answers: bytes | None) -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver(list(answers))
    async with listening(receiver) as port:
        receiver.url = f"http://127.0.0.1:{port}{PATH}"
        yield receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as listening_one:
        yield listening_one


@dataclass
class Naps:
    """Sleeping, as the fake clock does it. `until` counts naps."""

    clock: FakeClock
    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def naps(clock: FakeClock) -> Naps:
    """The pauses that were made."""
    return Naps(clock)


Telling = Callable[..., Awaitable[wire.WebhookSecret]]


@pytest.fixture
async def telling(app: Application, naps: Naps) -> AsyncIterator[Telling]:
    """Adds webhooks to a vault whose notices are being delivered."""
    app.webhooks._allow_http_loopback = True
    app.notifying.attach(plain_http(total_seconds=120.0).post, APPROVALS, naps)
    running = asyncio.create_task(app.notifying.run())

    async def add(url: str, **more: object) -> wire.WebhookSecret:
        request = msgspec.convert({"url": url, **more}, wire.AddWebhook)
        return await app.webhooks.add(request, ADA)

    yield add
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(true: Callable[[], object]) -> None:
    """Wait until the loop's own work makes it true."""
    async with asyncio.timeout(LIMIT):
        while not true():  # noqa: ASYNC110 - what is waited for announces nothing
            await asyncio.sleep(0.005)
