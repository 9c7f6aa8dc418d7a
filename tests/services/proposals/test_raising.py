"""Raising, listing, waiting for and revealing proposals."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import (
    ADA,
    Opener,
    events_of,
    put_credentials,
    put_service,
    seen_events,
)
from tests.services.proposals.conftest import (
    BASE,
    VALUE,
    an_agent,
    approve,
    propose,
    reject,
    request,
    slot,
    status_of,
    stripe,
)

HOSTILE = "\x1b[2J\u202eevil\u202c <script>\x00" + "x" * 1900


async def code_of(call: Any) -> str:
    """What an awaitable is refused with."""
    with pytest.raises(VaultError) as caught:
        await call
    return caught.value.code


async def test_a_proposal_is_numbered_and_waits(each_app: Application) -> None:
    """The answer has the id, the address for a person, and what to do next; the event has names."""
    app = each_app
    by = await an_agent(app)
    made = await app.proposals.create("default", request(message="please"), by, BASE)
    assert (made.id, made.status, made.vault) == (1, "pending", "default")
    assert made.approval_url.startswith(f"{BASE}/approve/1?token=vt_appr_")
    assert "/v1/proposals/1?wait=60" in made.message
    assert await propose(app, by) == 2
    (first, _) = events_of(app, "proposal.created")
    assert first.data["services"] == ["stripe"]
    assert first.data["credentials"] == ["STRIPE_KEY"]
    assert (first.data["vault"], first.data["id"], first.data["by"]) == ("default", 1, "agent bot")
    assert app.proposals.pending == 2
    for never in (0, -1, 3, 2**31, 2**63, 10**30):  # whatever fits into a column, and what does not
        assert await code_of(app.proposals.get("default", never)) == "not_found"


async def test_texts_are_kept_as_they_were_written(each_app: Application) -> None:
    """Whatever an agent writes is there afterwards, character by character."""
    by = await an_agent(each_app)
    described = slot(description=HOSTILE[:500], obtain=HOSTILE[:500])
    number = await propose(
        each_app, by, stripe(), credentials=[described], message=HOSTILE, user_message=HOSTILE
    )
    found = await each_app.proposals.get("default", number)
    assert (found.message, found.user_message) == (HOSTILE, HOSTILE)
    assert found.credentials[0].description == HOSTILE[:500]
    reviewed = await each_app.proposals.reviewed("default", number)
    assert reviewed.review is not None
    assert "hidden_characters" in [risk.code for risk in reviewed.review.risks]


async def test_a_value_is_never_shown_back(app: Application, tmp_path: Path) -> None:
    """Not in the answer, the proposal, its review, a list, an event, or the database's file."""
    by = await an_agent(app)
    body = request(stripe(), credentials=[slot(value=VALUE)])
    assert VALUE not in repr(body)
    made = await app.proposals.create("default", body, by, BASE)
    shown = [
        made,
        await app.proposals.get("default", 1),
        await app.proposals.reviewed("default", 1),
        await app.proposals.list("default"),
        *seen_events(app),
    ]
    assert VALUE not in "".join(map(str, shown))
    assert "vt_appr_" not in repr(made)
    found = await app.proposals.get("default", 1)
    assert found.credentials[0].has_value
    stored = on_disk(tmp_path)
    assert b"STRIPE_KEY" in stored
    assert VALUE.encode() not in stored


def on_disk(home: Path) -> bytes:
    """Every byte of the database's files."""
    return b"".join(file.read_bytes() for file in home.glob("vault.db*"))


async def test_an_operator_may_reveal_an_agents_value(app: Application) -> None:
    """It is announced, and gone once the proposal is decided."""
    by = await an_agent(app)
    number = await propose(app, by, stripe(), credentials=[slot(value=VALUE)])
    body = wire.RevealProposed(key="STRIPE_KEY")
    assert (await app.proposals.reveal(number, body, ADA)).value == VALUE
    (event,) = events_of(app, "credential.revealed")
    assert (event.data["name"], event.data["proposal"]) == ("STRIPE_KEY", number)
    other = wire.RevealProposed(key="OTHER")
    assert await code_of(app.proposals.reveal(number, other, ADA)) == "not_found"
    await reject(app, number)
    assert await code_of(app.proposals.reveal(number, body, ADA)) == "not_found"


async def test_a_sealed_vault_takes_no_values(app: Application) -> None:
    """What could not be encrypted is refused; a proposal without values is kept."""
    by = await an_agent(app)
    await app.keys.seal(ADA)
    body = request(stripe(), credentials=[slot(value=VALUE)])
    assert await code_of(app.proposals.create("default", body, by, BASE)) == "sealed"
    assert await propose(app, by) == 1
    assert await code_of(approve(app, 1, STRIPE_KEY="x")) == "sealed"


async def test_at_most_twenty_wait(app: Application) -> None:
    """One more is refused until an operator has decided one."""
    by = await an_agent(app)
    for _ in range(20):
        await propose(app, by)
    assert await code_of(propose(app, by)) == "proposals_pending"
    await reject(app, 3)
    assert await propose(app, by) == 21


async def test_a_proposal_expires(app: Application, clock: FakeClock) -> None:
    """After seven days, whether or not the sweep has come by; the sweep announces it."""
    by = await an_agent(app)
    number = await propose(app, by)
    clock.advance(7 * 86400 + 1)
    assert await status_of(app, number) == "expired"
    assert app.proposals.pending == 0
    assert await code_of(approve(app, number, STRIPE_KEY="x")) == "conflict"
    await app.housekeeping.tick()
    (event,) = events_of(app, "proposal.expired")
    assert (event.data["id"], event.data["by"]) == (number, "worker")
    await app.proposals.sweep()
    assert len(events_of(app, "proposal.expired")) == 1


