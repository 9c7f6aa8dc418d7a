"""Rules from claims to agents, vaults and users, and what an issuer's configuration must say."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.issuers import Issuer, Rule, UserBy, jwks_url
from proxy_core.domain.names import InstanceRole, VaultRole

TO_AGENT = Rule("sub", equals="ada", agent_id="a1")
TO_VAULT = Rule("groups", matches="dev-*", vault_id="v1")
BY_EMAIL = Rule("email", matches="*@x.example", user_by=UserBy.EMAIL)
BY_NAME = Rule("upn", matches="*", user_by=UserBy.NAME)
ISSUER = Issuer("i1", "corp", "https://id.example", ("vault",), rules=(TO_AGENT, TO_VAULT))


@pytest.mark.parametrize(
    ("rule", "claims", "fits"),
    [
        (Rule("sub", equals="ada"), {"sub": "ada"}, True),
        (Rule("sub", equals="ada"), {"sub": "Ada"}, False),
        (Rule("sub", equals="a*a"), {"sub": "ada"}, False),
        (Rule("sub", matches="a*a"), {"sub": "ada"}, True),
        (Rule("sub", matches="repo:corp/*:ref:*"), {"sub": "repo:corp/x:ref:main"}, True),
        (Rule("sub", matches="repo:corp/*"), {"sub": "xrepo:corp/x"}, False),
        (Rule("groups", equals="dev"), {"groups": ["ops", "dev"]}, True),
        (Rule("groups", equals="dev"), {"groups": "developers"}, False),
        (Rule("groups", equals="dev"), {"groups": [["dev"]]}, False),
        (Rule("groups", matches="*"), {"groups": []}, False),
        (Rule("groups", matches="*"), {}, False),
        (Rule("n", equals="1"), {"n": 1}, False),
        (Rule("n", equals="True"), {"n": True}, False),
        (Rule("realm_access.roles", equals="dev"), {"realm_access": {"roles": ["dev"]}}, True),
        (Rule("https://x.example/roles", equals="dev"), {"https://x.example/roles": "dev"}, True),
        (Rule("a.b", equals="dev"), {"a.b": "ops", "a": {"b": "dev"}}, False),
        (Rule("a.b", equals="dev"), {"a": ["dev"]}, False),
        (Rule("scope", equals="vault"), {"scope": "openid vault"}, True),
        (Rule("scope", equals="openid vault"), {"scope": "openid vault"}, False),
        (Rule("email", matches="*@x.example"), {"email": "a@x.example"}, False),
        (
            Rule("email", matches="*@x.example"),
            {"email": "a@x.example", "email_verified": 1},
            False,
        ),
        (
            Rule("email", equals="a@x.example"),
            {"email": "a@x.example", "email_verified": False},
            False,
        ),
        (
            Rule("email", equals="a@x.example"),
            {"email": "a@x.example", "email_verified": "true"},
            True,
        ),
        (
            Rule("email", matches="*@x.example"),
            {"email": "a@x.example", "email_verified": True},
            True,
        ),
    ],
)
def test_what_a_rule_fits(rule: Rule, claims: dict[str, Any], fits: bool) -> None:
    """Texts only, whole, and addresses only where the issuer has verified them."""
    assert rule.fits(claims) is fits


def test_the_first_rule_that_fits_decides() -> None:
    """And none is none."""
    assert ISSUER.rule_for({"sub": "ada", "groups": ["dev-1"]}) is TO_AGENT
    assert ISSUER.rule_for({"sub": "eve", "groups": ["dev-1"]}) is TO_VAULT
    assert ISSUER.rule_for({"sub": "eve"}) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "A B"}, "issuer name"),
        ({"audiences": ()}, "audiences"),
        ({"audiences": ("",)}, "audiences"),
        ({"audiences": ("a" * 300,)}, "audience"),
        ({"algorithms": ("HS256",)}, "HS256"),
        ({"algorithms": ("none",)}, "none"),
        ({"algorithms": ()}, "algorithm"),
        ({"rules": ()}, "rules"),
        ({"rules": (TO_AGENT,) * 51}, "rules"),
        ({"rules": (Rule("sub", agent_id="a1"),)}, "equals or what it matches"),
        ({"rules": (Rule("sub", "a", "b", agent_id="a1"),)}, "equals or what it matches"),
        ({"rules": (Rule("", "a", agent_id="a1"),)}, "names a claim"),
        ({"rules": (Rule("sub", "a"),)}, "either to an agent, to a vault or to a user"),
        ({"rules": (Rule("sub", "a", agent_id="a", vault_id="v"),)}, "either to an agent"),
        ({"rules": (replace(TO_AGENT, role=VaultRole.ADMIN),)}, "grants of an agent"),
        ({"rules": (replace(TO_AGENT, services=frozenset({"s"})),)}, "grants of an agent"),
        ({"rules": (replace(TO_VAULT, role=VaultRole.MEMBER, services=frozenset("s")),)}, "proxy"),
        ({"rules": (Rule("sub", "a" * 300, agent_id="a1"),)}, "characters"),
        ({"rules": (replace(BY_EMAIL, user_id="u1"),)}, "either to an agent"),
        ({"rules": (replace(BY_EMAIL, claim="upn"),)}, "only `email`"),
        ({"rules": (replace(BY_EMAIL, role=VaultRole.ADMIN),)}, "grants of an agent"),
        ({"rules": (replace(TO_AGENT, at_most=InstanceRole.MEMBER),)}, "about users"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused(changes: dict[str, Any], said: str) -> None:
    """With the reason."""
    ISSUER.check()
    with pytest.raises(VaultError, match=said) as caught:
        replace(ISSUER, **changes).check()
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize(
    ("rule", "claims", "name"),
    [
        (BY_EMAIL, {"email": "Ada@x.example", "email_verified": True}, "ada@x.example"),
        (BY_NAME, {"upn": "ada"}, "ada"),
        (BY_NAME, {"upn": ["ada"]}, "ada"),
        (replace(BY_NAME, matches="", equals="eve"), {"upn": ["ada", "eve"]}, "eve"),
    ],
)
def test_whom_a_claim_names(rule: Rule, claims: dict[str, Any], name: str) -> None:
    """As users' names are stored."""
    assert rule.fits(claims)
    assert rule.user_name(claims) == name


