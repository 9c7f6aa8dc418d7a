"""Verifying a stored audit, pruning its beginning, two workers in one chain, and no secrets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.store import audit_log
from tests.services.audit.rig import entries, told
from tests.services.conftest import ADA, make_agent, put_credentials

DAY = 86_400.0
SECRETS = ("first-secret-value", "second-secret-value")


async def tamper(app: Application, statement: str) -> None:
    """Change the database behind the worker's back."""

    def work(session: Session) -> None:
        session.connection().execute(text(statement))

    await app._context.database.run(work)


@pytest.fixture
async def five(app: Application) -> Application:
    """An audit with five entries."""
    await put_credentials(app, A="1")
    return app


@pytest.mark.parametrize(
    ("statement", "at", "sentence"),
    [
        ("DELETE FROM audit WHERE seq = 2", 2, "Entry 2 is missing."),
        ("DELETE FROM audit WHERE seq IN (2, 3)", 2, "Entries 2 to 3 are missing."),
        ("DELETE FROM audit WHERE seq > 3", 4, "The audit ends at entry 3, but 5 were written."),
        ("DELETE FROM audit WHERE seq = 1", 1, "Entry 1 is missing."),
        (
            "UPDATE audit SET actor_name = 'eve' WHERE seq = 5",
            5,
            "Entry 5 is filed under what it does not say.",
        ),
        (
            "UPDATE audit SET entry = replace(entry, 'default', 'another') WHERE seq = 3",
            3,
            "Entry 3 is not the one that was written.",
        ),
        (
            "UPDATE audit_head SET seq = 4 WHERE id = 1",
            5,
            "Entry 5 is behind the audit's end.",
        ),
        (
            "UPDATE audit_head SET sealed_key = NULL WHERE id = 1",
            1,
            "The key of the audit's seals is not readable.",
        ),
    ],
)
async def test_what_was_tampered_with_is_named(
    five: Application, statement: str, at: int, sentence: str
) -> None:
    """The first entry that is wrong, in a sentence."""
    await tamper(five, statement)
    found = await five.auditing.verify()
    assert (found.ok, found.broken_at, found.summary) == (False, at, sentence)


async def test_a_missing_head_is_an_error_of_its_own(five: Application) -> None:
    """Nothing says where the chain ends: there is nothing to compare with."""
    await tamper(five, "DELETE FROM audit_head")
    with pytest.raises(VaultError) as broken:
        await five.auditing.verify()
    assert broken.value.code == "audit_broken"


async def test_old_entries_go_and_the_rest_verifies(
    each_app: Application, clock: FakeClock
) -> None:
    """The head vouches for what was pruned, and the pruning is told."""
    await each_app.settings.change({"audit_retention_days": 10}, ADA)
    clock.advance(11 * DAY)
    await put_credentials(each_app, NEW="1")
    await each_app.auditing.tick()
    assert await told(each_app) == [("credential.set", "NEW"), ("audit.pruned", "")]
    (pruned,) = await entries(each_app, action="audit.pruned")
    assert pruned.after == {"entries": 5, "up_to": 5}
    found = await each_app.auditing.verify()
    assert (found.ok, found.first, found.last) == (True, 6, 7)
    await tamper(each_app, "UPDATE audit_head SET start_seq = 6 WHERE id = 1")
    assert not (await each_app.auditing.verify()).ok


async def test_nothing_is_pruned_while_sealed_or_for_ever(
    app: Application, clock: FakeClock
) -> None:
    """Only an open vault can vouch for what is gone; and 0 days are all days."""
    clock.advance(100_000 * DAY)
    await app.settings.change({"audit_retention_days": 0}, ADA)
    await app.auditing.tick()
    assert (await told(app))[0] == ("key_slot.added", "keyfile")
    await app.settings.change({"audit_retention_days": 1}, ADA)
    clock.advance(3 * DAY)
    await app.keys.seal(ADA)
    await app.auditing.tick()
    assert (await told(app))[0] == ("key_slot.added", "keyfile")


@pytest.fixture
async def two(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[tuple[Application, Application]]:
    """Two workers on one PostgreSQL database, both open."""
    location = str(request.getfixturevalue("postgres_url"))
    key = tmp_path / "shared.key"
    first = await Application.open(ApplicationConfig(location), clock)
    await first.keys.initialise(wire.InitRequest(slot="keyfile", path=str(key)), ADA)
    second = await Application.open(ApplicationConfig(location), clock)
    await second.keys.unseal_automatically()
    yield first, second
    await second.close()
    await first.close()


async def test_two_workers_append_to_one_chain(two: tuple[Application, Application]) -> None:
    """At once, in the order of their commits, every number once."""
    before = len(await told(two[0]))
    await asyncio.gather(
        *(
            worker._context.audit.record(Deed("operator.unlocked", f"{name}-{number}"))
            for number in range(20)
            for name, worker in zip(("one", "other"), two, strict=True)
        )
    )
    found = await two[1].auditing.verify()
    assert (found.ok, found.count) == (True, before + 40)
    assert len({target for _, target in await told(two[0])} & {"one-7", "other-7"}) == 2


async def test_no_flow_leaves_a_secret_in_it(each_app: Application) -> None:
    """Values, tokens and their digests: none of them is in any column of the table."""
    for value in SECRETS:
        await put_credentials(each_app, TOKEN=value)
    await each_app.credentials.restore(
        "TOKEN", wire.RestoreCredential(version=1, vault="default"), ADA
    )
    await each_app.credentials.reveal("default", ADA)
    agent = await make_agent(each_app, "builder", "default")
    rotated = (await each_app.agents.rotate("builder", ADA)).av_agent_token
    request = wire.CreateSession(vault="default", label="job")
    scoped = (await each_app.sessions.create(request, ADA, "")).token
    proof = wire.KeyProof(slot="keyfile", secret="d3JvbmctcHJvb2Y=")
    with pytest.raises(VaultError):
        await each_app.operators.unlock(proof, None, ADA)
    assert len(await told(each_app)) > 10

    def read(session: Session) -> str:
        rows = session.connection().execute(text("SELECT * FROM audit")).all()
        return "\n".join(repr(tuple(row)) for row in rows)

    stored = await each_app._context.database.read(read)
    for secret in (*SECRETS, agent, rotated, scoped, proof.secret, "wrong-proof"):
        assert secret not in stored


async def test_a_page_looks_at_no_more_than_its_bound(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search through a long audit comes back with a cursor to go on from."""
    for number in range(6):
        await put_credentials(app, **{f"KEY_{number}": "v"})
    monkeypatch.setattr(audit_log, "SCAN_ROWS", 4)
    found = await app._context.database.read(
        lambda session: audit_log.page(session, audit_log.AuditQuery(q="key_0"))
    )
    assert (found.links, found.next_cursor) == ((), 7)
    older = await app._context.database.read(
        lambda session: audit_log.page(session, audit_log.AuditQuery(q="key_0", before=7))
    )
    assert [link.seq for link in older.links] == [5]
