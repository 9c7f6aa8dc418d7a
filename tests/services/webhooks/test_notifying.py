"""From events to receivers: what is told, to whom, and once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.services.application import Application
from proxy_core.services.webhooks.outbox import LIMIT as OUTBOX_LIMIT
from tests.oauth.servers import Received
from tests.services.conftest import ADA
from tests.services.webhooks.conftest import APPROVALS, Receiver, Telling, receiving, until

PROPOSED = {
    "vault": "default",
    "name": "#3",
    "id": 3,
    "proposal": "01ID",
    "agent": "ci",
    "services": ["github"],
    "credentials": ["GITHUB_TOKEN"],
    "by": "agent ci",
}
FAILED = {
    "vault": "default",
    "name": "work",
    "login": "L1",
    "account": "work",
    "error": "http_503",
    "failures": 1,
    "serving": True,
    "retry_at": 1_750_000_060.0,
    "by": "worker",
}


def told(request: Received) -> dict[str, Any]:
    """The notice that a request holds."""
    found: dict[str, Any] = json.loads(request.body)
    return found


async def settled(app: Application, receiver: Receiver) -> None:
    """Everything announced so far has been told: a last notice arrives after it."""
    app.bus.publish(EventType.WORKER_PROBLEM, {"problem": "the last one"})
    assert told(await receiver.next())["data"] == {"problem": "the last one"}


async def test_a_proposal_is_told(app: Application, telling: Telling, receiver: Receiver) -> None:
    """The notice names who asks for what, and where an operator decides."""
    await telling(receiver.url)
    app.bus.publish(EventType.PROPOSAL_CREATED, PROPOSED)
    request = await receiver.next()
    notice = told(request)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-vault-tui-event"] == notice["type"] == "proposal.created"
    assert request.headers["x-vault-tui-delivery"] == notice["id"]
    assert notice["vault"] == "default"
    assert notice["url"] == f"{APPROVALS}/3?vault=default"
    assert notice["data"]["credentials"] == ["GITHUB_TOKEN"]
    assert "ci" in notice["summary"]


async def test_a_real_proposal_and_its_end(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """What agents raise and operators decide reaches receivers by itself."""
    await telling(receiver.url, events=["proposal.*"])
    asked = wire.CreateProposal(
        services=[{"name": "some", "host": "x.example.com", "auth": {"type": "passthrough"}}]
    )
    await app.proposals.create("default", asked, ADA, "http://here")
    assert told(await receiver.next())["type"] == "proposal.created"
    await app.deciding.reject(1, wire.RejectProposal(vault="default", reason="no"), ADA)
    notice = told(await receiver.next())
    assert (notice["type"], notice["url"]) == ("proposal.rejected", "")


async def test_a_device_that_waits_is_told_without_its_code(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """Who asks, and from where; the webhooks of one vault hear nothing, for it is about none."""
    async with receiving() as of_a_vault:
        await telling(receiver.url, events=["device.*", "worker.*"])
        await telling(of_a_vault.url, vault="default")
        requests = app.claude_gateway.devices.requests
        request, _ = await requests.begin("claude-code/2.1", "10.0.0.7")
        notice = told(await receiver.next())
        assert (notice["type"], notice["url"]) == ("device.requested", "")
        assert notice["data"] == {"name": "claude-code/2.1", "address": "10.0.0.7"}
        assert request.code not in json.dumps(notice)
        await settled(app, receiver)
        assert of_a_vault.came.empty()


async def test_only_what_was_asked_for(app: Application, telling: Telling) -> None:
    """A webhook is told of its events and its vault alone."""
    async with receiving() as all_of_default, receiving() as accounts:
        await telling(all_of_default.url, vault="default")
        await telling(accounts.url, events=["account.*", "worker.problem"])
        app.bus.publish(EventType.PROPOSAL_CREATED, {**PROPOSED, "vault": "other"})
        app.bus.publish(EventType.WORKER_PROBLEM, {"problem": "a disk"})
        app.bus.publish(EventType.ACCOUNT_EXHAUSTED, {"vault": "other", "name": "a"})
        app.bus.publish(EventType.PROPOSAL_CREATED, PROPOSED)
        assert told(await accounts.next())["type"] == "worker.problem"
        assert told(await accounts.next())["type"] == "account.exhausted"
        assert told(await all_of_default.next())["vault"] == "default"
        assert accounts.came.empty()
        assert all_of_default.came.empty()


async def test_what_another_worker_announced_is_its_own_to_tell(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """Events that came from another worker on the same database are not told again."""
    await telling(receiver.url)
    app.bus.publish(EventType.PROPOSAL_CREATED, {**PROPOSED, "worker": "another"})
    await settled(app, receiver)


async def test_two_workers_tell_once(
    app: Application, telling: Telling, receiver: Receiver, tmp_path: Path, clock: FakeClock
) -> None:
    """Two workers that follow each other send one notice of one proposal."""
    from proxy_core.services.application import ApplicationConfig
    from tests.oauth.servers import plain_http

    await telling(receiver.url)
    other = await Application.open(ApplicationConfig(tmp_path / "vault.db"), clock)
    try:
        await other.keys.unseal_automatically()
        other.notifying.attach(plain_http().post)
        tasks = [
            asyncio.create_task(work())
            for work in (
                app.following.hear,
                app.following.say,
                other.following.hear,
                other.following.say,
                other.notifying.run,
            )
        ]
        await asyncio.gather(app.following.hearing.wait(), other.following.hearing.wait())
        await until(lambda: other.webhooks.by_id)
        before = other.bus.last_seq
        app.bus.publish(EventType.PROPOSAL_CREATED, PROPOSED)
        await receiver.next()
        await until(lambda: other.bus.last_seq > before)
        other.bus.publish(EventType.WORKER_PROBLEM, {"problem": "mine"})
        assert told(await receiver.next())["data"] == {"problem": "mine"}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await other.close()


async def test_a_failing_refresh_is_told_once_and_once_more_when_nothing_serves(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """Retries are not told one by one; after a success the next failure is news again."""
    await telling(receiver.url)
    for failures in (1, 2, 3):
        app.bus.publish(EventType.REFRESH_FAILED, {**FAILED, "failures": failures})
    for failures in (4, 5):
        down = {**FAILED, "failures": failures, "serving": False}
        app.bus.publish(EventType.REFRESH_FAILED, down)
    first, second = told(await receiver.next()), told(await receiver.next())
    assert (first["data"]["failures"], second["data"]["failures"]) == (1, 4)
    assert first["data"]["retry_at"] == "2025-06-15T15:07:40.000Z"
    assert "still serves" in first["summary"]
    app.bus.publish(EventType.REFRESH_SUCCEEDED, {"login": "L1"})
    app.bus.publish(EventType.REFRESH_FAILED, FAILED)
    assert told(await receiver.next())["data"]["failures"] == 1
    await settled(app, receiver)


async def test_the_sealing_is_told_though_addresses_are_sealed_by_then(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """What tells of the sealing is written before it, even when its delivery takes retries."""
    receiver.answers = [None, None]
    await telling(receiver.url)
    await app.keys.seal(ADA)
    while True:
        notice = told(await receiver.next())
        assert notice["type"] == "worker.sealed"
        if not receiver.answers and receiver.came.empty():
            break
    assert notice["data"] == {"by": "operator ada"}


async def test_notices_of_a_sealed_vault_wait_until_it_is_open(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """Nobody can read addresses meanwhile; nothing is lost."""
    added = await telling(receiver.url, events=["worker.problem"])
    await app.keys.seal(ADA)
    app.bus.publish(EventType.WORKER_PROBLEM, {"problem": "while sealed"})
    await until(lambda: app.webhooks.list().webhooks[0].waiting)
    assert receiver.came.empty()
    assert await app.keys.unseal_automatically() == "keyfile"
    assert told(await receiver.next())["data"] == {"problem": "while sealed"}
    assert app.webhooks.get(added.webhook.id).enabled


async def test_a_receiver_that_hangs_delays_nobody_else(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """Its own queue is bounded, what does not fit is counted and shown; others are told at once."""
    async with receiving() as hanging:
        hanging.hold = asyncio.Event()
        await telling(hanging.url)
        await telling(receiver.url)
        for number in range(OUTBOX_LIMIT + 5):
            app.bus.publish(EventType.WORKER_PROBLEM, {"problem": str(number)})
        seen = [told(await receiver.next())["data"]["problem"] for _ in range(OUTBOX_LIMIT)]
        await until(lambda: app.webhooks.list().webhooks[0].waiting == OUTBOX_LIMIT)
        slow = app.webhooks.list().webhooks[0]
        hanging.hold.set()
    assert slow.dropped == 5
    assert seen[0] == "0"
    assert any("not delivered" in problem for problem in app.problems())


async def test_a_held_request_is_told_without_its_query(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """The query may hold what nobody knows to be secret."""
    await telling(receiver.url)
    held = wire.Hold(
        id="H1",
        vault="default",
        agent="ci",
        actor_type="agent",
        service="github",
        rule=1,
        reason="rule",
        method="DELETE",
        url="https://api.example.com/repos/x?token=hush",
        body_preview="",
        credential_keys=[],
        created_at="",
        expires_at="2026-01-01T00:00:00Z",
        seconds_left=120,
    )
    app.bus.publish(EventType.REQUEST_HELD, held)
    request = await receiver.next()
    assert b"hush" not in request.body
    assert told(request)["data"]["url"] == "https://api.example.com/repos/x?…"


@pytest.mark.parametrize("kind", ["json", "slack"])
async def test_an_operator_tries_a_webhook(
    app: Application, telling: Telling, receiver: Receiver, kind: str
) -> None:
    """A test is delivered at once, and says how it went."""
    receiver.answers = [b"HTTP/1.1 403 no\r\ncontent-length: 0\r\n\r\n"]
    added = await telling(receiver.url, format=kind)
    refused = await app.notifying.test(added.webhook.id)
    assert (refused.delivered, refused.status) == (False, 403)
    assert (await app.notifying.test(added.webhook.id)).delivered
    assert b"This is a test" in (await receiver.next()).body
