"""Approving and rejecting: whole or not at all, once, and never by whoever raised it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import Decision
from proxy_core.domain.names import VaultRole
from proxy_core.domain.oauth import OAuthClient, TokenSet
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.principal import Principal, operator
from tests.postgres import PostgresServer
from tests.services.conftest import (
    ADA,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
    seen_events,
)
from tests.services.proposals.conftest import (
    VALUE,
    an_agent,
    approve,
    propose,
    reject,
    services_of,
    slot,
    status_of,
    stripe,
    values_of,
)

BOB = operator("bob")


async def refused(call: Any) -> VaultError:
    """What an awaitable is refused with."""
    with pytest.raises(VaultError) as caught:
        await call
    return caught.value


async def test_an_approval_is_in_force_at_once(each_app: Application) -> None:
    """Service and credential together; the agent's next request gets the credential."""
    app = each_app
    token = await make_agent(app, "bot", "default")
    number = await propose(app, app.identity.of_bearer(token))
    done = await approve(app, number, STRIPE_KEY="sk_live")
    assert (done.id, done.status, done.already) == (number, "applied", False)
    assert await values_of(app) == {"STRIPE_KEY": "sk_live"}
    access = app.broker.authenticate(basic(token))
    decision = app.broker.decide(access, facts("api.stripe.com"))
    assert isinstance(decision, Decision)
    assert decision.service is not None
    assert decision.service.name == "stripe"
    found = await app.proposals.get("default", number)
    assert (found.status, found.reviewed_at != "") == ("applied", True)
    kinds = [event.type for event in seen_events(app)][-5:]
    assert "proposal.applied" in kinds
    assert {"credential.changed", "service.changed"} <= {e.type for e in seen_events(app)}
    assert "sk_live" not in "".join(map(str, seen_events(app)))


async def test_it_is_all_there_after_a_restart(app: Application, reopen: Any) -> None:
    """What was acknowledged is stored."""
    number = await propose(app, await an_agent(app))
    await approve(app, number, STRIPE_KEY="sk_live")
    again = await reopen()
    assert list(await services_of(again)) == ["stripe"]
    assert again.proposals.pending == 0
    assert await status_of(again, number) == "applied"


async def test_an_agents_value_is_used_unless_the_operator_gives_another(app: Application) -> None:
    """The operator's comes first."""
    by = await an_agent(app)
    slots = [slot("A_KEY", value=VALUE), slot("B_KEY", value=VALUE)]
    number = await propose(app, by, credentials=slots)
    await approve(app, number, B_KEY="mine")
    assert await values_of(app) == {"A_KEY": VALUE, "B_KEY": "mine"}


async def test_a_missing_value_stores_nothing(app: Application) -> None:
    """The refusal names what is missing; the proposal waits on."""
    by = await an_agent(app)
    two = {"name": "two", "host": "two.example.com"}
    two["auth"] = {"type": "basic", "username": "USER_NAME", "password": "PASS_WORD"}  # type: ignore[assignment]  # a document
    number = await propose(app, by, two, credentials=[slot("USER_NAME"), slot("PASS_WORD")])
    error = await refused(approve(app, number, USER_NAME="u"))
    assert (error.code, error.extra["missing"]) == ("bad_request", ["PASS_WORD"])
    error = await refused(approve(app, number, USER_NAME="u", PASS_WORD="p", OTHER="x"))
    assert "OTHER" in error.detail
    assert await values_of(app) == {}
    assert await services_of(app) == {}
    assert await status_of(app, number) == "pending"
    await approve(app, number, USER_NAME="u", PASS_WORD="p")
    assert list(await services_of(app)) == ["two"]


async def test_a_value_that_was_set_meanwhile_is_enough(app: Application) -> None:
    """An operator may set the credential first and approve then."""
    number = await propose(app, await an_agent(app))
    await put_credentials(app, STRIPE_KEY="set before")
    await approve(app, number)
    assert await values_of(app) == {"STRIPE_KEY": "set before"}


