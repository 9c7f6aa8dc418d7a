"""Devices of the gateway where time passes and the worker ends: tokens, agents, pools."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain import wire
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.local_answers import Local, LocalRequest
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.claude_gateway import requests as requests_module
from proxy_core.services.claude_gateway.tokens import Pair
from tests.services.accounts.provider import Tokens, Usage
from tests.services.conftest import ADA, FakeTunnels, Opener, events_of, put_credentials


async def signed_in(app: Application, **wanted: str) -> Pair:
    """A device that was approved and has its tokens."""
    devices = app.claude_gateway.devices
    request, secret = await devices.requests.begin("claude-code/1", "10.0.0.7")
    await devices.approve(request.code, wire.ApproveDevice(**wanted), ADA)
    return await devices.tokens.collect(await devices.requests.poll(secret))


def holder(app: Application, pair: Pair) -> str:
    """The agent that an access token stands for."""
    return app.broker.authenticate(b"Bearer " + pair.access.encode()).actor_name


async def test_tokens_outlive_the_worker(app: Application, reopen: Opener) -> None:
    """Another life of it knows both, and who waited."""
    pair = await signed_in(app, email="ada@example.com")
    request, secret = await app.claude_gateway.devices.requests.begin("claude-code/1", "10.0.0.8")
    again = await reopen()
    assert holder(again, pair) == "ada"
    devices = again.claude_gateway.devices
    assert (await devices.tokens.refresh(pair.refresh)).email == "ada@example.com"
    await devices.approve(request.code, wire.ApproveDevice(agent="later"), ADA)
    found = await devices.requests.poll(secret)
    assert holder(again, await devices.tokens.collect(found)) == "later"


async def test_the_other_worker_has_made_its_agent_a_moment_ago(
    app: Application, clock: FakeClock, tmp_path: Path
) -> None:
    """The device gets its tokens from one that has not heard of that yet."""
    other = await Application.open(ApplicationConfig(tmp_path / "vault.db"), clock)
    try:
        request, secret = await app.claude_gateway.devices.requests.begin(
            "claude-code/1", "10.0.0.7"
        )
        wanted = wire.ApproveDevice(agent="laptop")
        await other.claude_gateway.devices.approve(request.code, wanted, ADA)
    finally:
        await other.close()
    devices = app.claude_gateway.devices
    pair = await devices.tokens.collect(await devices.requests.poll(secret))
    assert holder(app, pair) == "laptop"


async def test_a_device_that_waits_costs_one_read(
    app: Application, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that is too early not even that; nothing is written until there is something new."""
    requests = app.claude_gateway.devices.requests
    _, secret = await requests.begin("claude-code/1", "10.0.0.7")
    database, reads = app._context.database, []

    async def read(work: Any) -> Any:
        reads.append(work)
        return await type(database).read(database, work)

    async def run(_: Any) -> Any:
        raise AssertionError("something is written")

    monkeypatch.setattr(database, "read", read)
    monkeypatch.setattr(database, "run", run)
    for seconds, error, count in ((0, "authorization_pending", 1), (3, "slow_down", 1)):
        clock.advance(seconds)
        with pytest.raises(OAuthRefusal) as caught:
            await requests.poll(secret)
        assert (caught.value.error, len(reads)) == (error, count)


