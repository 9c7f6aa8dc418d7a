"""Signatures, retries, the guard, and that no secret is told."""

import asyncio
import hashlib
import hmac
import logging
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain.events import EventType
from proxy_core.domain.notices import PAUSES
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.application import Application
from proxy_core.services.webhooks.webhooks import FORMER_SECONDS
from tests.oauth.servers import HOST, Received, Script, Tls, guard, listening, reply
from tests.services.conftest import ADA, NOW, events_of, seen_events
from tests.services.webhooks.conftest import PATH, Naps, Receiver, Telling, receiving, until


def tell(app: Application) -> None:
    """Announce something that webhooks are told of."""
    app.bus.publish(EventType.WORKER_PROBLEM, {"problem": "a disk"})


def verified(request: Received, secret: str) -> bool:
    """As a receiver does it, by the documentation."""
    time, *codes = request.headers["x-vault-tui-signature"].split(",")
    signed = time.removeprefix("t=").encode() + b"." + request.body
    wanted = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return wanted in codes


async def test_a_notice_is_signed(app: Application, telling: Telling, receiver: Receiver) -> None:
    """The secret that was shown when the webhook was added verifies body and time."""
    added = await telling(receiver.url)
    tell(app)
    request = await receiver.next()
    assert added.secret.startswith("whsec_")
    assert verified(request, added.secret)
    assert not verified(request, added.secret + "x")
    assert request.headers["x-vault-tui-signature"].startswith(f"t={int(NOW)},")


async def test_a_new_secret_and_the_former_sign_for_a_day(
    app: Application, telling: Telling, receiver: Receiver, clock: FakeClock
) -> None:
    """A receiver has a day to take the new secret over; then the former one is worthless."""
    first = await telling(receiver.url)
    second = await app.webhooks.rotate(first.webhook.id, ADA)
    assert second.secret != first.secret
    tell(app)
    request = await receiver.next()
    assert verified(request, first.secret)
    assert verified(request, second.secret)
    clock.advance(FORMER_SECONDS)
    tell(app)
    request = await receiver.next()
    assert not verified(request, first.secret)
    assert verified(request, second.secret)


async def test_what_may_pass_is_tried_again(
    app: Application, telling: Telling, receiver: Receiver, naps: Naps
) -> None:
    """Later and later, with the same id, signed anew; a success clears the failure."""
    receiver.answers = [None, None, reply(status=500), reply(status=503)]
    added = await telling(receiver.url)
    tell(app)
    requests = [await receiver.next() for _ in range(4)]
    assert {one.headers["x-vault-tui-delivery"] for one in requests} == {
        requests[0].headers["x-vault-tui-delivery"]
    }
    assert all(verified(one, added.secret) for one in requests)
    await until(lambda: app.webhooks.get(added.webhook.id).state == "ok")
    assert naps.taken == list(PAUSES[:3])
    assert not events_of(app, "webhook.failed")


async def test_retry_after_is_honoured(
    app: Application, telling: Telling, receiver: Receiver, naps: Naps
) -> None:
    """In seconds and as a date, but never for longer than a notice is worth."""
    later = format_datetime(datetime.fromtimestamp(NOW + 147, UTC), usegmt=True)
    receiver.answers = [
        reply(status=429, Retry_After="77"),
        reply(status=503, Retry_After=later),
        reply(status=503, Retry_After="999999"),
    ]
    await telling(receiver.url)
    tell(app)
    for _ in range(4):
        await receiver.next()
    assert naps.taken == [77.0, 70.0, 600.0]


async def test_a_refusal_is_not_tried_again(
    app: Application, telling: Telling, receiver: Receiver, naps: Naps
) -> None:
    """It is told to consoles once in a row of failures, and shown with its reason."""
    receiver.answers = [reply(status=404), reply(status=302, Location="https://evil.test/")]
    added = await telling(receiver.url)
    tell(app)
    await receiver.next()
    tell(app)
    await receiver.next()
    tell(app)
    await receiver.next()
    await until(lambda: app.webhooks.get(added.webhook.id).state == "ok")
    assert naps.taken == []
    (failed,) = events_of(app, "webhook.failed")
    assert failed.data["error"] == "the receiver answered 404"
    assert events_of(app, "webhook.changed")[-1].data["change"] == "recovered"
    assert app.webhooks.list().webhooks[0].dropped == 2


async def test_it_is_given_up_after_a_few_tries(
    app: Application, telling: Telling, receiver: Receiver, naps: Naps
) -> None:
    """The next notice gets its own tries; the failure is a problem of the status."""
    receiver.answers = [None] * 20
    added = await telling(receiver.url)
    tell(app)
    await until(lambda: app.webhooks.get(added.webhook.id).state == "failing")
    assert naps.taken == list(PAUSES)
    (problem, dropped) = app.problems()
    assert added.webhook.id in problem
    assert "can't be reached" in problem
    assert dropped.startswith("1 notices")