async def test_deletions_are_carried_out(app: Application) -> None:
    """Services and credentials go; events name them."""
    await put_credentials(app, OLD_KEY="x", KEPT_KEY="y")
    await put_service(app, "old", "old.example.com", "OLD_KEY")
    await put_service(app, "kept", "kept.example.com", "KEPT_KEY")
    by = await an_agent(app)
    number = await propose(
        app,
        by,
        {"action": "delete", "host": "old.example.com"},
        credentials=[slot("OLD_KEY", action="delete")],
    )
    await approve(app, number)
    assert list(await services_of(app)) == ["kept"]
    assert list(await values_of(app)) == ["KEPT_KEY"]
    assert events_of(app, "service.deleted")[-1].data["name"] == "old"
    assert events_of(app, "credential.deleted")[-1].data["name"] == "OLD_KEY"


async def test_what_changes_in_a_service_is_merged_into_it(app: Application) -> None:
    """Without `auth` a service keeps whatever the proposal does not name."""
    await put_credentials(app, API_KEY="x")
    rules = [{"methods": ["DELETE"], "action": "deny"}]
    await put_service(app, "api", "api.example.com", "API_KEY", rules=rules)
    number = await propose(app, await an_agent(app), {"name": "api", "enabled": False})
    await approve(app, number)
    found = (await services_of(app))["api"]
    assert (found["enabled"], found["rules"]) == (False, rules)


async def test_a_digest_of_another_difference_is_refused(app: Application) -> None:
    """Whoever reviewed something else gets to see what it would be now; nothing is stored."""
    number = await propose(app, await an_agent(app))
    reviewed = await app.proposals.reviewed("default", number)
    assert reviewed.review is not None
    digest = reviewed.review.digest
    await put_credentials(app, STRIPE_KEY="x")
    await put_service(app, "stripe", "api.stripe.com", "STRIPE_KEY", path="/v1/*")
    error = await refused(approve(app, number, digest=digest, STRIPE_KEY="sk"))
    fresh = error.extra["review"]
    assert error.code == "conflict"
    assert fresh["services"][0]["change"] == "changed"
    assert fresh["digest"] != digest
    assert await status_of(app, number) == "pending"
    await approve(app, number, digest=fresh["digest"], STRIPE_KEY="sk")


async def test_changes_elsewhere_leave_the_digest_alone(app: Application) -> None:
    """What is not shown does not count."""
    number = await propose(app, await an_agent(app))
    reviewed = await app.proposals.reviewed("default", number)
    await put_credentials(app, OTHER="x")
    await put_service(app, "other", "other.example.com", "OTHER")
    assert reviewed.review is not None
    await approve(app, number, digest=reviewed.review.digest, STRIPE_KEY="sk")


async def test_a_vault_that_changed_too_much_is_said(app: Application) -> None:
    """What a service of the proposal names was deleted: a conflict, and a review that says so."""
    await put_credentials(app, STRIPE_KEY="sk")
    number = await propose(app, await an_agent(app), stripe())
    await app.credentials.delete(wire.DeleteCredentials(keys=["STRIPE_KEY"]), ADA)
    error = await refused(approve(app, number))
    assert (error.code, "STRIPE_KEY" in error.detail) == ("conflict", True)
    reviewed = await app.proposals.reviewed("default", number)
    assert reviewed.review is not None
    assert "STRIPE_KEY" in reviewed.review.problem
    assert await services_of(app) == {}


async def test_two_administrators_at_once(each_app: Application) -> None:
    """One wins, the other is told by whom; the first one's repetition gets the same answer."""
    app = each_app
    number = await propose(app, await an_agent(app))
    results = await asyncio.gather(
        approve(app, number, ADA, STRIPE_KEY="ada"),
        approve(app, number, BOB, STRIPE_KEY="bob"),
        return_exceptions=True,
    )
    (won,) = [one for one in results if isinstance(one, wire.ProposalDecided)]
    (lost,) = [one for one in results if isinstance(one, VaultError)]
    (winner, loser) = (ADA, BOB) if results[0] is won else (BOB, ADA)
    assert (won.status, lost.code) == ("applied", "conflict")
    assert f"applied already by operator {winner.name}" in lost.detail
    assert await values_of(app) == {"STRIPE_KEY": winner.name}
    again = await approve(app, number, winner, STRIPE_KEY="again")
    assert (again.status, again.already) == ("applied", True)
    assert (await refused(reject(app, number, loser))).code == "conflict"
    assert len(events_of(app, "proposal.applied")) == 1
    assert len((await app.credentials.history("default", "STRIPE_KEY")).versions) == 1