async def test_so_many_devices_wait_at_a_time(
    app: Application, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks next is told to wait; those that nobody answered go, and that is told once."""
    monkeypatch.setattr(requests_module, "MOST_WAITING", 2)
    requests = app.claude_gateway.devices.requests
    for number in range(2):
        await requests.begin("claude-code/1", f"10.0.0.{number}")
    with pytest.raises(VaultError) as caught:
        await requests.begin("claude-code/1", "10.0.1.1")
    assert caught.value.code == "overloaded"
    clock.advance(protocol.REQUEST_SECONDS)
    assert (await requests.list()).requests == []
    for _ in range(2):
        await app.housekeeping.tick()
    ended = [event.data["outcome"] for event in events_of(app, "device.resolved")]
    assert ended == ["timeout", "timeout"]
    await requests.begin("claude-code/1", "10.0.1.1")


async def test_an_access_token_ends_after_an_hour(app: Application, clock: FakeClock) -> None:
    """Then nothing of it is kept in memory; the refresh token gets another."""
    pair = await signed_in(app)
    known = len(app._context.snapshot.bearers)
    clock.advance(3600)
    with pytest.raises(VaultError, match="expired"):
        holder(app, pair)
    await app.housekeeping.tick()
    assert len(app._context.snapshot.bearers) == known - 1
    fresh = await app.claude_gateway.devices.tokens.refresh(pair.refresh)
    assert holder(app, fresh).startswith("claude-10-0-0-7")


async def test_a_device_has_so_many_tokens_at_a_time(
    app: Application, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further refreshing waits until one ends, and the refresh token stays good for that."""
    monkeypatch.setattr(protocol, "MOST_ACCESS", 3)
    pair = await signed_in(app)
    for _ in range(2):
        pair = await app.claude_gateway.devices.tokens.refresh(pair.refresh)
    with pytest.raises(OAuthRefusal) as caught:
        await app.claude_gateway.devices.tokens.refresh(pair.refresh)
    assert (caught.value.error, caught.value.status) == ("slow_down", 429)
    assert holder(app, pair)
    clock.advance(3600)
    assert holder(app, await app.claude_gateway.devices.tokens.refresh(pair.refresh))


async def test_a_login_that_is_not_used_for_a_month_ends(
    app: Application, clock: FakeClock
) -> None:
    """The refresh token has expired."""
    pair = await signed_in(app)
    clock.advance(30 * 86_400)
    with pytest.raises(OAuthRefusal) as caught:
        await app.claude_gateway.devices.tokens.refresh(pair.refresh)
    assert (caught.value.error, caught.value.status) == ("invalid_grant", 401)
    (device,) = (await app.claude_gateway.devices.list()).devices
    assert not device.signed_in


async def test_an_agent_that_expires_takes_its_devices_along(
    app: Application, clock: FakeClock
) -> None:
    """A token lasts no longer than its agent, and is then not refreshed."""
    grants = [wire.AgentVault(vault_name="default")]
    await app.agents.create(wire.CreateAgent(name="brief", vaults=grants, ttl_seconds=600), ADA)
    pair = await signed_in(app, agent="brief")
    assert pair.seconds == 600
    clock.advance(600)
    with pytest.raises(OAuthRefusal, match="has ended"):
        await app.claude_gateway.devices.tokens.refresh(pair.refresh)


async def test_what_becomes_of_the_agent_becomes_of_its_devices(
    app: Application, tunnels: FakeTunnels
) -> None:
    """Its name, its grants; an instance role is never theirs. Rotating its token is no matter."""
    pair = await signed_in(app, email="ada@example.com")
    await app.agents.rename("ada", wire.Rename(name="ada-laptop"), ADA)
    await app.agents.change_role("ada-laptop", "owner", ADA)
    await app.agents.rotate("ada-laptop", ADA)
    assert holder(app, pair) == "ada-laptop"
    with_role = app.identity.of_bearer(pair.access)
    assert with_role.instance_role == "no-access"
    assert tunnels.closed
    tunnels.closed.clear()
    await app.agent_grants.remove("default", "ada-laptop", ADA)
    assert len(tunnels.closed) == 2
    assert app.identity.of_bearer(pair.access).vaults == {}
    listed = (await app.agents.list()).agents
    assert [one.name for one in listed] == ["ada-laptop"]


async def test_what_a_pools_accounts_have_used_is_not_told(
    app: Application, clock: FakeClock
) -> None:
    """Of a credential of its own the upstream is asked; of a pool nobody's cap is told."""
    await put_credentials(app, API_KEY="s3cret")
    pair = await signed_in(app)
    local = await usage(app, pair, "API_KEY")
    assert await app.gateway_answers.answer(local) is None
    app.logins.attach(Tokens())
    app.accounts.attach(Usage())
    tokens = {"access_token": "a", "expires_at": clock.time() + 86_400}
    account = wire.AddAccount(provider="claude", tokens=tokens, email="a@example.com")
    await app.accounts.adding.paste(account, ADA)
    answer = await app.gateway_answers.answer(await usage(app, pair, "ANTHROPIC"))
    assert answer is not None
    assert answer.status == 404
    assert json.loads(answer.body)["error"]["type"] == "not_found_error"


async def usage(app: Application, pair: Pair, key: str) -> Local:
    """A request for it, of a service that uses a credential."""
    auth = {"type": "bearer", "token": key}
    document: dict[str, Any] = {"name": "claude", "host": "api.anthropic.com", "auth": auth}
    document["gateway"] = {"prefix": "anthropic"}
    await app.services.upsert("default", wire.ServicesRequest(services=[document]), ADA)
    request = LocalRequest("GET", "anthropic", "/api/oauth/usage", "", "http://x", "10.0.0.7", True)
    covering = app.gateway_answers.covering(request)
    assert covering is not None
    access = app.broker.authenticate(b"Bearer " + pair.access.encode())
    return Local(request, covering[0], access)
