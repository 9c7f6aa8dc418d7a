"""What is dangerous about a proposal."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.proposals import Level
from proxy_core.domain.proposals.reach import keeps_rules
from proxy_core.domain.proposals.resemblance import resembled
from proxy_core.domain.service import Action, Rule
from proxy_core.domain.service_document import parse_service
from tests.domain.proposals.samples import (
    KNOWN,
    assess_now,
    codes,
    document,
    judged,
    proposal,
    vault,
)

DENY = [{"methods": ["DELETE"], "action": "deny"}]
NEW = {"key": "KEY_NEW"}


def test_an_existing_credential_at_a_new_host_comes_first() -> None:
    """The most dangerous: high, named first, and its key has to be typed."""
    now = vault(document("api", "api.example.com"))
    found = judged(now, document("evil", "collect.evil.net"))
    assert found.risks[0].code == "existing_credential_new_host"
    assert found.level is Level.HIGH
    assert found.to_type == ("KEY_A",)
    assert "KEY_A would be sent to collect.evil.net" in found.risks[0].text
    assert "api.example.com" in found.risks[0].text


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("api.example.com", ""),
        ("api.example.com/v1/*", ""),
        ("api.example.com:8443", ""),
        ("other.example.com", "existing_credential_new_host"),
        ("*.example.com", "existing_credential_new_host"),
        ("api.example.com.evil.net", "existing_credential_new_host"),
    ],
)
def test_where_an_existing_credential_may_go(host: str, code: str) -> None:
    """Within the hosts and paths that it goes to already, nothing is said."""
    now = vault(document("api", "api.example.com"))
    found = codes(judged(now, document("more", host)))
    assert (code in found) if code else not any(one.startswith("existing") for one in found)


def test_a_slot_that_others_use_by_now_is_an_existing_credential() -> None:
    """What was new when it was proposed may be in use when it is reviewed."""
    slot = {"key": "KEY_A", "value": "theirs"}
    made = proposal(vault(), document("evil", "collect.evil.net"), slots=[slot])
    filled = assess_now(made, vault(KEY_A="static"))
    assert "existing_credential_new_host" not in codes(filled)
    assert "replaces_credential_by_agents_value" in codes(filled)
    used = assess_now(made, vault(document("api", "api.example.com")))
    assert {"existing_credential_new_host", "replaces_credential_by_agents_value"} <= codes(used)


def test_more_paths_and_other_ports_count() -> None:
    """A wider path of the same host is told; another port is another host."""
    now = vault(document("api", "api.example.com/v1/*"))
    wider = judged(now, document("more", "api.example.com"))
    assert "existing_credential_more_paths" in codes(wider)
    pinned = vault(document("api", "api.example.com:443"))
    port = judged(pinned, document("more", "api.example.com:8443"))
    assert "existing_credential_new_host" in codes(port)


def test_every_way_a_service_names_a_credential_counts() -> None:
    """A substitution or a template sends it as surely as a bearer token does."""
    now = vault(document("api", "api.example.com"))
    swapped = {
        "name": "sub",
        "host": "evil.example.org",
        "auth": {"type": "passthrough"},
        "substitutions": [{"key": "KEY_A", "placeholder": "__key__"}],
    }
    headers = {"type": "custom", "headers": {"X-Debug": "{{ KEY_A }}"}}
    template = {"name": "tpl", "host": "evil.example.org", "auth": headers}
    for one in (swapped, template):
        assert "existing_credential_new_host" in codes(judged(now, one))


def test_a_new_credential_at_a_new_host_is_ordinary() -> None:
    """The usual proposal: nothing to type, no existing secret concerned."""
    found = judged(vault(), document("api", "api.github.com", "KEY_NEW"), slots=[NEW])
    assert found.level is Level.LOW
    assert found.to_type == ()


@pytest.mark.parametrize(
    ("host", "code", "level"),
    [
        ("*.example.com", "wildcard", Level.MEDIUM),
        ("192.0.2.7", "address", Level.MEDIUM),
        ("[2001:db8::1]", "address", Level.MEDIUM),
        ("xn--strpe-1ya.com", "international_name", Level.HIGH),
        ("strípe.com", "international_name", Level.HIGH),
        ("api.str1pe.com", "resembles", Level.HIGH),
        ("api.github.com.evil.net", "resembles", Level.HIGH),
    ],
)
def test_strange_names(host: str, code: str, level: Level) -> None:
    """Wildcards, addresses, letters that look alike, names within other names."""
    found = judged(vault(), document("api", host, "KEY_NEW"), slots=[NEW])
    (risk,) = [one for one in found.risks if one.code == code]
    assert (risk.level, risk.about) == (level, "api")


@pytest.mark.parametrize(
    ("more", "code"),
    [({"allow_http": True}, "plain_http"), ({"scrub": False}, "scrub_off")],
)
def test_ways_that_expose_the_credential(more: dict[str, Any], code: str) -> None:
    """Told once: a service that did so before is not made worse by it."""
    asked = document("api", "api.example.com", "KEY_NEW", **more)
    assert judged(vault(), asked, slots=[NEW]).to_type == ("api",)
    assert code in codes(judged(vault(), asked, slots=[NEW]))
    before = vault(document("api", "api.example.com", "KEY_NEW", **more))
    assert code not in codes(judged(before, {**asked, "enabled": False}))


AWS = {"type": "aws-sigv4", "access_key_id": "KEY_NEW", "secret_access_key": "KEY_NEW"}
ROLE = {**AWS, "role_arn": "arn:aws:iam::123456789012:role/agents"}


@pytest.mark.parametrize(
    ("host", "auth", "told"),
    [
        ("sts.amazonaws.com", AWS, True),
        ("sts.eu-west-1.amazonaws.com", AWS, True),
        ("sts-fips.us-east-1.amazonaws.com", ROLE, True),
        ("iam.amazonaws.com", AWS, True),
        ("*.amazonaws.com", AWS, True),
        ("*.eu-west-1.amazonaws.com", AWS, True),
        ("vpce-1.example.com", {**AWS, "service": "sts", "region": "eu-west-1"}, True),
        ("*.eu-west-1.amazonaws.com", {**AWS, "service": "bedrock"}, False),
        ("*.s3.eu-west-1.amazonaws.com", AWS, False),
        ("sts.amazonaws.com", {"type": "passthrough"}, False),
    ],
)
def test_signed_requests_for_keys(host: str, auth: dict[str, str], told: bool) -> None:
    """IAM and STS answer with keys, which the agent would hold; told once."""
    asked = document("aws", host, auth=auth)
    found = judged(vault(), asked, slots=[NEW] if auth["type"] == "aws-sigv4" else [])
    assert ("gives_out_keys" in codes(found)) is told
    assert ("aws" in found.to_type) is told
    again = judged(vault(asked, KEY_NEW="static"), {**asked, "enabled": False})
    assert "gives_out_keys" not in codes(again)


def test_another_role_is_told() -> None:
    """Its rights are those that requests get, whosever the keys are."""
    before = document("aws", "s3.eu-west-1.amazonaws.com", auth=AWS)
    role = {**before, "auth": ROLE}
    found = judged(vault(before, KEY_NEW="static"), role)
    (risk,) = [one for one in found.risks if one.code == "assumes_role"]
    assert (risk.level, risk.about) == (Level.MEDIUM, "aws")
    assert ROLE["role_arn"] in risk.text
    same = judged(vault(role, KEY_NEW="static"), {**role, "enabled": False})
    assert "assumes_role" not in codes(same)


@pytest.mark.parametrize("auth", [AWS, {"type": "bearer", "token": "KEY_NEW"}])
def test_a_role_that_is_given_up_is_told(auth: dict[str, str]) -> None:
    """What was kept to its rights has the keys themselves then."""
    role = document("aws", "s3.eu-west-1.amazonaws.com", auth=ROLE)
    asked = {**role, "auth": auth}
    found = judged(vault(role, KEY_NEW="static"), asked)
    (risk,) = [one for one in found.risks if one.code == "past_role"]
    assert (risk.level, risk.about) == (Level.HIGH, "aws")
    assert ROLE["role_arn"] in risk.text
    beside = judged(vault(role, KEY_NEW="static"), {**asked, "name": "aws-2"})
    assert ("past_role", "aws-2") in {(one.code, one.about) for one in beside.risks}
    again = judged(vault(role, {**asked, "name": "aws-2"}, KEY_NEW="static"), {
        **asked, "name": "aws-2", "enabled": False,
    })  # fmt: skip
    assert "past_role" not in codes(again)


def test_other_keys_that_an_agent_could_have_are_told() -> None:
    """Though it could have some already."""
    before = document("aws", "sts.amazonaws.com", auth=ROLE)
    found = judged(vault(before, KEY_NEW="static"), {**before, "auth": AWS})
    assert "gives_out_keys" in codes(found)


def test_weaker_rules() -> None:
    """Rules that deny or ask must stay, in front; what is added behind them only narrows."""
    now = vault(document("api", "api.example.com", rules=DENY))
    gone = judged(now, document("api", "api.example.com"))
    assert "weakens_rules" in codes(gone)
    assert gone.to_type == ("api",)
    kept = judged(now, document("api", "api.example.com", rules=[*DENY, {"action": "ask"}]))
    assert "weakens_rules" not in codes(kept)
    before = judged(now, document("api", "api.example.com", rules=[{"action": "allow"}, *DENY]))
    assert "weakens_rules" in codes(before)


def test_a_service_beside_another_may_pass_its_rules() -> None:
    """A more specific path on the same host takes requests from the service with the rules."""
    now = vault(document("api", "api.example.com", rules=DENY))
    found = judged(now, document("side", "api.example.com/v1/*"))
    (risk,) = [one for one in found.risks if one.code == "overtakes_service"]
    assert (risk.level, "api" in risk.text) == (Level.HIGH, True)
    plain = judged(vault(document("api", "*.example.com")), document("side", "a.example.com"))
    assert {one.level for one in plain.risks if one.code == "overtakes_service"} == {Level.MEDIUM}


def test_deletions_and_replacements() -> None:
    """A deleted credential is gone for good; what breaks is named."""
    now = vault(document("api", "api.example.com", rules=DENY), OLD="static")
    gone = judged(now, slots=[{"action": "delete", "key": "KEY_A"}])
    (risk,) = gone.risks
    assert (risk.level, risk.code) == (Level.HIGH, "deletes_credential")
    assert "api will fail" in risk.text
    assert "deletes_service" in codes(judged(now, {"action": "delete", "name": "api"}))
    theirs = judged(now, slots=[{"key": "KEY_A", "value": "mine"}])
    assert theirs.to_type == ("KEY_A",)
    asked = judged(now, slots=[{"key": "KEY_A"}])
    assert codes(asked) == {"replaces_credential"}
    assert "replaces_service" in codes(judged(now, {"name": "api", "enabled": False}))
    assert "switches_service" in codes(judged(now, {"name": "api", "enabled": False}))


def test_oauth_endpoints_are_looked_at_too() -> None:
    """A token endpoint that resembles a known host gets the client's secret."""
    oauth = {"token_url": "https://api.github.com.evil.net/token"}
    found = judged(vault(), slots=[{"key": "KEY_O", "oauth": oauth}])
    assert codes(found) == {"resembles"}
    assert found.to_type == ("KEY_O",)


