"""What follows when issuers, their keys, agents, grants or vaults change."""

import asyncio
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.audit.auditing import AuditQuery
from proxy_core.services.issuers.keys import FRESH_SECONDS, KEPT_SECONDS, RETRY_SECONDS
from tests.services.conftest import ADA, NOW, FakeTunnels, events_of, make_agent, put_service
from tests.services.issuers.conftest import rule, trust
from tests.services.issuers.signing import AUDIENCE, LocalIssuer


async def code_of(app: Application, token: str) -> str:
    """What verifying it fails with; empty when it does not."""
    try:
        await app.identity.verify(token)
    except VaultError as error:
        return error.code
    return ""


# --- keys ----------------------------------------------------------------------------------------


async def test_a_new_key_is_fetched_when_a_token_asks_for_it(
    app: Application, issuer: LocalIssuer, clock: FakeClock
) -> None:
    """Not more often than every few seconds, whatever tokens come along."""
    await trust(app, issuer)
    assert await code_of(app, issuer.token()) == ""
    issuer.add_key("k2")
    assert await code_of(app, issuer.token("k2")) == "unauthorized"
    assert issuer.asked == 1
    clock.advance(RETRY_SECONDS)
    assert await code_of(app, issuer.token("k2")) == ""
    for number in range(5):
        unknown = issuer.token(headers={"kid": f"made-up-{number}"}, jti=str(number))
        assert await code_of(app, unknown) == "unauthorized"
    assert issuer.asked == 2


async def test_a_withdrawn_key_ends_what_it_has_signed(
    app: Application, issuer: LocalIssuer, clock: FakeClock, tunnels: FakeTunnels
) -> None:
    """As soon as it is seen to be gone, also when another has its name; other keys' tokens stay."""
    issuer.add_key("k2")
    await trust(app, issuer)
    gone, stays = issuer.token(), issuer.token("k2")
    for token in (gone, stays):
        await app.identity.verify(token)
    issuer.add_key("k1")
    clock.advance(FRESH_SECONDS / 2)
    await app.issuers.tick()
    assert tunnels.closed == [token_sha256(gone)]
    assert app.identity.of_bearer(stays).name == "ada@corp"
    assert await code_of(app, gone) == "unauthorized"


async def test_known_keys_serve_while_the_issuer_is_down_for_a_day(
    app: Application, issuer: LocalIssuer, clock: FakeClock
) -> None:
    """The status says so meanwhile; then nobody can be vouched for until it is back."""
    await trust(app, issuer)
    assert await code_of(app, issuer.token()) == ""
    issuer.down = True
    clock.advance(KEPT_SECONDS - 1)
    issuer.now = clock.time()
    assert await code_of(app, issuer.token()) == ""
    assert "corp can't be fetched" in app.problems()[0]
    clock.advance(RETRY_SECONDS)
    assert await code_of(app, issuer.token(jti="2")) == "issuer_unreachable"
    assert [one.data["problem"] for one in events_of(app, "worker.problem")] == app.problems()
    issuer.down = False
    assert await code_of(app, issuer.token(jti="2")) == "issuer_unreachable"
    clock.advance(RETRY_SECONDS)
    assert await code_of(app, issuer.token(jti="2")) == ""
    assert app.problems() == []


async def test_nobody_waits_for_an_issuer_that_is_known_to_hang(
    app: Application, issuer: LocalIssuer, clock: FakeClock
) -> None:
    """Known keys serve at once while it is tried again."""
    await trust(app, issuer)
    await app.identity.verify(issuer.token())
    issuer.down = True
    await app.issuers.test("corp", "")
    clock.advance(FRESH_SECONDS - 1)
    issuer.now, issuer.go_on = clock.time(), asyncio.Event()
    clock.advance(1)
    issuer.reached.clear()
    await app.identity.verify(issuer.token())
    await issuer.reached.wait()


async def test_an_issuer_that_was_never_reached(app: Application, issuer: LocalIssuer) -> None:
    """It is no fault of the token's, and not counted to the client."""
    issuer.down = True
    await trust(app, issuer)
    app.auth_failures.budget = 1
    for _ in range(3):
        with pytest.raises(VaultError) as caught:
            await app.broker.verify(b"Bearer " + issuer.token().encode(), "192.0.2.1")
        assert (caught.value.code, caught.value.status) == ("issuer_unreachable", 503)


async def test_many_tokens_wait_for_one_fetch(app: Application, issuer: LocalIssuer) -> None:
    """However many come at once, of however many subjects."""
    await trust(app, issuer)
    tokens = [issuer.token(jti=str(number)) for number in range(20)]
    assert await asyncio.gather(*(code_of(app, token) for token in tokens)) == [""] * 20
    assert issuer.asked == 1


async def test_keys_come_from_where_they_may(app: Application, issuer: LocalIssuer) -> None:
    """The issuer's own metadata decides, over https, and past the network guard nothing goes."""
    await trust(app, issuer)
    for metadata, said in (
        ({"issuer": "https://evil.example"}, "calls its issuer https://evil.example"),
        ({"jwks_uri": "http://evil.example/keys"}, "https"),
        ({"jwks_uri": "https://169.254.169.254/keys"}, "the network guard refuses"),
        ({"jwks_uri": "https://[::ffff:a9fe:a9fe]/keys"}, "the network guard refuses"),
    ):
        issuer.metadata = metadata
        assert said in (await app.issuers.test("corp", "")).problem
        assert await code_of(app, issuer.token()) == "issuer_unreachable"


# --- issuers -------------------------------------------------------------------------------------


