"""Workers on one database hear of one another's changes: the change and its message are one."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing

import pytest
from sqlalchemy import event, text
from sqlmodel import Session, delete

from proxy_core.base.errors import VaultError
from proxy_core.store import agents, changes, installation, services, vaults
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.changes import ChangeFeed, change_feed
from proxy_core.store.database import Database
from proxy_core.store.messages import GAP, MAX_BYTES, Message, decode, encode_events
from proxy_core.store.tables import Agent, ServiceRow
from proxy_core.store.touched import EVERYTHING, NOTHING, Scope, Touched, parse_touched
from tests.store.conftest import NOW, vault

Heard = AsyncIterator[Sequence[Message]]


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "INTERVAL_SECONDS", 0.01)


@pytest.fixture
def other(location: str, database: Database) -> Iterator[Database]:
    """Another worker's connection to the same database."""
    opened = Database.open(location)
    yield opened
    opened.close()


@pytest.fixture
async def heard(other: Database) -> AsyncIterator[Heard]:
    """What the other worker hears, from now on."""
    feed = await asyncio.to_thread(change_feed, other)
    async with aclosing(feed.follow()) as follow:  # type: ignore[type-var]
        if other.dialect == "postgresql":
            assert await anext(follow) == [GAP]
        yield follow
    await feed.close()


async def hear(follow: Heard, count: int = 1) -> list[Message]:
    """The next messages."""
    told: list[Message] = []
    while len(told) < count:
        told += await asyncio.wait_for(anext(follow), 30)
    return told


def rename(session: Session, name: str = "renamed") -> None:
    """A change of the vault `v1`."""
    (row,) = vaults.list_vaults(session)
    row.name = name


async def announcing(database: Database) -> ChangeFeed:
    """A worker's voice."""
    return await asyncio.to_thread(change_feed, database)


async def test_a_change_is_told_with_its_commit(database: Database, heard: Heard) -> None:
    """Others hear whose it is and what it touched; what was rolled back is never told."""

    def broken(session: Session) -> None:
        installation.save_settings(session, {"log_retention_days": 3}, NOW)
        raise VaultError("bad_request")

    with pytest.raises(VaultError):
        await database.run(broken)
    await database.run(rename)
    touched = frozenset((Touched(Scope.VAULT, "v1"),))
    assert await hear(heard) == [Message(database.worker, touched)]


async def test_own_changes_are_not_heard(database: Database, other: Database, heard: Heard) -> None:
    """Only other workers' come, in the order of their commits."""
    await other.run(lambda session: rename(session, "mine"))
    await database.run(rename)
    await other.run(lambda session: rename(session, "mine-again"))
    await database.run(lambda session: installation.save_settings(session, {"x": 1}, NOW))
    told = await hear(heard, 2)
    assert [str(*one.touched) for one in told] == ["vault:v1", "settings:"]


async def test_events_are_told(database: Database, heard: Heard) -> None:
    """What a worker announces arrives whole; much of it in several messages, in order."""
    feed = await announcing(database)
    events = [("agent.changed", {"name": f"bot-{n}", "note": "x" * 500}) for n in range(40)]
    await feed.announce(events)
    told: list[tuple[str, object]] = []
    while len(told) < 40:
        told += [pair for message in await hear(heard) for pair in message.events]
    assert told == events
    await feed.close()


async def test_a_change_costs_one_statement_at_most(database: Database) -> None:
    """One for the message; none where nothing shared is written."""
    statements: list[str] = []
    agent = Agent(id="a1", name="bot", role="member", token_sha256=b"1" * 32, created_at=NOW)
    await database.run(lambda session: agents.add_agent(session, agent))

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement.split()[0].upper())

    event.listen(database.engines.write, "before_cursor_execute", note)
    await database.run(rename)
    sqlite = database.dialect == "sqlite"
    told = ["INSERT"] if sqlite else ["SELECT"]
    assert [one for one in statements if one != "BEGIN"] == ["SELECT", "UPDATE", *told]
    statements.clear()
    await database.run(lambda session: agents.touch_agents(session, {"a1": NOW}))
    assert [one for one in statements if one != "BEGIN"] == ["UPDATE"]