async def test_days_of_failures_switch_it_off(
    app: Application, telling: Telling, receiver: Receiver, clock: FakeClock
) -> None:
    """With an event and a problem; an operator can switch it on again."""
    await app.settings.change({"webhook_disable_days": 2}, ADA)
    added = await telling(receiver.url)
    receiver.answers = [reply(status=404)] * 3
    for day in range(2):
        tell(app)
        await until(lambda: app.webhooks.get(added.webhook.id).row.last_at == clock.time())
        assert app.webhooks.get(added.webhook.id).state == "failing", day
        await receiver.next()
        clock.advance(86_400)
    tell(app)
    await receiver.next()
    await until(lambda: not app.webhooks.get(added.webhook.id).enabled)
    (event,) = events_of(app, "webhook.disabled")
    assert event.data["id"] == added.webhook.id
    assert any("switched off" in problem for problem in app.problems())
    shown = await app.webhooks.enable(added.webhook.id, True, ADA)
    assert shown.state == "ok"
    tell(app)
    await receiver.next()


async def test_a_receiver_that_is_gone_is_switched_off_at_once(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """410 says that it will never come back."""
    receiver.answers = [reply(status=410)]
    added = await telling(receiver.url)
    tell(app)
    await until(lambda: not app.webhooks.get(added.webhook.id).enabled)


async def test_a_receiver_over_tls_by_name(app: Application, telling: Telling, naps: Naps) -> None:
    """The certificate is checked, and the address is what the guard has resolved."""
    tls = Tls()
    script = Script(reply(), reply())
    async with listening(script, tls.server) as port:
        app.notifying.attach(GuardedHttp(guard().resolve, tls.client).post, "", naps)
        added = await telling(f"https://{HOST}:{port}{PATH}")
        assert (await app.notifying.test(added.webhook.id)).delivered
        other = await telling(f"https://other.test:{port}{PATH}")
        found = await app.notifying.test(other.webhook.id)
    assert "certificate" in found.error
    assert script.received[0].target == PATH


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::ffff:10.0.0.1"])
async def test_the_guard_refuses_inner_addresses(
    app: Application, telling: Telling, address: str
) -> None:
    """A name that leads inside is not dialled."""
    http = GuardedHttp(guard(address, private=False).resolve, Tls().client)
    app.notifying.attach(http.post)
    added = await telling(f"https://{HOST}{PATH}")
    found = await app.notifying.test(added.webhook.id)
    assert not found.delivered
    assert "may not lead to" in found.error


async def test_the_address_and_the_secret_are_told_nowhere(
    app: Application, telling: Telling, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in lists, events, problems, logs or representations; only sealed in the database."""
    caplog.set_level(logging.DEBUG)
    receiver.answers = [reply(status=404)]
    added = await telling(receiver.url)
    tell(app)
    await until(lambda: app.webhooks.get(added.webhook.id).state == "failing")
    async with receiving(None, None) as other:
        second = await telling(other.url)
        await app.notifying.test(second.webhook.id)
    hook = app.webhooks.get(added.webhook.id)
    shown = "\n".join(
        (
            repr(app.webhooks.list()),
            repr(seen_events(app)),
            repr(app.problems()),
            repr(hook),
            repr(app.webhooks.address(hook)),
            repr(added),
            caplog.text,
        )
    )
    assert "verysecretpath" not in shown
    assert added.secret not in shown
    assert added.webhook.url == receiver.url.split("/services")[0] + "/…"
    stored = await app._context.database.read(lambda session: app.webhooks.read(session))
    stored()
    row = app.webhooks.get(added.webhook.id).row
    assert b"verysecretpath" not in row.sealed
    assert added.secret.encode() not in row.sealed


async def test_a_sealed_address_moved_to_another_row_is_not_used(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """What was sealed for one webhook does not open for another; the rest works."""
    first, second = await telling(receiver.url), await telling(receiver.url)
    rows = {one.id: one.row for one in app.webhooks.by_id.values()}
    rows[first.webhook.id].sealed = rows[second.webhook.id].sealed
    tell(app)
    request = await receiver.next()
    assert verified(request, second.secret)
    await until(lambda: app.webhooks.get(first.webhook.id).state == "failing")
    assert "decrypted" in app.webhooks.get(first.webhook.id).row.last_error


async def test_closing_ends_deliveries_at_once(
    app: Application, telling: Telling, receiver: Receiver
) -> None:
    """A receiver that hangs does not keep the worker from ending."""
    receiver.hold = asyncio.Event()
    await telling(receiver.url)
    tell(app)
    await receiver.next()
    await asyncio.wait_for(app.notifying.close(), 30)
    receiver.hold.set()