@pytest.mark.parametrize(
    ("page", "tokens", "told"),
    [
        ("accounts.google.com/o/oauth2/v2/auth", "collect.evil.net/token", True),
        ("accounts.google.com/o/oauth2/v2/auth", "oauth2.googleapis.com/token", False),
        ("accounts.google.com/o/oauth2/v2/auth", "api.dropboxapi.com/oauth2/token", True),
        ("login.example.com/authorize", "api.example.com/token", False),
        ("login.example.co.uk/authorize", "other.co.uk/token", True),
    ],
)
def test_a_login_whose_code_goes_elsewhere_is_told(page: str, tokens: str, told: bool) -> None:
    """People see where they sign in; whoever makes the tokens gets the code and the secret."""
    oauth = {"authorization_url": f"https://{page}", "token_url": f"https://{tokens}"}
    found = judged(vault(), slots=[{"key": "KEY_O", "oauth": oauth}])
    assert codes(found) == ({"split_login"} if told else set())
    assert found.to_type == (("KEY_O",) if told else ())


@pytest.mark.parametrize("text", ["\x1b[31mred", "\u202eevil", "zero\u200bwidth", "\x07"])
def test_texts_that_hide_something_are_told(text: str) -> None:
    """Escapes, reordering, invisible characters; but not line ends, accents or emoji."""
    assert "hidden_characters" in codes(judged(vault(), slots=[{**NEW, "obtain": text}]))
    plain = "Zeile\r\n\tzwei, é, 日本, ✌️"
    assert not codes(judged(vault(), slots=[NEW], message=plain))


