"""What is done now and then."""

import sqlite3
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import ADA, Opener, basic, events_of, make_agent, record


async def test_an_idle_vault_seals_itself(app: Application, clock: FakeClock) -> None:
    """After the minutes of the setting without a request or an operator; off by default."""
    clock.advance(86_400)
    await app.housekeeping.tick()
    assert not app.keys.sealed
    await app.settings.change({"auto_seal_minutes": 10}, ADA)
    token = await make_agent(app, "bot", "default")
    clock.advance(599)
    app.broker.finished(record(app.broker.authenticate(basic(token))))
    clock.advance(599)
    await app.housekeeping.tick()
    assert not app.keys.sealed
    clock.advance(1)
    await app.housekeeping.tick()
    assert app.keys.sealed
    assert events_of(app, "worker.sealed")[0].data["by"] == "worker (idle)"


async def test_a_stepping_wall_clock_seals_nothing(app: Application, clock: FakeClock) -> None:
    """Idle time is measured on the clock that never steps."""
    await app.settings.change({"auto_seal_minutes": 10}, ADA)
    clock.step(86_400 * 365)
    await app.housekeeping.tick()
    assert not app.keys.sealed


async def test_last_seen_survives_a_restart(app: Application, reopen: Opener) -> None:
    """Agents and sessions alike, without a write per request."""
    token = await make_agent(app, "bot", "default")
    session = await app.sessions.create(wire.CreateSession(vault="default"), ADA, "")
    for holder in (token, session.token):
        app.broker.finished(record(app.broker.authenticate(basic(holder))))
    app = await reopen()
    assert (await app.agents.get("bot")).last_seen_at == "2025-06-15T15:06:45.000Z"
    listed = (await app.sessions.list("default")).sessions
    assert listed[0].last_used_at == "2025-06-15T15:06:45.000Z"


async def test_nothing_seen_is_lost_while_the_database_fails(
    app: Application, tmp_path: Path, reopen: Opener
) -> None:
    """A failing tick says so, and the next one stores what it could not."""
    token = await make_agent(app, "bot", "default")
    app.broker.finished(record(app.broker.authenticate(basic(token))))
    with sqlite3.connect(tmp_path / "vault.db") as other:
        other.execute("ALTER TABLE agent RENAME TO elsewhere")
    with pytest.raises(VaultError) as caught:
        await app.housekeeping.tick()
    assert caught.value.code == "database_unavailable"
    with sqlite3.connect(tmp_path / "vault.db") as other:
        other.execute("ALTER TABLE elsewhere RENAME TO agent")
    await app.housekeeping.tick()
    app = await reopen()
    assert (await app.agents.get("bot")).last_seen_at != ""


async def test_expired_sessions_leave_nothing_in_memory(app: Application, clock: FakeClock) -> None:
    """A worker that mints a session a minute does not grow."""
    made = await app.sessions.create(wire.CreateSession(vault="default", ttl_seconds=300), ADA, "")
    app.broker.finished(record(app.broker.authenticate(basic(made.token))))
    clock.advance(301)
    await app.housekeeping.tick()
    assert app._context.usage.seen == {}
    assert app._context.snapshot.bearers == {}
