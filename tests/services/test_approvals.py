"""Held requests and what operators say to them, over a real database."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import Access, Ask, Decision, RequestFacts
from proxy_core.services.application import Application
from tests.services.conftest import (
    ADA,
    FakeTunnels,
    Opener,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
)

HOST = "api.example.com"
ASKING = [{"methods": ["POST"], "path": "/chat/*", "action": "ask"}]
POST = facts(HOST, "/chat/send", method="POST", query="to=ops&token=abc")


async def access_of(app: Application, name: str = "bot") -> Access:
    """A connected agent of the vault `default`, whose service asks for POST /chat/*."""
    await put_credentials(app, API_KEY="s3cret")
    await put_service(app, "chat", HOST, "API_KEY", rules=ASKING)
    return app.broker.authenticate(basic(await make_agent(app, name, "default")))


@asynccontextmanager
async def held(
    app: Application, access: Access, request: RequestFacts = POST, preview: str = ""
) -> AsyncIterator[tuple[str, "asyncio.Task[Decision]"]]:
    """A request that waits: its id, and the data path's task."""
    ask = app.broker.decide(access, request)
    assert isinstance(ask, Ask)
    before = {one.id for one in app.holds.list().holds}
    task = asyncio.create_task(app.broker.hold(access, request, ask, preview))
    await asyncio.sleep(0)
    (new,) = {one.id for one in app.holds.list().holds} - before
    try:
        yield new, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def approve(app: Application, hold_id: str, duration: str = "once") -> wire.HoldResolved:
    """Allow as ada."""
    return await app.approvals.approve(hold_id, wire.ApproveHold(duration=duration), ADA)


async def deny(app: Application, hold_id: str, always: bool = False) -> wire.HoldResolved:
    """Refuse as ada."""
    return await app.approvals.deny(hold_id, wire.DenyHold(always=always), ADA)


async def code_of(call: Any) -> str:
    """What an awaitable is refused with."""
    with pytest.raises(VaultError) as caught:
        await call
    return caught.value.code


def asks(app: Application, access: Access, request: RequestFacts = POST) -> bool:
    """Whether the request would be held."""
    return isinstance(app.broker.decide(access, request), Ask)


async def rules_of(app: Application, name: str = "chat") -> list[dict[str, Any]]:
    """A service's rules."""
    listed = (await app.services.list("default")).services
    rules: list[dict[str, Any]] = next(row for row in listed if row["name"] == name)["rules"]
    return rules


async def test_a_held_request_is_told_about_readably(app: Application) -> None:
    """Who, what, where, why and until when; of the query the names alone.

    The event says so too, without the body: it is kept for longer than the request waits.
    """
    access = await access_of(app)
    async with held(app, access, preview="{}") as (hold_id, _):
        shown = app.approvals.get(hold_id)
        assert (shown.agent, shown.vault, shown.service, shown.rule) == (
            "bot",
            "default",
            "chat",
            1,
        )
        assert (shown.method, shown.url) == (
            "POST",
            "https://api.example.com/chat/send?to=…&token=…",
        )
        assert (shown.credential_keys, shown.body_preview) == (["API_KEY"], "{}")
        assert shown.seconds_left == 120
        assert "rule 1 asks" in shown.reason
        (event,) = events_of(app, "request.held")
        assert (event.data.id, event.data.body_preview) == (hold_id, "")


async def test_what_is_allowed_once_goes_on_and_is_asked_again(app: Application) -> None:
    """The decision carries service and credential; the next such request is held anew."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        answer = await approve(app, hold_id)
        assert (answer.outcome, answer.released, answer.grant) == ("approved", 1, None)
        decision = await task
    assert decision.service is not None
    assert (decision.service.name, decision.credential_keys) == ("chat", ("API_KEY",))
    assert "operator ada allowed it once" in decision.reason
    assert asks(app, access)
    (resolved,) = events_of(app, "hold.resolved")
    assert (resolved.data["id"], resolved.data["outcome"]) == (hold_id, "approved")
    assert resolved.data["by"] == "operator ada"


async def test_what_is_denied_is_refused(app: Application) -> None:
    """With its own code, and the operator's name; nothing remains."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        assert (await deny(app, hold_id)).outcome == "denied"
        assert await code_of(task) == "approval_denied"
    assert app.holds.list().holds == []
    assert asks(app, access)


async def test_nobody_answers(app: Application) -> None:
    """After the setting's time the request is refused, and leaves the consoles."""
    access = await access_of(app)
    await app.settings.change({"hold_seconds": 1}, ADA)
    async with held(app, access) as (hold_id, task):
        assert await code_of(task) == "approval_timeout"
        assert await code_of(approve(app, hold_id)) == "not_found"
    assert [event.data["outcome"] for event in events_of(app, "hold.resolved")] == ["timeout"]


async def test_an_answer_in_the_turn_of_the_timeout_counts(app: Application) -> None:
    """Where time runs out and an operator answers in one turn of the loop, the answer holds."""
    await app.settings.change({"hold_seconds": 1}, ADA)
    access, loop = await access_of(app), asyncio.get_running_loop()
    async with held(app, access) as (hold_id, task):
        due, answered = loop.time() + 1, loop.create_future()

        def answer() -> None:
            waiting = app.holds.get(hold_id)
            answered.set_result(app.holds.resolve(waiting, "ada allowed it", "approved", "ada"))

        loop.call_at(due - 0.05, time.sleep, 0.1)
        loop.call_at(due + 0.01, answer)
        assert await answered
        assert (await task).reason.endswith("ada allowed it")


async def test_a_client_that_leaves_takes_its_request_along(app: Application) -> None:
    """Cancelled: gone from the list, and told to consoles."""
    access = await access_of(app)
    async with held(app, access) as (_, task):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len(app.holds) == 0
    assert [event.data["outcome"] for event in events_of(app, "hold.resolved")] == ["cancelled"]


async def test_a_request_is_answered_once(app: Application) -> None:
    """The second operator is told that it is decided."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        first, second = await asyncio.gather(
            approve(app, hold_id, "1h"), deny(app, hold_id), return_exceptions=True
        )
        assert isinstance(first, wire.HoldResolved)
        assert isinstance(second, VaultError)
        assert second.code == "conflict"
        assert (await task).service is not None
        assert await code_of(deny(app, hold_id)) == "not_found"


@pytest.mark.parametrize(("duration", "seconds"), [("15m", 900.0), ("1h", 3600.0)])
async def test_a_grant_covers_such_requests_until_it_ends(
    each_app: Application, clock: FakeClock, duration: str, seconds: float
) -> None:
    """Same agent, method, host and path, whatever the query; nothing else; and not for longer."""
    app = each_app
    access = await access_of(app)
    other = app.broker.authenticate(basic(await make_agent(app, "other", "default")))
    async with held(app, access) as (hold_id, task):
        answer = await approve(app, hold_id, duration)
        assert answer.grant is not None
        assert answer.grant.duration == duration
        await task
    again = app.broker.decide(access, facts(HOST, "/chat/send", method="POST", query="to=all"))
    assert isinstance(again, Decision)
    assert duration in again.reason
    assert asks(app, access, facts(HOST, "/chat/delete", method="POST"))
    assert asks(app, access, facts(HOST, "/chat/send", method="POST", port=8443))
    assert asks(app, other)
    clock.advance(seconds - 1)
    assert not asks(app, access)
    assert len(app.grants.list().grants) == 1
    clock.advance(1)
    assert asks(app, access)
    assert app.grants.list().grants == []
    await app.housekeeping.tick()


async def test_a_session_grant_ends_with_the_token(
    app: Application, tunnels: FakeTunnels, clock: FakeClock
) -> None:
    """It outlives hours, not a rotation."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        answer = await approve(app, hold_id, "session")
        assert answer.grant is not None
        assert answer.grant.expires_at is None
        await task
    clock.advance(86_400)
    assert not asks(app, access)
    rotated = await app.agents.rotate("bot", ADA)
    fresh = app.broker.authenticate(basic(rotated.av_agent_token))
    assert asks(app, fresh)
    assert app.grants.list().grants == []


async def test_grants_survive_a_restart_and_can_be_revoked(
    app: Application, reopen: Opener, key_file: Any
) -> None:
    """Both count at the next request."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        await approve(app, hold_id, "1h")
        await task
    app = await reopen()
    await app.keys.unseal_automatically(None)
    assert not asks(app, access)
    (grant,) = app.grants.list().grants
    assert (grant.agent, grant.vault, grant.service, grant.method) == (
        "bot",
        "default",
        "chat",
        "POST",
    )
    await app.grants.revoke(grant.id, ADA)
    assert asks(app, access)
    assert await code_of(app.grants.revoke(grant.id, ADA)) == "not_found"
    app = await reopen()
    assert app.grants.list().grants == []


async def test_always_writes_a_rule_before_the_one_that_asks(each_app: Application) -> None:
    """For this method and path; everything else that the rule covers still asks."""
    app = each_app
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        answer = await approve(app, hold_id, "always")
        assert (answer.service, answer.grant) == ("chat", None)
        assert "rule 1 allows" in (await task).reason
    allow = {"methods": ["POST"], "path": "/chat/send", "action": "allow"}
    assert await rules_of(app) == [allow, *ASKING]
    assert not asks(app, access)
    assert asks(app, access, facts(HOST, "/chat/other", method="POST"))


async def test_deny_always_writes_a_rule_that_denies(app: Application) -> None:
    """The held request is refused, and so are later ones, at once."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        await deny(app, hold_id, always=True)
        assert await code_of(task) == "approval_denied"
    with pytest.raises(VaultError) as caught:
        app.broker.decide(access, POST)
    assert caught.value.code == "method_not_allowed"
    assert caught.value.extra["allowed_methods"]


async def test_a_host_without_a_service_may_be_asked_about(app: Application) -> None:
    """Always makes a service without a credential, which goes on asking for the rest."""
    access = await access_of(app)
    await app.vaults.change_settings(
        "default", wire.VaultSettings(unmatched_host_policy="ask"), ADA
    )
    request = facts("new.example.org", "/a")
    async with held(app, access, request) as (hold_id, task):
        assert app.approvals.get(hold_id).service == ""
        answer = await approve(app, hold_id, "always")
        decision = await task
    assert decision.service is not None
    assert (decision.service.name, decision.credential_keys) == (answer.service, ())
    assert not asks(app, access, request)
    assert asks(app, access, facts("new.example.org", "/b"))
    assert asks(app, access, facts("new.example.org", "/a", method="POST"))


async def test_one_answer_releases_all_that_wait_for_it(app: Application) -> None:
    """A grant its agent's, a rule everybody's; others go on waiting."""
    access = await access_of(app)
    other = app.broker.authenticate(basic(await make_agent(app, "other", "default")))
    different = facts(HOST, "/chat/x", method="POST")
    async with (
        held(app, access) as (first, one),
        held(app, access) as (_, two),
        held(app, other) as (third, three),
        held(app, access, different) as (fourth, _),
    ):
        assert (await approve(app, first, "15m")).released == 2
        await asyncio.gather(one, two)
        assert {held.id for held in app.holds} == {third, fourth}
        assert (await approve(app, third, "always")).released == 1
        await three
        assert {held.id for held in app.holds} == {fourth}


async def test_a_full_queue_refuses_more(app: Application) -> None:
    """Bounded for each token and in all: overloaded, with a time to wait."""
    access = await access_of(app)
    other = app.broker.authenticate(basic(await make_agent(app, "other", "default")))
    await app.settings.change({"max_holds": 2, "max_holds_per_agent": 1}, ADA)
    ask = app.broker.decide(access, POST)
    assert isinstance(ask, Ask)
    async with held(app, access):
        assert await code_of(app.broker.hold(access, POST, ask, "")) == "overloaded"
        async with held(app, other):
            await app.settings.change({"max_holds_per_agent": 9}, ADA)
            assert await code_of(app.broker.hold(access, POST, ask, "")) == "overloaded"
    assert len(app.holds) == 0


async def test_sealing_ends_what_waits(app: Application) -> None:
    """Nobody could inject its credential."""
    access = await access_of(app)
    async with held(app, access) as (_, task):
        await app.keys.seal(ADA)
        assert await code_of(task) == "sealed"


async def test_a_stopping_worker_refuses_at_once(app: Application) -> None:
    """What waits, and what would begin to wait."""
    access = await access_of(app)
    async with held(app, access) as (_, task):
        app.holds.end_all("shutting_down", closing=True)
        assert await code_of(task) == "shutting_down"
    ask = app.broker.decide(access, POST)
    assert isinstance(ask, Ask)
    assert await code_of(app.broker.hold(access, POST, ask, "")) == "shutting_down"


async def test_an_approval_opens_nothing_that_was_closed_meanwhile(
    app: Application, tunnels: FakeTunnels
) -> None:
    """A token that was revoked, or another credential at the same host: refused all the same."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, task):
        await put_credentials(app, OTHER_KEY="x")
        await put_service(app, "chat", HOST, "OTHER_KEY", rules=ASKING)
        await approve(app, hold_id)
        assert await code_of(task) == "approval_denied"
    async with held(app, access) as (hold_id, task):
        await app.agents.delete("bot", ADA)
        await approve(app, hold_id)
        assert await code_of(task) == "proxy_auth_required"


async def test_a_rule_that_changed_meanwhile_is_not_overruled(app: Application) -> None:
    """Always is refused when the services deny such requests by now; the request still waits."""
    access = await access_of(app)
    async with held(app, access) as (hold_id, _):
        denying = [{"methods": ["POST"], "action": "deny"}]
        await put_service(app, "chat", HOST, "API_KEY", rules=denying)
        assert await code_of(approve(app, hold_id, "always")) == "conflict"
        assert (await rules_of(app)) == denying
        assert len(app.holds) == 1


@pytest.mark.parametrize("path", ["/chat/a*b", "/chat/" + "x" * 300])
async def test_a_path_that_no_rule_can_name_is_said(app: Application, path: str) -> None:
    """Always would allow more than was asked, or could not be stored: refused, nothing changes."""
    access = await access_of(app)
    async with held(app, access, facts(HOST, path, method="POST")) as (hold_id, _):
        assert await code_of(approve(app, hold_id, "always")) == "bad_request"
        assert await code_of(approve(app, hold_id, "forever")) == "bad_request"
        assert await rules_of(app) == ASKING
        assert (await approve(app, hold_id)).released == 1


async def test_the_match_test_explains_ask(app: Application) -> None:
    """Which rule asks, and that the request would wait."""
    await access_of(app)
    url = f"https://{HOST}/chat/send"
    found = await app.services.test("default", wire.MatchTest(url=url, method="POST"))
    assert (found.decision, found.error_code, found.service) == ("held", None, "chat")
    assert "rule 1 asks an operator" in found.reason
    assert "waits" in found.reason
