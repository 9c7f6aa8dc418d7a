"""Scoped sessions."""

import asyncio
import os

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.services import sessions
from proxy_core.services.application import Application
from proxy_core.services.principal import peer
from tests.services.conftest import ADA, FakeTunnels, Opener, basic, events_of, make_agent, record


async def code_of(call: object) -> str:
    """The code that the call is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def test_a_session_is_made_listed_and_revoked(each_app: Application) -> None:
    """The token works in its vault until it is revoked."""
    app = each_app
    request = wire.CreateSession(vault="default", ttl_seconds=300, label="nightly")
    made = await app.sessions.create(request, ADA, "http://127.0.0.1:14321")
    assert made.token.startswith("vt_sess_")
    assert (made.av_addr, made.expires_at) == ("http://127.0.0.1:14321", "2025-06-15T15:11:40.000Z")
    listed = (await app.sessions.list("default")).sessions
    assert [(row.id, row.label, row.last_used_at) for row in listed] == [(made.id, "nightly", "")]
    app.broker.finished(record(app.broker.authenticate(basic(made.token))))
    assert (await app.sessions.list("default")).sessions[0].last_used_at != ""
    await app.sessions.revoke("default", made.id, ADA)
    assert (await app.sessions.list("default")).sessions == []
    with pytest.raises(VaultError):
        app.broker.authenticate(basic(made.token))
    assert events_of(app, "session.revoked")[0].data["name"] == "nightly"


@pytest.mark.parametrize("ttl", [299, 604_801, -1])
async def test_its_time_is_bounded(app: Application, ttl: int) -> None:
    """Five minutes to seven days."""
    request = wire.CreateSession(vault="default", ttl_seconds=ttl)
    assert await code_of(app.sessions.create(request, ADA, "")) == "bad_request"


@pytest.mark.parametrize("label", ["x" * 101, "a\x1b[2J", "a\u202eb"])
async def test_a_label_is_short_and_printable(app: Application, label: str) -> None:
    """It is shown on screens."""
    request = wire.CreateSession(vault="default", label=label)
    assert await code_of(app.sessions.create(request, ADA, "")) == "bad_request"


async def test_revoking_cuts_connections(app: Application, tunnels: FakeTunnels) -> None:
    """And only within its own vault."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    made = await app.sessions.create(wire.CreateSession(vault="default"), ADA, "")
    assert await code_of(app.sessions.revoke("work", made.id, ADA)) == "not_found"
    assert tunnels.closed == []
    await app.sessions.revoke("default", made.id, ADA)
    assert tunnels.closed == [token_sha256(made.token)]


async def test_only_an_operator_may_shut_out_a_process_tree(app: Application) -> None:
    """Anyone else could lock the operators out of their own socket."""
    request = wire.CreateSession(vault="default", run_pid=os.getpid())
    assert await code_of(app.sessions.create(request, peer(), "")) == "bad_request"
    await app.sessions.create(request, ADA, "")
    assert app.runs.contains(os.getpid())


async def test_run_processes_stay_shut_out_after_a_restart(
    app: Application, reopen: Opener, clock: FakeClock
) -> None:
    """The process that was alive when the session was made is the same one."""
    clock.step(4e9 - clock.time())
    request = wire.CreateSession(vault="default", run_pid=os.getpid())
    await app.sessions.create(request, ADA, "")
    app = await reopen()
    assert app.runs.contains(os.getpid())


async def test_a_session_ends_with_its_process(app: Application) -> None:
    """One that was killed has not revoked it; that of another, and of nobody, go on."""
    kept = [
        await app.sessions.create(wire.CreateSession(vault="default", run_pid=pid), ADA, "")
        for pid in (os.getpid(), None)
    ]
    process = await asyncio.create_subprocess_exec("sleep", "300")
    request = wire.CreateSession(vault="default", run_pid=process.pid)
    gone, revoked = [await app.sessions.create(request, ADA, "") for _ in range(2)]
    await app.sessions.revoke("default", revoked.id, ADA)
    await app.sessions.end_with_processes()
    assert len((await app.sessions.list("default")).sessions) == 3
    process.kill()
    await process.wait()
    await app.sessions.end_with_processes()
    listed = {one.id for one in (await app.sessions.list("default")).sessions}
    assert listed == {one.id for one in kept}
    assert [event.data["by"] for event in events_of(app, "session.revoked")] == [
        ADA.label,
        "worker",
    ]
    with pytest.raises(VaultError):
        app.broker.authenticate(basic(gone.token))


async def test_expired_sessions_are_gone(
    app: Application, clock: FakeClock, tunnels: FakeTunnels
) -> None:
    """Not listed, not accepted; housekeeping ends their connections and forgets them."""
    made = await app.sessions.create(wire.CreateSession(vault="default", ttl_seconds=300), ADA, "")
    clock.advance(300)
    assert (await app.sessions.list("default")).sessions == []
    with pytest.raises(VaultError):
        app.broker.authenticate(basic(made.token))
    await app.housekeeping.tick()
    assert tunnels.closed == [token_sha256(made.token)]
    assert app._context.snapshot.bearers == {}


async def test_an_expired_agent_is_cut_off_once_and_stays_listed(
    app: Application, clock: FakeClock, tunnels: FakeTunnels
) -> None:
    """It can be rotated; its connections end when its token does."""
    token = await make_agent(app, "brief", "default", ttl_seconds=60)
    clock.advance(60)
    await app.housekeeping.tick()
    await app.housekeeping.tick()
    assert tunnels.closed == [token_sha256(token)]
    assert [row.name for row in (await app.agents.list()).agents] == ["brief"]


async def test_a_vault_holds_so_many_sessions(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may mint sessions cannot fill the memory; an ended one makes room."""
    monkeypatch.setattr(sessions, "MAX_LIVE", 2)
    request = wire.CreateSession(vault="default")
    made = [await app.sessions.create(request, ADA, "") for _ in range(2)]
    with pytest.raises(VaultError) as caught:
        await app.sessions.create(request, ADA, "")
    assert caught.value.code == "conflict"
    await app.sessions.revoke("default", made[0].id or "", ADA)
    await app.sessions.create(request, ADA, "")


async def test_a_refused_session_shuts_nobody_out(app: Application) -> None:
    """A wrong lifetime leaves the process that asked able to use the control socket."""
    request = wire.CreateSession(vault="default", ttl_seconds=1, run_pid=os.getpid())
    with pytest.raises(VaultError):
        await app.sessions.create(request, ADA, "")
    assert not app.runs.contains(os.getpid())
