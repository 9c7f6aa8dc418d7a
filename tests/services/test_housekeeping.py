"""What is done now and then."""

from proxy_core.base.clock import FakeClock
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