@pytest.mark.parametrize(
    ("rule", "claims"),
    [
        (replace(BY_EMAIL, matches="*"), {"email": "ada", "email_verified": True}),
        (BY_NAME, {"upn": ["ada", "eve"]}),
        (BY_NAME, {"upn": " ada"}),
        (BY_NAME, {"upn": "\N{KELVIN SIGN}arl"}),
        (BY_NAME, {"upn": ""}),
        (BY_NAME, {"upn": "me"}),
    ],
)
def test_what_names_nobody(rule: Rule, claims: dict[str, Any]) -> None:
    """No address, several names, one that only looks like another's, or one that nobody has."""
    with pytest.raises(VaultError, match="is not one user's") as caught:
        rule.user_name(claims)
    assert caught.value.code == "unauthorized"


@given(st.text(max_size=12), st.text(max_size=12))
def test_equals_means_equal(wanted: str, value: str) -> None:
    """And `matches` without a star means the same."""
    for rule in (Rule("sub", equals=wanted), Rule("sub", matches=wanted)):
        if wanted:
            assert rule.fits({"sub": value}) is (wanted == value)


def test_metadata_must_be_the_issuers_own() -> None:
    """To the letter, and its keys behind https."""
    good = b'{"issuer":"https://id.example","jwks_uri":"https://keys.example/k"}'
    assert jwks_url(good, "https://id.example") == "https://keys.example/k"
    for body, said in (
        (good.replace(b"id.example", b"evil.example"), "calls its issuer https://evil.example"),
        (good.replace(b'example",', b'example/",'), "calls its issuer"),
        (good.replace(b"https://keys", b"http://keys"), "https"),
        (good.replace(b"jwks_uri", b"jwks"), "no usable jwks_uri"),
        (b"[]", "no JSON object"),
        (b"<html>", "no JSON object"),
    ):
        with pytest.raises(VaultError, match=said):
            jwks_url(body, "https://id.example")