async def test_a_change_under_way_elsewhere_is_waited_for(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path, clock: FakeClock
) -> None:
    """Another worker's change that isn't committed yet is not written over: the review changes."""
    app = await Application.open(ApplicationConfig(postgres_url), clock)
    try:
        init = wire.InitRequest(slot="keyfile", path=str(tmp_path / "key"))
        await app.keys.initialise(init, ADA)
        await put_credentials(app, STRIPE_KEY="sk")
        await put_service(app, "stripe", "api.stripe.com", "STRIPE_KEY")
        number = await propose(app, await an_agent(app), stripe(scrub=False))
        reviewed = await app.proposals.reviewed("default", number)
        assert reviewed.review is not None
        with psycopg.connect(postgres_url.replace("+psycopg", "")) as elsewhere:
            elsewhere.execute(
                "UPDATE service SET document = (document::jsonb || '{\"enabled\": false}')::json"
            )
            approving = asyncio.create_task(approve(app, number, digest=reviewed.review.digest))
            await asyncio.to_thread(wait_for_a_lock, postgres_url)
            elsewhere.commit()
        error = await refused(approving)
        assert (error.code, "review" in error.extra) == ("conflict", True)
    finally:
        await app.close()


def wait_for_a_lock(url: str) -> None:
    """Until some transaction of the database waits for another one."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as watching:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        for _ in range(3000):
            if watching.execute(waits).fetchone() != (0,):
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_a_rejection_tells_why(app: Application) -> None:
    """The agent reads the reason; nothing is stored; once is enough."""
    number = await propose(app, await an_agent(app))
    reason = "no\x1b[31m " + "\u202e"
    assert (await reject(app, number, reason=reason)).status == "rejected"
    assert (await reject(app, number, reason="again")).already
    found = await app.proposals.get("default", number)
    assert (found.status, found.review_note) == ("rejected", reason)
    assert (await refused(approve(app, number, STRIPE_KEY="x"))).code == "conflict"
    assert await services_of(app) == {}
    assert (await refused(reject(app, number, reason="x" * 2001))).code == "bad_request"


async def test_never_with_the_token_that_raised_it(app: Application) -> None:
    """Nor with the next token of the same agent, whatever its role; another member may."""
    grants = [wire.AgentVault(vault_name="default", vault_role=VaultRole.MEMBER.value)]
    token = (
        await app.agents.create(wire.CreateAgent(name="bot", vaults=grants), ADA)
    ).av_agent_token
    by = app.identity.of_bearer(token)
    number = await propose(app, by)
    assert (await refused(approve(app, number, by, STRIPE_KEY="x"))).code == "role_forbidden"
    assert (await refused(reject(app, number, by))).code == "role_forbidden"
    renewed = (await app.agents.rotate("bot", ADA)).av_agent_token
    by = app.identity.of_bearer(renewed)
    assert (await refused(approve(app, number, by, STRIPE_KEY="x"))).code == "role_forbidden"
    created = await app.agents.create(wire.CreateAgent(name="other", vaults=grants), ADA)
    other = app.identity.of_bearer(created.av_agent_token)
    assert (await approve(app, number, other, STRIPE_KEY="x")).status == "applied"


async def an_agent_of(app: Application, by: Principal, name: str) -> Principal:
    """An agent with the role member in the vault and the instance role owner, created by `by`."""
    grants = [wire.AgentVault(vault_name="default", vault_role=VaultRole.MEMBER.value)]
    request = wire.CreateAgent(name=name, role="owner", vaults=grants)
    created = await app.agents.create(request, by)
    return app.identity.of_bearer(created.av_agent_token)


async def a_session_of(app: Application, by: Principal) -> Principal:
    """A scoped session that `by` has minted."""
    return app.identity.of_bearer(
        (await app.sessions.create(wire.CreateSession("default"), by, "")).token
    )


async def test_never_by_the_agent_that_minted_the_token(app: Application, reopen: Any) -> None:
    """Nor through agents between them, nor once the session is over or the worker restarted."""
    maker = await an_agent_of(app, ADA, "maker")
    made = await an_agent_of(app, maker, "made")
    raising = await a_session_of(app, made)
    number = await propose(app, raising)
    for one in (made, maker):
        assert (await refused(approve(app, number, one, STRIPE_KEY="x"))).code == "role_forbidden"
    await app.sessions.revoke("default", raising.id, ADA)
    app = await reopen()
    for one in (made, maker):
        assert (await refused(reject(app, number, one))).code == "role_forbidden"
    other = await an_agent_of(app, ADA, "other")
    assert (await reject(app, number, other)).status == "rejected"


async def test_never_by_an_agent_whose_token_the_raiser_has(app: Application) -> None:
    """It has created the agent, or rotated its token; a person's rotation takes it away again."""
    maker = await an_agent_of(app, ADA, "maker")
    made = await an_agent_of(app, maker, "made")
    await an_agent_of(app, ADA, "taken")
    token = (await app.agents.rotate("taken", maker)).av_agent_token
    number = await propose(app, maker)
    for one in (made, app.identity.of_bearer(token)):
        assert (await refused(approve(app, number, one, STRIPE_KEY="x"))).code == "role_forbidden"
    token = (await app.agents.rotate("taken", ADA)).av_agent_token
    done = await approve(app, number, app.identity.of_bearer(token), STRIPE_KEY="x")
    assert done.status == "applied"


