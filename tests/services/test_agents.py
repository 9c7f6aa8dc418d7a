"""Agents and their grants."""

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import (
    ADA,
    FakeTunnels,
    Opener,
    basic,
    events_of,
    make_agent,
    record,
    seen_events,
)


async def code_of(call: object) -> str:
    """The code that the call is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def test_an_agents_life(each_app: Application) -> None:
    """Create, list, rename, change role, delete."""
    app = each_app
    request = wire.CreateAgent(name="ci-bot", vaults=[wire.AgentVault(vault_name="default")])
    made = await app.agents.create(request, ADA)
    assert made.av_agent_token.startswith("vt_agt_")
    assert (made.role, made.expires_at) == ("no-access", None)
    await app.agents.rename("ci-bot", wire.Rename(name="builder"), ADA)
    changed = await app.agents.change_role("builder", "owner", ADA)
    assert (changed.agent, changed.old_role, changed.new_role) == ("builder", "no-access", "owner")
    info = await app.agents.get("builder")
    assert [(grant.vault_name, grant.vault_role) for grant in info.vaults] == [("default", "proxy")]
    assert (info.role, info.name, info.status) == ("owner", "builder", "active")
    assert [row.name for row in (await app.agents.list()).agents] == ["builder"]
    await app.agents.delete("builder", ADA)
    assert (await app.agents.list()).agents == []
    assert await code_of(app.agents.get("builder")) == "not_found"
    assert [event.data["name"] for event in events_of(app, "agent.revoked")] == ["builder"]


async def test_what_agents_hold_survives_a_restart(app: Application, reopen: Opener) -> None:
    """Token and grants are valid in the next life."""
    token = await make_agent(app, "ci-bot", "default", role="member")
    app = await reopen()
    assert app.identity.of_bearer(token).name == "ci-bot"
    assert app.broker.authenticate(basic(token)).vault == "default"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (wire.CreateAgent(name="Bad Name"), "bad_request"),
        (wire.CreateAgent(name="taken"), "conflict"),
        (wire.CreateAgent(name="fresh", role="king"), "bad_request"),
        (wire.CreateAgent(name="fresh", ttl_seconds=5), "bad_request"),
        (
            wire.CreateAgent(name="fresh", vaults=[wire.AgentVault(vault_name="no")]),
            "vault_not_found",
        ),
        (
            wire.CreateAgent(
                name="fresh", vaults=[wire.AgentVault(vault_name="default", vault_role="x")]
            ),
            "bad_request",
        ),
    ],
)
async def test_an_agent_is_created_whole_or_not_at_all(
    app: Application, request_: wire.CreateAgent, code: str
) -> None:
    """A bad name, role, time or grant leaves nothing behind."""
    await make_agent(app, "taken")
    assert await code_of(app.agents.create(request_, ADA)) == code
    assert [row.name for row in (await app.agents.list()).agents] == ["taken"]


async def test_rotation_ends_the_old_token_at_once(app: Application, tunnels: FakeTunnels) -> None:
    """Connections of the old token are cut; the new one has the same grants."""
    old = await make_agent(app, "ci-bot", "default")
    rotated = await app.agents.rotate("ci-bot", ADA)
    assert tunnels.closed == [token_sha256(old)]
    with pytest.raises(VaultError):
        app.broker.authenticate(basic(old))
    assert app.broker.authenticate(basic(rotated.av_agent_token)).vault == "default"


async def test_an_expired_agent_needs_a_new_time_to_rotate(
    app: Application, clock: FakeClock
) -> None:
    """A token that would be dead at birth is refused."""
    await make_agent(app, "brief", "default", ttl_seconds=60)
    clock.advance(61)
    assert await code_of(app.agents.rotate("brief", ADA)) == "bad_request"
    rotated = await app.agents.rotate("brief", ADA, ttl_seconds=3600)
    assert app.identity.of_bearer(rotated.av_agent_token).name == "brief"


async def test_deleting_an_agent_cuts_its_connections(
    app: Application, tunnels: FakeTunnels
) -> None:
    """Its token is unknown before the answer is given."""
    token = await make_agent(app, "ci-bot", "default")
    tunnels.counts[token_sha256(token)] = 3
    assert (await app.agents.get("ci-bot")).connections == 3
    await app.agents.delete("ci-bot", ADA)
    assert tunnels.closed == [token_sha256(token)]


async def test_a_token_is_in_no_event(app: Application) -> None:
    """Shown once: in the answer."""
    token = await make_agent(app, "ci-bot", "default")
    assert token not in repr(seen_events(app))


async def ask(app: Application, token: str, at: float, count: int = 1) -> None:
    """Requests that ended at a time."""
    access = app.broker.authenticate(basic(token))
    for _ in range(count):
        app.broker.finished(record(access, started_at=at, latency_ms=0.0))
    await app._context.log.flush()


async def test_requests_are_counted_since_midnight(app: Application, clock: FakeClock) -> None:
    """Of each agent and session, however often it is asked; the next day begins with none."""
    token = await make_agent(app, "busy", "default")
    await make_agent(app, "idle", "default")
    made = await app.sessions.create(wire.CreateSession(vault="default"), ADA, "")

    async def counts() -> list[int]:
        agents = (await app.agents.list()).agents
        (scoped,) = (await app.sessions.list("default")).sessions
        return [*(one.requests_today for one in agents), scoped.requests_today]

    now = clock.time()
    await ask(app, token, now - 3 * 86_400)
    await ask(app, token, now, 3)
    await ask(app, made.token, now, 2)
    assert await counts() == [3, 0, 2]
    clock.advance(300)
    await ask(app, token, now + 300)
    assert await counts() == await counts() == [4, 0, 2]
    assert (await app.agents.get("busy")).requests_today == 4
    clock.advance(86_000)
    assert await counts() == [0, 0, 0]


async def test_when_an_agent_was_last_seen_survives_a_restart(
    app: Application, reopen: Opener
) -> None:
    """It is stored when the worker stops, if not before."""
    token = await make_agent(app, "ci-bot", "default")
    assert (await app.agents.get("ci-bot")).last_seen_at == ""
    await ask(app, token, app._context.clock.time())
    seen = (await app.agents.get("ci-bot")).last_seen_at
    assert seen
    app = await reopen()
    assert (await app.agents.get("ci-bot")).last_seen_at == seen
