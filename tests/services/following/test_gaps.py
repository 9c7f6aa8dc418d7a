"""Other workers can't be heard for a while: it is said, and made up for."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.events import Follow
from proxy_core.services.following import follower
from proxy_core.services.following.wanted import Wanted
from proxy_core.store.messages import GAP, Announced, Message
from proxy_core.store.touched import EVERYTHING, Scope, Touched
from tests.postgres import PostgresServer
from tests.services.conftest import ADA, events_of, make_agent, put_credentials, put_service
from tests.services.following.conftest import Pair, working
from tests.services.following.test_following import injected, refusal
from tests.store.test_changes import cut_listeners


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(follower, "_LONGEST_PAUSE", 0.1)


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
async def test_a_cut_connection_catches_up(pair: Pair) -> None:
    """What happened while it was cut is in force afterwards, and consoles are told to look."""
    a, b = pair.a.app, pair.b.app
    token = await make_agent(a, "bot", "default")
    gone = await make_agent(a, "gone", "default")
    await put_credentials(a, API_KEY="x")
    await put_service(a, "example", "api.example.com", "API_KEY")
    await pair.b.seen("service.changed")
    async with b._context._changes:  # it can't catch up before all of this has happened
        await a._context.database.run(cut_listeners)
        await pair.b.seen("worker.problem")
        assert b.problems() == [b.following.problem]
        assert str(b.following.problem).startswith("Changes by other workers are not seen: ")
        await a.agents.delete("gone", ADA)
        await a.vaults.create(wire.VaultName(name="team"), ADA)
        await put_credentials(a, API_KEY="y")
        await a.settings.change({"log_retention_days": 3}, ADA)
    await pair.b.seen("worker.caught_up")
    assert b.problems() == []
    assert (refusal(b, token), refusal(b, gone)) == ("", "proxy_auth_required")
    assert await injected(b, token) == ["Bearer y"]
    assert b._context.vault("team").keys == []
    assert b.settings.value("log_retention_days") == 3
    assert len(pair.b.tunnels.closed) == 1


async def test_a_server_that_is_away_is_waited_for(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    """Stopped and started again, it is followed again without anybody's help."""
    async with working(postgres_url) as worker:
        await asyncio.to_thread(postgres_server.stop)
        try:
            problem = await worker.seen("worker.problem")
            assert "not seen" in problem.data["problem"]
        finally:
            await asyncio.to_thread(postgres_server.start)
        await worker.seen("worker.caught_up")
        assert worker.app.following.problem is None


class Silence:
    """A feed for tests: tells what it is given, notes what it is told, fails when asked to."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Sequence[Message]] = asyncio.Queue()
        self.said: asyncio.Queue[Announced] = asyncio.Queue()
        self.failing = False
        self.refused = asyncio.Event()

    async def follow(self) -> AsyncIterator[Sequence[Message]]:
        yield []
        while True:
            yield await self.told.get()

    async def announce(self, events: Sequence[Announced]) -> None:
        if self.failing:
            self.refused.set()
            raise VaultError("database_unavailable", "It is away.")
        for one in events:
            self.said.put_nowait(one)

    async def close(self) -> None:
        """Nothing is kept."""


@pytest.fixture
async def feed(app: Application) -> AsyncIterator[Silence]:
    """What `app` hears and says, in a test's hand."""
    await app.following._feed.close()
    silence = Silence()
    app.following._feed = silence
    tasks = [asyncio.create_task(app.following.hear()), asyncio.create_task(app.following.say())]
    await app.following.hearing.wait()
    yield silence
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def heard(app: Application, feed: Silence, *messages: Message) -> None:
    """Let it take these in."""
    mark = Message("other", events=(("settings.changed", {"mark": app.bus.last_seq}),))
    feed.told.put_nowait([*messages, mark])
    async with asyncio.timeout(30):
        async for batch in app.bus.follow(Follow(mark.events[0][1]["mark"], {"settings.changed"})):
            if any(one.data.get("mark") is not None for one in batch.events):
                return


async def test_repetition_and_order_are_harmless(app: Application, feed: Silence) -> None:
    """The same news twice, late, or of what is not there: the state is the database's."""
    token = await make_agent(app, "bot", "default")
    await put_credentials(app, API_KEY="x")
    await put_service(app, "example", "api.example.com", "API_KEY")
    before = app._context.snapshot
    nonsense = {Touched(scope, "nobody") for scope in Scope if scope is not Scope.EVERYTHING}
    messages = [Message("other", frozenset(nonsense)), GAP, GAP]
    await heard(app, feed, *messages, *messages)
    assert app._context.snapshot == before
    assert await injected(app, token) == ["Bearer x"]


async def test_only_shared_events_are_passed_on(app: Application, feed: Silence) -> None:
    """Neither can another worker seal this one in a console's eyes, nor does news go round."""
    await heard(app, feed, Message("other", events=(("worker.sealed", {"by": "x"}),)))
    await put_credentials(app, API_KEY="x")
    type, _ = await asyncio.wait_for(feed.said.get(), 30)
    assert (type, feed.said.empty()) == ("credential.changed", True)
    assert events_of(app, "worker.sealed") == []


async def test_what_could_not_be_said_is_said_later(app: Application, feed: Silence) -> None:
    """Events wait in the ring while the database is away."""
    feed.failing = True
    await put_credentials(app, API_KEY="x")
    await feed.refused.wait()
    await put_credentials(app, OTHER="x")
    feed.failing = False
    said = [await asyncio.wait_for(feed.said.get(), 30) for _ in range(2)]
    assert [data["name"] for _, data in said] == ["API_KEY", "OTHER"]


async def test_what_could_not_be_read_is_read_later(
    app: Application, feed: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """News that came while the database was away counts once it is back, and is passed on then."""
    reading, seen = app.following._reloading, list[Wanted]()
    read = reading.read

    def failing(session: Session, wanted: Wanted) -> object:
        seen.append(wanted)
        if len(seen) == 1:
            raise VaultError("database_unavailable", "It is away.")
        return read(session, wanted)

    monkeypatch.setattr(reading, "read", failing)
    await heard(app, feed, Message("other", frozenset((Touched(Scope.SETTINGS),))))
    assert seen[1].has(Scope.SETTINGS)
    assert app.following.problem is None


def test_much_news_is_everything() -> None:
    """More than a few things are not read one by one."""
    many = [Touched(Scope.AGENT, str(number)) for number in range(100)]
    assert Wanted.of(many).touched == {EVERYTHING}
    assert Wanted.of(many).has(Scope.SETTINGS)
