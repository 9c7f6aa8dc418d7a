"""What one worker changes is in force in the other, and its consoles hear of it."""

import asyncio
import json

import pytest
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.domain.exchange import Ask, Decision
from proxy_core.services.application import Application
from proxy_core.store import installation
from tests.services.conftest import (
    ADA,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
)
from tests.services.following.conftest import Pair


def refusal(app: Application, token: str) -> str:
    """Why a token is refused; empty when it is taken."""
    try:
        app.broker.authenticate(basic(token))
    except VaultError as error:
        return error.code
    return ""


async def injected(app: Application, token: str, vault: str = "default") -> list[str]:
    """What a request of this agent gets."""
    decision = app.broker.decide(app.broker.authenticate(basic(token, vault)), facts())
    assert isinstance(decision, Decision)
    return [value.decode() for _, value in (await app.broker.inject(decision)).headers]


async def test_an_agent_works_everywhere_until_it_is_revoked(pair: Pair) -> None:
    """Created on one, it is taken by the other; revoked, it is refused and cut there too."""
    token = await make_agent(pair.a.app, "bot", "default")
    told = await pair.b.seen("agent.changed")
    assert refusal(pair.b.app, token) == ""
    assert told.data == {
        "name": "bot",
        "change": "created",
        "by": ADA.label,
        "worker": pair.a.app.bus.life,
    }
    await pair.a.app.agents.delete("bot", ADA)
    await pair.b.seen("agent.revoked")
    assert refusal(pair.b.app, token) == "proxy_auth_required"
    assert pair.b.tunnels.closed == [token_sha256(token)]


async def test_a_rotated_token_is_cut_and_the_new_one_taken(pair: Pair) -> None:
    """The old token's connections end in every worker."""
    token = await make_agent(pair.a.app, "bot", "default")
    await pair.b.seen("agent.changed")
    seq = pair.b.app.bus.last_seq
    renewed = (await pair.a.app.agents.rotate("bot", ADA)).av_agent_token
    await pair.b.seen("agent.changed", seq)
    assert (refusal(pair.b.app, token), refusal(pair.b.app, renewed)) == ("proxy_auth_required", "")
    assert pair.b.tunnels.closed == [token_sha256(token)]


async def test_sessions_come_and_go(pair: Pair) -> None:
    """Scoped sessions too."""
    made = await pair.a.app.sessions.create(wire.CreateSession(vault="default"), ADA, "")
    await pair.b.seen("session.created")
    assert refusal(pair.b.app, made.token) == ""
    await pair.b.app.sessions.revoke("default", made.id, ADA)
    await pair.a.seen("session.revoked")
    assert refusal(pair.a.app, made.token) == "proxy_auth_required"
    assert pair.a.tunnels.closed == [token_sha256(made.token)]


async def test_services_and_credentials(pair: Pair) -> None:
    """A value that is set on one is injected by the other, and gone when it is deleted."""
    token = await make_agent(pair.a.app, "bot", "default")
    await put_credentials(pair.a.app, API_KEY="first")
    await put_service(pair.a.app, "example", "api.example.com", "API_KEY")
    await pair.b.seen("service.changed")
    assert await injected(pair.b.app, token) == ["Bearer first"]
    compiled = pair.b.app._context.vault("default").compiled
    seq = pair.a.app.bus.last_seq
    await put_credentials(pair.b.app, API_KEY="second")
    await pair.a.seen("credential.changed", seq)
    assert await injected(pair.a.app, token) == ["Bearer second"]
    seq = pair.b.app.bus.last_seq
    await put_credentials(pair.a.app, OTHER="x")
    await pair.b.seen("credential.changed", seq)
    assert pair.b.app._context.vault("default").compiled is compiled
    await pair.a.app.credentials.delete(
        wire.DeleteCredentials(keys=["API_KEY"], vault="default"), ADA
    )
    assert (await pair.b.seen("credential.deleted")).data["breaks"] == ["example"]
    with pytest.raises(VaultError, match="API_KEY"):
        await injected(pair.b.app, token)


async def test_vaults_are_made_renamed_and_deleted(pair: Pair) -> None:
    """A deleted vault takes its sessions' connections with it in every worker."""
    a, b = pair.a.app, pair.b.app
    await a.vaults.create(wire.VaultName(name="team"), ADA)
    token = await make_agent(a, "bot", "team")
    made = await a.sessions.create(wire.CreateSession(vault="team"), ADA, "")
    await pair.b.seen("session.created")
    vault_id = b._context.vault("team").id
    await a.vaults.rename("team", wire.VaultName(name="crew"), ADA)
    await pair.b.seen("vault.changed", name="crew")
    assert b.broker.authenticate(basic(token)).vault == "crew"
    assert b._context.vault_once_named("team") is b._context.vault("crew")
    await a.vaults.delete("crew", ADA)
    await pair.b.seen("vault.deleted")
    assert vault_id not in b._context.snapshot.by_id
    assert refusal(b, made.token) == "proxy_auth_required"
    assert pair.b.tunnels.closed == [token_sha256(made.token)]
    assert b._context.snapshot.bearers[token_sha256(token)].grants == {}


