"""What a JWT is worth at the proxy and at the API, and what it takes to be worth something."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import ActorType
from proxy_core.domain.names import VaultRole
from proxy_core.oauth.jwks import PublicKey
from proxy_core.services.application import Application
from proxy_core.services.principal import PrincipalKind
from tests.services.conftest import ADA, NOW, FakeTunnels, facts, make_agent, put_service
from tests.services.issuers.conftest import rule, trust
from tests.services.issuers.signing import WEAK, LocalIssuer, new_key, published


async def refusal(app: Application, token: str) -> str:
    """Why the API refuses it."""
    with pytest.raises(VaultError) as caught:
        await app.identity.verify(token)
    assert caught.value.code == "unauthorized"
    return caught.value.detail


async def test_a_vaults_role_by_claim(app: Application, issuer: LocalIssuer) -> None:
    """Its holder is called after the subject and the issuer, at the proxy and at the API."""
    await put_service(app, "mine", "mine.example.com", "KEY")
    await put_service(app, "theirs", "theirs.example.com", "KEY")
    await trust(app, issuer, rule(services=["mine"]))
    token = issuer.token()
    field = b"Bearer " + token.encode()
    await app.broker.verify(field)
    access = app.broker.authenticate(field)
    assert (access.actor_name, access.vault, access.actor_type) == (
        "ada@corp",
        "default",
        ActorType.SESSION,
    )
    assert app.broker.decide(access, facts("mine.example.com"))
    with pytest.raises(VaultError) as caught:
        app.broker.decide(access, facts("theirs.example.com"))
    assert caught.value.code == "service_not_granted"
    principal = app.identity.of_bearer(token)
    assert (principal.kind, principal.vaults) == (
        PrincipalKind.SESSION,
        {"default": VaultRole.PROXY},
    )


async def test_an_agent_by_claim(app: Application, issuer: LocalIssuer, clock: FakeClock) -> None:
    """With all that is granted to the agent, under its name, until either expires."""
    await make_agent(app, "ci-bot", "default", ttl_seconds=300)
    await trust(app, issuer, rule("groups", "ci", agent="ci-bot"))
    token = issuer.token(groups=["dev", "ci"])
    await app.identity.verify(token)
    principal = app.identity.of_bearer(token)
    assert (principal.kind, principal.name) == (PrincipalKind.AGENT, "ci-bot")
    assert principal.vaults == {"default": VaultRole.PROXY}
    clock.advance(301)
    with pytest.raises(VaultError):
        app.identity.of_bearer(token)


async def test_an_address_names_people_where_it_is_verified(
    app: Application, issuer: LocalIssuer
) -> None:
    """Otherwise their subject does; what could steer a terminal is made harmless."""
    await trust(app, issuer, wire.IssuerRule(claim="sub", matches="*", vault="default"))
    names: list[dict[str, Any]] = [
        {"email": "ada@x.example", "email_verified": True},
        {"email": "root@x.example", "sub": "eve"},
        {"sub": "\x1b[31meve"},
    ]
    held = [await app.verdicts.verify(issuer.token(**claims)) for claims in names]
    assert [one.actor_name for one in held] == [
        "ada@x.example@corp",
        "eve@corp",
        r"\x1b[31meve@corp",
    ]
    assert len({one.actor_id for one in held}) == 3


async def test_wrong_claims(app: Application, issuer: LocalIssuer) -> None:
    """Each is told; no key is fetched for what no key could mend."""
    await trust(app, issuer)
    assert "none that is trusted" in await refusal(app, issuer.token(iss="https://evil.example"))
    assert "another audience" in await refusal(app, issuer.token(aud="elsewhere"))
    assert "expired" in await refusal(app, issuer.token(exp=NOW - 1))
    assert "not valid yet" in await refusal(app, issuer.token(nbf=NOW + 300))
    assert issuer.asked == 0
    assert "no rule" in await refusal(app, issuer.token(sub="eve"))
    assert issuer.asked == 1


def unsigned(issuer: LocalIssuer, algorithm: str, secret: bytes = b"") -> str:
    """A good token but for its algorithm, signed with a secret as HMACs are."""
    _, claims, _ = issuer.token().split(".")
    head = json.dumps({"alg": algorithm, "kid": "k1"}, separators=(",", ":")).encode()
    text = f"{base64.urlsafe_b64encode(head).rstrip(b'=').decode()}.{claims}"
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_no_signature_but_the_issuers_own_counts(
    app: Application, issuer: LocalIssuer
) -> None:
    """Not none, not an HMAC under what is public, not another key's, not another text's."""
    issuer.add_key("rsa", "RS256")
    await trust(app, issuer, algorithms=["ES256", "RS256"])
    _, private = issuer.keys["k1"]
    pem = json.dumps(published(private, "ES256")).encode()
    for algorithm in ("none", "HS256"):
        assert "algorithm" in await refusal(app, unsigned(issuer, algorithm, pem))
    assert "publishes no key" in await refusal(app, unsigned(issuer, "RS256", pem))
    assert "signature" in await refusal(app, unsigned(issuer, "ES256", pem))
    stranger = jwt.encode(
        {"iss": issuer.url, "aud": "vault", "sub": "ada", "exp": NOW + 9},
        new_key("ES256"),
        "ES256",
        {"kid": "k1"},
    )
    assert "signature" in await refusal(app, stranger)
    head, claims, signature = issuer.token().split(".")
    other = issuer.token(exp=NOW + 6000).split(".")[1]
    assert "signature" in await refusal(app, f"{head}.{other}.{signature}")
    assert "malformed" in await refusal(app, f"{head}.{claims[:-3]}.{signature}")
    await app.identity.verify(issuer.token("rsa"))


async def test_a_key_that_the_token_brings_is_not_looked_at(
    app: Application, issuer: LocalIssuer
) -> None:
    """Neither one in its header, nor one that its header leads to."""
    await trust(app, issuer)
    mine = new_key("ES256")
    headers = {
        "kid": "k1",
        "jwk": published(mine, "ES256"),
        "jku": f"{issuer.url}/mine",
        "x5u": f"{issuer.url}/mine",
    }
    claims = {"iss": issuer.url, "aud": "vault", "sub": "ada", "exp": NOW + 9}
    assert "signature" in await refusal(app, jwt.encode(claims, mine, "ES256", headers))


async def test_each_kind_of_signature(app: Application, issuer: LocalIssuer) -> None:
    """Without a key's name, too, as long as one key alone can be meant."""
    algorithms = ["RS256", "PS384", "ES384", "EdDSA"]
    for algorithm in algorithms:
        issuer.add_key(algorithm, algorithm)
    await trust(app, issuer, algorithms=algorithms)
    for algorithm in algorithms:
        await app.identity.verify(issuer.token(algorithm))
    unnamed = {"kid": None}
    await app.identity.verify(issuer.token("EdDSA", unnamed, jti="2"))
    issuer.add_key("another", "EdDSA")
    await app.issuers.test("corp", "")
    assert "publishes no key" in await refusal(app, issuer.token("EdDSA", unnamed, jti="3"))


