"""Devices of the gateway with two workers: both answer who waits, tokens are taken by both, and end
at both.
"""

import asyncio

import pytest
from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.services.claude_gateway.tokens import Pair as Tokens
from proxy_core.store.tables import DeviceRequestRow
from tests.services.conftest import ADA, events_of, make_agent
from tests.services.following.conftest import Pair
from tests.services.following.test_following import refusal


async def test_a_device_works_everywhere_until_it_is_revoked(pair: Pair) -> None:
    """Approved at one, it is refreshed at the other; revoked, it is refused and cut at both."""
    here, there = pair.a.app.claude_gateway.devices, pair.b.app.claude_gateway.devices
    request, secret = await here.requests.begin("claude-code/1", "10.0.0.7")
    device = (await here.approve(request.code, wire.ApproveDevice(), ADA)).device
    first = await here.tokens.collect(await here.requests.poll(secret))
    await make_agent(pair.a.app, "later", "default")
    await pair.b.seen("agent.changed", name="later")
    assert refusal(pair.b.app, first.access) == ""
    second = await there.tokens.refresh(first.refresh)
    await make_agent(pair.b.app, "last", "default")
    await pair.a.seen("agent.changed", name="last")
    assert refusal(pair.a.app, second.access) == ""
    await there.revoke(device, ADA)
    await pair.a.seen("device.changed", change="ended")
    for app in (pair.a.app, pair.b.app):
        assert refusal(app, first.access) == refusal(app, second.access) == "proxy_auth_required"
    assert token_sha256(second.access) in pair.a.tunnels.closed


async def test_any_worker_answers_a_device_that_waits(pair: Pair) -> None:
    """Asked for at one, listed and approved at the other, whose consoles heard of it; the tokens
    are given out once, by whichever is asked, and nothing of the request is left.
    """
    here, there = pair.a.app.claude_gateway.devices, pair.b.app.claude_gateway.devices
    request, secret = await here.requests.begin("claude-code/1", "10.0.0.7")
    assert (await pair.b.seen("device.requested", id=request.code)).data["address"] == "10.0.0.7"
    for devices in (here, there):
        with pytest.raises(OAuthRefusal) as caught:
            await devices.requests.poll(secret)
        assert caught.value.error == "authorization_pending"
    (listed,) = (await there.requests.list()).requests
    await there.approve(listed.code, wire.ApproveDevice(agent="laptop"), ADA)
    for devices in (here, there):
        devices.requests._pace.forget(request.sha256)  # as if five seconds had passed
    approved = [await devices.requests.poll(secret) for devices in (here, there)]
    results = await asyncio.gather(
        here.tokens.collect(approved[0]), there.tokens.collect(approved[1]), return_exceptions=True
    )
    (refused,) = [one for one in results if isinstance(one, OAuthRefusal)]
    (tokens,) = [one for one in results if isinstance(one, Tokens)]
    assert refused.error == "expired_token"
    holders = [one.broker for one in (pair.a.app, pair.b.app)][results.index(tokens)]
    assert holders.authenticate(b"Bearer " + tokens.access.encode()).actor_name == "laptop"

    def stored(session: Session) -> list[DeviceRequestRow]:
        return list(session.exec(select(DeviceRequestRow)))

    assert await pair.a.app._context.database.read(stored) == []


async def test_a_device_is_decided_once(pair: Pair) -> None:
    """Of two operators at two workers one has decided; its device hears that at either."""
    here, there = pair.a.app.claude_gateway.devices, pair.b.app.claude_gateway.devices
    request, secret = await here.requests.begin("claude-code/1", "10.0.0.7")
    decided = await asyncio.gather(
        here.deny(request.code, ADA), there.deny(request.code, ADA), return_exceptions=True
    )
    (refused,) = [one for one in decided if isinstance(one, VaultError)]
    assert refused.code == "not_found"
    with pytest.raises(OAuthRefusal) as caught:
        await there.requests.poll(secret)
    assert caught.value.error == "access_denied"
    assert await here.requests.find(request.code) is None


async def test_who_waited_too_long_is_told_of_once(pair: Pair) -> None:
    """However many workers look after it."""
    here, there = pair.a.app.claude_gateway.devices.requests, pair.b.app
    request, _ = await here.begin("claude-code/1", "10.0.0.7")

    def grow_old(session: Session) -> None:
        row = session.get(DeviceRequestRow, request.sha256)
        assert row is not None
        row.expires_at -= 600

    await pair.a.app._context.database.run(grow_old)
    await asyncio.gather(here.sweep(), there.claude_gateway.devices.requests.sweep())
    event = await pair.b.seen("device.resolved", id=request.code)
    assert event.data["outcome"] == "timeout"
    await pair.a.seen("device.resolved", id=request.code)
    for app in (pair.a.app, pair.b.app):
        assert len(events_of(app, "device.resolved")) == 1