async def test_settings_and_policies(pair: Pair) -> None:
    """Listeners hear of a setting that was changed elsewhere; a vault's policy counts at once."""
    applied: list[int] = []
    pair.b.app.settings.on_change(
        lambda: applied.append(pair.b.app.settings.value("log_retention_days"))
    )
    await pair.a.app.settings.change({"log_retention_days": 3}, ADA)
    await pair.b.seen("settings.changed")
    assert applied == [3]
    await pair.a.app.vaults.change_settings("default", wire.VaultSettings("deny"), ADA)
    await pair.b.seen("vault.changed")
    assert pair.b.app._context.vault("default").policy == "deny"


async def test_an_approval_counts_everywhere(pair: Pair) -> None:
    """A grant that an operator gave on one lets the request pass on the other."""
    a, b = pair.a.app, pair.b.app
    token = await make_agent(a, "bot", "default")
    await put_credentials(a, API_KEY="x")
    rules = [{"methods": ["GET"], "path": "/*", "action": "ask"}]
    await put_service(a, "example", "api.example.com", "API_KEY", rules=rules)
    access = a.broker.authenticate(basic(token))
    ask = a.broker.decide(access, facts())
    assert isinstance(ask, Ask)
    waiting = asyncio.ensure_future(a.broker.hold(access, facts(), ask, ""))
    await pair.a.seen("request.held")
    (held,) = a.holds.list().holds
    await a.approvals.approve(held.id, wire.ApproveHold(duration="1h"), ADA)
    await waiting
    await pair.b.seen("grant.created")
    assert isinstance(b.broker.decide(b.broker.authenticate(basic(token)), facts()), Decision)
    (grant,) = b.grants.list().grants
    await b.grants.revoke(grant.id, ADA)
    await pair.a.seen("grant.revoked")
    assert isinstance(a.broker.decide(access, facts()), Ask)
    assert events_of(b, "request.held") == []


async def test_a_key_slot_is_known_and_a_sealed_worker_stays_sealed(
    pair: Pair, tmp_path: object
) -> None:
    """Slots are read again; sealing is each worker's own."""
    await pair.b.app.keys.seal(ADA)
    request = wire.InitRequest(slot="keyfile", path=f"{tmp_path}/second.key")
    await pair.a.app.key_slots.add(request, ADA)
    await pair.b.seen("settings.changed")
    assert len(pair.b.app.key_slots.shown().slots) == 2
    assert (pair.a.app.keys.sealed, pair.b.app.keys.sealed) == (False, True)
    assert events_of(pair.a.app, "worker.sealed") == []


async def test_a_worker_seals_when_its_key_is_no_longer_the_one(pair: Pair) -> None:
    """A key that opens nothing any more is not kept; which slots there are is known at once."""

    def rotated(session: Session) -> None:
        for row in installation.list_slots(session):
            row.key_version += 1

    await pair.a.app._context.database.run(rotated)
    told = await pair.b.seen("worker.sealed")
    assert told.data["by"] == "worker (the key was changed)"
    assert pair.b.app.keys.sealed


async def test_what_another_worker_just_made_can_be_changed_here(pair: Pair) -> None:
    """A change that comes before the news of its object is carried out, not half refused."""
    b = pair.b.app
    async with b._context._changes:  # no news is taken in meanwhile
        await make_agent(pair.a.app, "bot", "default")
        change = asyncio.ensure_future(b.agents.change_role("bot", "owner", ADA))
        await asyncio.sleep(0)
    assert (await change).new_role == "owner"


async def test_own_changes_are_not_read_again(pair: Pair) -> None:
    """Neither what was changed here nor what was told of it comes back."""
    await put_credentials(pair.a.app, API_KEY="x")
    entry = pair.a.app._context.vault("default")
    await put_credentials(pair.b.app, OTHER="x")
    await pair.a.seen("credential.changed", name="OTHER")
    assert pair.a.app._context.vault("default").secrets["API_KEY"] is entry.secrets["API_KEY"]
    told = events_of(pair.a.app, "credential.changed")
    assert [(one.data["name"], one.data.get("worker", "")) for one in told] == [
        ("API_KEY", ""),
        ("OTHER", pair.b.app.bus.life),
    ]


async def test_no_message_holds_a_secret(pair: Pair) -> None:
    """What others are told names things; it never says a value."""
    heard: list[str] = []
    publish = pair.b.app.bus.publish

    def listening(type: str, data: object) -> None:
        heard.append(json.dumps(data))
        publish(type, data)

    pair.b.app.bus.publish = listening  # type: ignore[method-assign]
    token = await make_agent(pair.a.app, "bot", "default")
    await put_credentials(pair.a.app, API_KEY="s3cret-value")
    await pair.b.seen("credential.changed")
    assert heard
    assert not any("s3cret-value" in one or token in one for one in heard)


async def test_a_grant_that_is_narrowed_elsewhere_ends_connections_here(pair: Pair) -> None:
    """The next request is refused in every worker, and no stream goes on."""
    a, b = pair.a.app, pair.b.app
    await put_credentials(a, API_KEY="s3cret")
    await put_service(a, "example", "api.example.com", "API_KEY")
    await put_service(a, "other", "other.example", "API_KEY")
    token = await make_agent(a, "bot", "default")
    await pair.b.seen("agent.changed")
    after = b.bus.last_seq
    request = wire.ChangeVaultAgent(services=["other"])
    await a.agent_grants.change("default", "bot", request, ADA)
    await pair.b.seen("agent.changed", after)
    assert pair.b.tunnels.closed == [token_sha256(token)]
    with pytest.raises(VaultError, match="may use other only"):
        await injected(b, token)