@pytest.mark.parametrize(
    ("host", "other"),
    [
        ("api.stripe.com", ""),
        ("eu.api.stripe.com", ""),
        ("example.com", ""),
        ("stripe.co", "stripe.com"),
        ("api.striipe.com", "stripe.com"),
        ("api.stirpe.com", "stripe.com"),
        ("api.strlpe.com", "stripe.com"),
        ("stripe.com.evil.net", "stripe.com"),
        ("*.githup.com", "github.com"),
        ("git-hub.com", "github.com"),
        ("api.openal.com", "openai.com"),
        ("api.stripe.co.uk", "stripe.com"),
    ],
)
def test_resemblance(host: str, other: str) -> None:
    """What could be mistaken for a known host, and what is part of it or far from it."""
    assert resembled(host, KNOWN) == other


_LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@given(_LABEL, _LABEL)
def test_names_within_a_known_domain_resemble_nothing(first: str, second: str) -> None:
    """Whatever stands in front of a known domain is its owner's."""
    assert resembled(f"{first}.{second}.stripe.com", KNOWN) == ""


_PATHS = st.sampled_from(["", "/a", "/b"])
_RULES = st.lists(
    st.builds(Rule, st.sampled_from(Action), st.just(frozenset()), _PATHS),
    max_size=4,
)