async def test_keys_that_are_none_are_passed_over(app: Application, issuer: LocalIssuer) -> None:
    """Secrets, private ones, weak ones and broken ones do not keep the good one from being used."""
    _, private = issuer.keys["k1"]
    issuer.extra = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k1", "alg": "ES256"},
        {**published(new_key("ES256"), "ES256", kid="k1"), "d": "AAAA"},
        published(WEAK, "RS256", kid="weak"),
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "k1"},
        {"kty": "EC", "crv": "P-256", "kid": "k1"},
        {"kid": 5},
        published(private, "ES256", kid="k1", use="enc"),
    ]
    await trust(app, issuer)
    found = await app.issuers.test("corp", issuer.token())
    assert (found.keys, found.problem, found.actor) == (["k1"], "", "ada@corp")


async def test_what_is_deleted_stands_for_nobody(app: Application, issuer: LocalIssuer) -> None:
    """A rule whose agent or vault has gone refuses, also when its name is given anew."""
    await make_agent(app, "ci-bot", "default")
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await trust(app, issuer, rule(agent="ci-bot"), rule("sub", "bob", "work"))
    await app.agents.delete("ci-bot", ADA)
    await app.vaults.delete("work", ADA)
    await make_agent(app, "ci-bot", "default")
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    assert "agent that it would stand for was deleted" in await refusal(app, issuer.token())
    assert "vault that it would be for was deleted" in await refusal(app, issuer.token(sub="bob"))
    (info,) = app.issuers.list().issuers
    assert [(one.agent, one.vault) for one in info.rules] == [("", ""), ("", "")]


async def test_ten_thousand_tokens_cost_one_question_each(
    app: Application, issuer: LocalIssuer, tunnels: FakeTunnels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked again, each is found by its hash alone; they end with their issuer, all of them."""
    await trust(app, issuer)
    token = issuer.token()
    held = await app.verdicts.verify(token)
    for number in range(9_999):
        app.verdicts._known[number.to_bytes(32)] = held
    monkeypatch.setattr(PublicKey, "verifies", None)
    for _ in range(1_000):
        assert await app.verdicts.verify(token) is held
    assert issuer.asked == 1
    await app.issuers.remove("corp", ADA)
    assert len(tunnels.closed) == 10_000