async def test_people_decide_what_the_sessions_raise_that_they_mint(app: Application) -> None:
    """That is what they mint them for."""
    number = await propose(app, await a_session_of(app, ADA))
    assert (await approve(app, number, ADA, STRIPE_KEY="x")).status == "applied"


async def test_a_failure_in_the_transaction_leaves_nothing(app: Application) -> None:
    """A database that fails at the last statement: no credential, no service, still pending."""
    number = await propose(app, await an_agent(app), stripe(), credentials=[slot(value=VALUE)])
    trigger = "CREATE TRIGGER broken BEFORE UPDATE ON proposal BEGIN SELECT RAISE(ABORT, 'x'); END"
    await execute(app, trigger)
    await refused(approve(app, number))
    await execute(app, "DROP TRIGGER broken")
    assert await values_of(app) == {}
    assert await services_of(app) == {}
    assert await status_of(app, number) == "pending"
    await approve(app, number)
    assert await values_of(app) == {"STRIPE_KEY": VALUE}


async def execute(app: Application, statement: str) -> None:
    """Run one statement in the application's database."""
    await app._context.database.run(lambda session: session.connection().exec_driver_sql(statement))


async def test_a_login_is_connected_before(app: Application) -> None:
    """An OAuth slot is approved once an operator has connected the credential of that key, and
    what is reviewed stays the same.
    """
    oauth = wire.ProposedOAuth(token_url="https://issuer.example.com/token", client_id="c")
    auth = {"type": "bearer", "token": "LOGIN"}
    service = {"name": "api", "host": "api.example.com", "auth": auth}
    number = await propose(
        app, await an_agent(app), service, credentials=[slot("LOGIN", oauth=oauth)]
    )
    before = (await app.proposals.reviewed("default", number)).review
    assert before is not None
    assert (before.needs_login, before.needs_value) == (["LOGIN"], [])
    error = await refused(approve(app, number, digest=before.digest))
    assert (error.code, error.extra["needs_login"]) == ("conflict", ["LOGIN"])
    assert await services_of(app) == {}
    client = OAuthClient(token_url=oauth.token_url, client_id="c")
    await app.oauth.connected("default", "LOGIN", client, None, TokenSet(b"access"), ADA)
    assert "existing" not in str((await app.proposals.reviewed("default", number)).review)
    await approve(app, number, digest=before.digest)
    assert list(await services_of(app)) == ["api"]