async def test_an_issuer_is_added_replaced_and_removed(
    app: Application, issuer: LocalIssuer, tunnels: FakeTunnels
) -> None:
    """Each is told, and ends the connections of those whom it concerns."""
    info = await trust(app, issuer)
    assert (info.algorithms, info.keys) == (["RS256", "PS256", "ES256", "EdDSA"], [])
    token = issuer.token()
    await app.identity.verify(token)
    other = wire.ReplaceIssuer(url=issuer.url, audiences=[AUDIENCE, "more"], rules=[rule()])
    await app.issuers.replace("corp", other, ADA)
    assert tunnels.closed == [token_sha256(token)]
    await app.identity.verify(token)
    await app.issuers.remove("corp", ADA)
    assert tunnels.closed == [token_sha256(token)] * 2
    assert await code_of(app, token) == "unauthorized"
    changed = [event.data["change"] for event in events_of(app, "issuer.changed")]
    assert changed == ["added", "replaced", "removed"]


async def test_what_is_removed_while_a_token_is_verified(
    app: Application, issuer: LocalIssuer
) -> None:
    """The token is refused, though its signature is good."""
    await trust(app, issuer)
    token, issuer.go_on = issuer.token(), asyncio.Event()
    verifying = asyncio.create_task(code_of(app, token))
    await issuer.reached.wait()
    await app.issuers.remove("corp", ADA)
    issuer.go_on.set()
    assert await verifying != ""
    with pytest.raises(VaultError):
        app.identity.of_bearer(token)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://issuer.example"}, "bad_request"),
    ({"url": "https://issuer.example/?x"}, "bad_request"),
    ({"jwks_url": "http://issuer.example"}, "bad_request"),
    ({"audiences": []}, "bad_request"),
    ({"algorithms": ["HS256"]}, "bad_request"),
    ({"name": "Corp"}, "bad_request"),
    ({"rules": [rule(vault="nowhere")]}, "vault_not_found"),
    ({"rules": [rule(agent="nobody")]}, "not_found"),
    ({"rules": [rule(services=["nothing"])]}, "bad_request"),
    ({"rules": [rule(role="king")]}, "bad_request"),
]


async def test_what_is_refused_is_not_stored(app: Application) -> None:
    """With the reason's code."""
    good = {"name": "corp", "url": "https://i.example", "audiences": ["a"], "rules": [rule()]}
    for fields, code in REFUSED:
        with pytest.raises(VaultError) as caught:
            await app.issuers.add(wire.AddIssuer(**{**good, **fields}), ADA)
        assert caught.value.code == code
    assert app.issuers.list().issuers == []


async def test_the_audit_tells_of_it(app: Application, issuer: LocalIssuer) -> None:
    """What it is trusted with, and when it is not any more."""
    await trust(app, issuer)
    await app.issuers.remove("corp", ADA)
    entries = (await app.auditing.page(AuditQuery())).entries
    told = {one.action: one for one in entries if one.action.startswith("issuer.")}
    assert told["issuer.created"].after["url"] == issuer.url
    assert told["issuer.deleted"].target == "corp"


# --- agents, grants and vaults -------------------------------------------------------------------


async def test_an_agents_tokens_follow_it(
    app: Application, issuer: LocalIssuer, tunnels: FakeTunnels
) -> None:
    """What it gains they gain, connections and all; what it loses ends them; with it they go."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await make_agent(app, "ci-bot", "default")
    await trust(app, issuer, rule(agent="ci-bot"))
    token = issuer.token()
    await app.identity.verify(token)
    await app.agent_grants.add("work", wire.AddVaultAgent(name="ci-bot"), ADA)
    await app.agents.rename("ci-bot", wire.Rename(name="cd-bot"), ADA)
    principal = app.identity.of_bearer(token)
    assert (principal.name, sorted(principal.vaults)) == ("cd-bot", ["default", "work"])
    assert tunnels.closed == []
    await app.agent_grants.remove("work", "cd-bot", ADA)
    assert token_sha256(token) in tunnels.closed
    assert sorted(app.identity.of_bearer(token).vaults) == ["default"]
    tunnels.closed.clear()
    await app.agents.delete("cd-bot", ADA)
    assert token_sha256(token) in tunnels.closed
    with pytest.raises(VaultError):
        app.identity.of_bearer(token)


async def test_a_deleted_vault_takes_its_tokens_with_it(
    app: Application, issuer: LocalIssuer, tunnels: FakeTunnels
) -> None:
    """Other changes of vaults leave them alone."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await trust(app, issuer, rule(vault="work"))
    token = issuer.token()
    await app.identity.verify(token)
    await put_service(app, "mine", "mine.example.com", "KEY", "work")
    await app.vaults.rename("work", wire.VaultName(name="play"), ADA)
    assert list(app.identity.of_bearer(token).vaults) == ["play"]
    assert tunnels.closed == []
    await app.vaults.delete("play", ADA)
    assert tunnels.closed == [token_sha256(token)]
    with pytest.raises(VaultError):
        app.identity.of_bearer(token)


async def test_expired_tokens_lose_their_connections(
    app: Application, issuer: LocalIssuer, clock: FakeClock, tunnels: FakeTunnels
) -> None:
    """A stream that goes on and on does not outlive its token for long."""
    await trust(app, issuer)
    short, long = issuer.token(exp=NOW + 60), issuer.token()
    for token in (short, long):
        await app.identity.verify(token)
    clock.advance(60)
    await app.issuers.tick()
    assert tunnels.closed == [token_sha256(short)]
