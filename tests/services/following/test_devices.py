"""Devices of the gateway with two workers: tokens are taken by both, and end at both."""

from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from tests.services.conftest import ADA, make_agent
from tests.services.following.conftest import Pair
from tests.services.following.test_following import refusal


async def test_a_device_works_everywhere_until_it_is_revoked(pair: Pair) -> None:
    """Approved at one, it is refreshed at the other; revoked, it is refused and cut at both."""
    here, there = pair.a.app.claude_gateway.devices, pair.b.app.claude_gateway.devices
    request, _ = here.requests.begin("claude-code/1", "10.0.0.7")
    device = (await here.approve(request.code, wire.ApproveDevice(), ADA)).device
    first = await here.collect(request)
    await make_agent(pair.a.app, "later", "default")
    await pair.b.seen("agent.changed", name="later")
    assert refusal(pair.b.app, first.access) == ""
    second = await there.refresh(first.refresh)
    await make_agent(pair.b.app, "last", "default")
    await pair.a.seen("agent.changed", name="last")
    assert refusal(pair.a.app, second.access) == ""
    await there.revoke(device, ADA)
    await pair.a.seen("device.changed", change="ended")
    for app in (pair.a.app, pair.b.app):
        assert refusal(app, first.access) == refusal(app, second.access) == "proxy_auth_required"
    assert token_sha256(second.access) in pair.a.tunnels.closed