async def test_a_bulk_statement_has_to_say_what_it_touches(database: Database) -> None:
    """What would be changed without a word is refused."""
    silent = delete(ServiceRow).execution_options(audits=NO_ROWS)
    with pytest.raises(TypeError, match="touches"):
        await database.run(lambda session: session.exec(silent))
    await database.run(lambda session: session.exec(silent.execution_options(touches=NOTHING)))


async def test_much_is_everything(database: Database, heard: Heard) -> None:
    """A transaction that touches very many things says so in a word."""

    def many(session: Session) -> None:
        for number in range(100):
            vaults.add_vault(session, vault(f"w{number}", f"vault-{number}"))

    await database.run(many)
    (message,) = await hear(heard)
    assert message.touched == {EVERYTHING}


async def test_a_vaults_services_are_one_thing(database: Database, heard: Heard) -> None:
    """Thousands of rows of one vault are told as that vault."""
    documents = [{"name": f"s{number}", "host": "x.example"} for number in range(300)]
    await database.run(lambda s: services.replace_documents(s, "v1", documents, NOW))
    await database.run(lambda s: services.clear_documents(s, "v1"))
    told = await hear(heard, 2)
    assert [one.touched for one in told] == [{Touched(Scope.VAULT, "v1")}] * 2


async def test_a_file_keeps_few_changes(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old ones are pruned, and who has missed some is told that there is a gap."""
    monkeypatch.setattr(changes, "KEPT", 4)
    monkeypatch.setattr(changes, "_PRUNED_EVERY", 8)
    reader, late = await announcing(sqlite_database), await announcing(sqlite_database)
    for number in range(20):
        await reader.announce([("agent.changed", {"n": number})])
    assert await reader._in_thread(reader._look) == []  # type: ignore[attr-defined]
    assert sqlite_database.read_sync(_rows) == 4
    late._worker = "another"  # type: ignore[attr-defined]
    async with aclosing(late.follow()) as following:  # type: ignore[type-var]
        told = await asyncio.wait_for(anext(following), 30)
    assert told[0] == GAP
    assert [message.events[0][1]["n"] for message in told[1:]] == [16, 17, 18, 19]
    await reader.close()
    await late.close()


def _rows(session: Session) -> int:
    return int(session.execute(text("SELECT count(*) FROM change")).scalar() or 0)


async def test_a_cut_connection_is_told_and_begins_anew(postgres_url: str) -> None:
    """The follower gets an error, and on its next call a gap."""
    database = await asyncio.to_thread(Database.open, postgres_url)
    feed = await announcing(database)
    async with aclosing(feed.follow()) as follow:  # type: ignore[type-var]
        assert await anext(follow) == [GAP]
        waiting = asyncio.ensure_future(anext(follow))
        await database.run(cut_listeners)
        with pytest.raises(VaultError) as raised:
            await asyncio.wait_for(waiting, 30)
    assert raised.value.code == "database_unavailable"
    async with aclosing(feed.follow()) as follow:  # type: ignore[type-var]
        assert await anext(follow) == [GAP]
    await feed.close()
    await asyncio.to_thread(database.close)


def cut_listeners(session: Session) -> None:
    """End every connection that listens, as a failing server would."""
    session.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
    )


def test_messages_fit_and_come_back() -> None:
    """However long what is told: a message fits into a NOTIFY, and says whose event it was."""
    long = ("credential.deleted", {"vault": "v", "name": "K", "by": "ada", "breaks": ["x" * 9000]})
    odd = ("agent.changed", {"name": "x" * 9000})
    texts = list(encode_events("w", [long, odd, ("settings.changed", {"by": "ada"})]))
    assert all(len(one.encode()) <= MAX_BYTES for one in texts)
    told = [pair for one in texts for pair in decode(one).events]
    assert told == [
        ("credential.deleted", {"vault": "v", "name": "K", "by": "ada", "shortened": True}),
        ("agent.changed", {"shortened": True}),
        ("settings.changed", {"by": "ada"}),
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"touched":[]}', "[" * 5000, '{"worker":1}'])
def test_what_cannot_be_read_is_a_gap(text: str) -> None:
    """A channel that others can write to may hold anything: then all is read again."""
    assert decode(text) == GAP


def test_unknown_words_mean_everything() -> None:
    """A newer version may tell of things that this one does not know."""
    assert parse_touched("teapot:1") == EVERYTHING
    assert parse_touched(str(Touched(Scope.VAULT, "v:1"))) == Touched(Scope.VAULT, "v:1")