@given(_RULES, _RULES)
def test_kept_rules_never_let_more_pass(old: list[Rule], new: list[Rule]) -> None:
    """Where the rules are said to be kept, no path is freer than it was."""
    base = parse_service(document("api", "a.example.com"))
    before, after = replace(base, rules=tuple(old)), replace(base, rules=tuple(new))
    if not keeps_rules(before, after):
        return
    strictness = [Action.ALLOW, Action.ASK, Action.DENY]
    for path in ("/a", "/b", "/c"):

        def first(rules: list[Rule], path: str = path) -> Action:
            return next((r.action for r in rules if r.path in ("", path)), Action.ALLOW)

        assert strictness.index(first(new)) >= strictness.index(first(old))


def test_a_gateway_is_told_of_and_loud_where_it_leads_elsewhere() -> None:
    """A new prefix is a note; one that tools use already would take what they send elsewhere."""
    old = document("api", "api.example.com", gateway={"prefix": "api"})
    found = judged(vault(), old, slots=[{"key": "KEY_A"}])
    (risk,) = (one for one in found.risks if one.code == "opens_gateway")
    assert risk.level is Level.LOW
    assert "https://api.example.com" in risk.text
    assert "/api/" in risk.text
    assert not {"opens_gateway", "moves_gateway"} & codes(
        judged(vault(old), {**old, "scrub": False})
    )
    moved = {**old, "gateway": {"prefix": "api", "upstream": "https://api.example.com/other"}}
    without = {key: value for key, value in old.items() if key != "gateway"}
    taken = document("evil", "collect.evil.net", gateway={"prefix": "api"})
    for changes in ([moved], [without, taken]):
        found = judged(vault(old), *changes)
        (risk,) = (one for one in found.risks if one.code == "moves_gateway")
        assert risk.level is Level.HIGH
        assert changes[-1]["name"] in found.to_type


def test_no_proposal_can_have_a_prefix_that_another_service_has() -> None:
    """It is refused at once, with the holder's name."""
    old = document("api", "api.example.com", gateway={"prefix": "api"})
    with pytest.raises(VaultError, match="prefix api is that of service api already"):
        proposal(vault(old), document("more", "more.example.com", gateway={"prefix": "api"}))