async def test_what_ended_long_ago_is_forgotten(app: Application, clock: FakeClock) -> None:
    """After the days of the setting, counted from the decision; numbers are not used again."""
    await app.settings.change({"proposal_retention_days": 30}, ADA)
    by = await an_agent(app)
    first = await propose(app, by)
    await reject(app, first)
    clock.advance(86400)
    second = await propose(app, by)
    await reject(app, second)
    clock.advance(29 * 86400)
    await app.housekeeping.tick()
    assert [one.id for one in (await app.proposals.list("default")).proposals] == [second, first]
    clock.advance(3600)
    await app.housekeeping.tick()
    assert [one.id for one in (await app.proposals.list("default")).proposals] == [second]
    clock.advance(30 * 86400)
    await app.housekeeping.tick()
    assert await propose(app, by) == second + 1


async def test_lists_are_of_one_status(app: Application) -> None:
    """Newest first; an unknown status is refused."""
    by = await an_agent(app)
    for _ in range(3):
        await propose(app, by)
    await reject(app, 2)
    pending = await app.proposals.list("default", "pending")
    assert [one.id for one in pending.proposals] == [3, 1]
    assert [one.id for one in (await app.proposals.list("default")).proposals] == [3, 2, 1]
    assert await code_of(app.proposals.list("default", "open")) == "bad_request"


@pytest.mark.parametrize("decide", ["apply", "reject"])
async def test_waiting_ends_with_the_decision(app: Application, decide: str) -> None:
    """The answer comes as soon as it is decided, by an event rather than by asking again."""
    by = await an_agent(app)
    number = await propose(app, by)
    other = await propose(app, by)
    waiting = asyncio.create_task(app.proposals.get("default", number, wait=60))
    await asyncio.sleep(0.05)
    await reject(app, other)
    await asyncio.sleep(0)
    assert not waiting.done()
    if decide == "apply":
        await approve(app, number, STRIPE_KEY="sk")
    else:
        await reject(app, number, reason="not today")
    found = await asyncio.wait_for(waiting, 30)
    assert found.status == {"apply": "applied", "reject": "rejected"}[decide]
    assert found.review_note == ("" if decide == "apply" else "not today")


async def test_waiting_has_an_end(app: Application) -> None:
    """A second later it is still pending; what is decided does not wait; a minute is the most."""
    by = await an_agent(app)
    number = await propose(app, by)
    assert (await app.proposals.get("default", number, wait=1)).status == "pending"
    await reject(app, number)
    found = await asyncio.wait_for(app.proposals.get("default", number, wait=60), 30)
    assert found.status == "rejected"
    assert await code_of(app.proposals.get("default", number, wait=61)) == "bad_request"
    assert await code_of(app.proposals.get("default", 99)) == "not_found"


async def test_waiting_ends_with_the_vault(app: Application) -> None:
    """A vault that is deleted takes its proposals along, and nobody waits for them."""
    await app.vaults.create(wire.VaultName(name="short-lived"), ADA)
    by = await an_agent(app, vault="short-lived")
    body = request(credentials=[slot()])
    await app.proposals.create("short-lived", body, by, BASE)
    waiting = asyncio.create_task(app.proposals.get("short-lived", 1, wait=60))
    await asyncio.sleep(0.05)
    await app.vaults.delete("short-lived", ADA)
    assert await code_of(asyncio.wait_for(waiting, 30)) == "not_found"
    assert app.proposals.pending == 0


async def test_the_count_survives_a_restart(
    app: Application, reopen: Opener, clock: FakeClock
) -> None:
    """What waits is known again to the next life of the worker."""
    by = await an_agent(app)
    await propose(app, by)
    await propose(app, by)
    again = await reopen()
    assert again.proposals.pending == 2
    clock.advance(8 * 86400)
    assert again.proposals.pending == 0


async def test_the_approvals_address_reads_for_a_day(app: Application, clock: FakeClock) -> None:
    """Its token shows its own proposal and review, for 24 hours, and no other."""
    by = await an_agent(app)
    made = await app.proposals.create("default", request(), by, BASE)
    await propose(app, by)
    token = made.approval_url.partition("token=")[2]
    found = await app.proposals.details(token, 1)
    assert found.review is not None
    assert found.review.needs_value == ["STRIPE_KEY"]
    assert await code_of(app.proposals.details(token, 2)) == "unauthorized"
    assert await code_of(app.proposals.details("vt_appr_" + "0" * 64, 1)) == "unauthorized"
    clock.advance(86400)
    assert await code_of(app.proposals.details(token, 1)) == "unauthorized"


async def test_what_cannot_be_carried_out_is_refused_at_once(app: Application) -> None:
    """A service that names a credential that is no slot, a slot for nothing, a wrong deletion."""
    by = await an_agent(app)
    for body in (
        request(stripe()),
        request(stripe(), credentials=[slot(), slot("UNUSED")]),
        request(credentials=[slot("GONE", action="delete")]),
        wire.CreateProposal(services=[{"action": "delete", "name": "no-such"}]),
    ):
        assert await code_of(app.proposals.create("default", body, by, BASE)) == "bad_request"
    await put_credentials(app, STRIPE_KEY="sk")
    await put_service(app, "other", "other.example.com", "STRIPE_KEY")
    assert await propose(app, by, stripe()) == 1
