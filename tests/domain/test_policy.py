"""Whether a request may go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ask, Decision, RequestFacts
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.policy import decide
from proxy_core.domain.service import (
    Action,
    Auth,
    AuthType,
    Rule,
    Service,
    Substitution,
    UnmatchedHostPolicy,
)
from tests.domain import samples
from tests.domain.samples import facts, refused, service

DENY, PASS = UnmatchedHostPolicy.DENY, UnmatchedHostPolicy.PASSTHROUGH
HOST = "api.example.com"


def ask(
    request: RequestFacts,
    *services: Service,
    unmatched: UnmatchedHostPolicy = DENY,
    allow_http: bool = False,
) -> Decision:
    """Decide in vault `default` what needs no operator."""
    outcome = decide(ServiceIndex(services), unmatched, request, allow_http, "default")
    assert isinstance(outcome, Decision)
    return outcome


def held(request: RequestFacts, *services: Service, unmatched: UnmatchedHostPolicy = DENY) -> Ask:
    """The question that a request raises in vault `default`."""
    outcome = decide(ServiceIndex(services), unmatched, request, False, "default")
    assert isinstance(outcome, Ask)
    return outcome


def refusal(request: RequestFacts, *services: Service) -> VaultError:
    """The error of a refused request."""
    with pytest.raises(VaultError) as caught:
        ask(request, *services)
    return caught.value


def test_a_covered_request_gets_its_service_and_keys() -> None:
    """The decision names vault, service, credential keys and a readable reason."""
    covered = service("the-api", HOST, "/v1/*")
    decision = ask(facts("/v1/x"), covered)
    assert (decision.vault, decision.service, decision.credential_keys) == (
        "default",
        covered,
        ("TOKEN",),
    )
    assert "the-api" in decision.reason
    assert "api.example.com/v1/*" in decision.reason


def test_an_uncovered_request_passes_without_credential_or_is_refused_with_a_hint() -> None:
    """The hint tells an agent how to ask for the service."""
    decision = ask(facts(), unmatched=PASS)
    assert decision.service is None
    assert decision.credential_keys == ()
    error = refusal(facts())
    assert error.code == "forbidden"
    assert error.extra["proposal_hint"] == {
        "host": HOST,
        "endpoint": "POST /v1/proposals",
        "supported_auth_types": [str(kind) for kind in AuthType],
    }


def test_a_disabled_service_refuses() -> None:
    """Even where unmatched hosts pass: the operator meant this host."""
    assert refusal(facts(), service("off", HOST, enabled=False)).code == "service_disabled"


@pytest.mark.parametrize("method", ["TRACE", "trace"])
def test_trace_is_refused_for_every_host(method: str) -> None:
    """It would echo the injected header."""
    assert refusal(facts(method=method), service("api", HOST)).code == "trace_not_allowed"
    with pytest.raises(VaultError, match="TRACE"):
        ask(facts(method=method), unmatched=PASS)


def test_a_credential_is_not_sent_over_plain_http_without_leave() -> None:
    """Leave comes from the service or from the worker; without a credential none is needed."""
    plain = facts(scheme="http")
    assert refusal(plain, service("api", HOST)).code == "http_not_allowed"
    assert ask(plain, service("api", HOST, allow_http=True)).service
    assert ask(plain, service("api", HOST), allow_http=True).service
    bare = service("api", HOST, auth=Auth(AuthType.PASSTHROUGH))
    assert ask(plain, bare).service
    assert ask(plain, unmatched=PASS).service is None


def test_a_substitution_is_a_credential_too() -> None:
    """A passthrough service that fills a placeholder needs leave for plain http."""
    filling = service(
        "api",
        HOST,
        auth=Auth(AuthType.PASSTHROUGH),
        substitutions=(Substitution("KEY", "__key__"),),
    )
    assert refusal(facts(scheme="http"), filling).code == "http_not_allowed"


def ruled(*rules: Rule) -> Service:
    """A service with rules."""
    return service("the-api", HOST, rules=rules)


def test_a_denied_method_is_answered_with_the_allowed_ones() -> None:
    """So that an agent need not try them."""
    error = refusal(
        facts("/x", "DELETE"), ruled(Rule(Action.DENY, frozenset({"DELETE", "PUT"}), "/x*"))
    )
    assert error.code == "method_not_allowed"
    assert error.extra["allowed_methods"] == ["GET", "HEAD", "POST", "PATCH", "OPTIONS"]


def test_a_path_denied_for_all_methods_has_a_code_of_its_own() -> None:
    """There is nothing to try."""
    error = refusal(facts("/admin/x"), ruled(Rule(Action.DENY, path="/admin/*")))
    assert error.code == "path_not_allowed"
    assert error.extra["allowed_methods"] == []


def test_the_first_matching_rule_decides_and_none_allows() -> None:
    """An earlier allow shields from a later deny."""
    read_only = ruled(Rule(Action.ALLOW, frozenset({"GET"})), Rule(Action.DENY))
    assert "rule 1" in ask(facts("/x"), read_only).reason
    assert refusal(facts("/x", "post"), read_only).code == "method_not_allowed"
    assert "none of its rules" in ask(facts("/x"), ruled(Rule(Action.DENY, path="/admin"))).reason


@pytest.mark.parametrize("path", ["/admin%2Fx", "//admin/x", "/%61dmin/x"])
def test_a_rule_cannot_be_passed_by_spelling(path: str) -> None:
    """Where another spelling would be denied, the request is malformed."""
    assert refusal(facts(path), ruled(Rule(Action.DENY, path="/admin/*"))).code == "bad_request"


def test_decisions_are_kept_apart_by_vault() -> None:
    """One index may serve under two names after a rename."""
    index = ServiceIndex([service("the-api", HOST)])
    first = decide(index, DENY, facts(), False, "one")
    assert decide(index, DENY, facts(), False, "two").vault == "two"
    assert decide(index, DENY, facts(), False, "one") is first


@given(
    st.lists(samples.services, max_size=3),
    samples.hosts,
    st.text("/ab%2fF.", max_size=10),
    st.sampled_from(["GET", "POST", "DELETE", "TRACE"]),
    st.sampled_from(["http", "https"]),
)
def test_no_credential_without_an_enabled_service_and_a_safe_channel(
    services: list[Service], host: str, tail: str, method: str, scheme: str
) -> None:
    """Whatever is asked: a decision with keys has an enabled service and https, or leave.

    So has the decision that an operator's leave would make of a question.
    """
    request = facts("/" + tail, method, host, scheme)
    found: list[Decision | Ask] = []
    index = ServiceIndex(services)
    error = refused(lambda: found.append(decide(index, PASS, request, False, "default")))
    if error:
        assert error.status in (400, 403)
        return
    (outcome,) = found
    decision = outcome.decision if isinstance(outcome, Ask) else outcome
    if decision.credential_keys:
        assert decision.service
        assert decision.service.enabled
        assert scheme == "https" or decision.service.allow_http


def test_a_rule_may_ask() -> None:
    """The question says which rule asks, and what the request becomes when it is allowed."""
    rules = (Rule(Action.ALLOW, frozenset({"GET"})), Rule(Action.ASK, path="/chat/*"))
    chat = ruled(*rules)
    question = held(facts("/chat/x", "POST"), chat)
    assert (question.rule, question.service_name) == (1, chat.name)
    assert "rule 2 asks an operator" in question.reason
    assert (question.decision.service, question.decision.credential_keys) == (chat, ("TOKEN",))
    assert ask(facts("/chat/x"), chat).service == chat
    assert ask(facts("/other", "POST"), chat).service == chat


def test_a_vault_may_ask_about_other_hosts() -> None:
    """What it then becomes is a request without a credential."""
    question = held(facts(), unmatched=UnmatchedHostPolicy.ASK)
    assert (question.rule, question.service_name) == (-1, "")
    assert question.decision.credential_keys == ()


def test_nobody_is_asked_for_what_would_be_refused() -> None:
    """A disabled service, a credential over plain http, TRACE."""
    rule = Rule(Action.ASK)
    assert refusal(facts(scheme="http"), ruled(rule)).code == "http_not_allowed"
    assert refusal(facts(), service("the-api", HOST, rules=(rule,), enabled=False)).code == (
        "service_disabled"
    )
    assert refusal(facts(method="TRACE"), ruled(rule)).code == "trace_not_allowed"


def test_a_rule_that_asks_counts_as_a_way_in() -> None:
    """A refusal names it among the methods that the agent may try."""
    rules = (Rule(Action.ASK, frozenset({"PUT"})), Rule(Action.DENY))
    error = refusal(facts("/x", "DELETE"), ruled(*rules))
    assert error.extra["allowed_methods"] == ["PUT"]


@pytest.mark.parametrize("action", [Action.ALLOW, Action.DENY])
def test_an_ambiguous_path_is_not_asked_about(action: Action) -> None:
    """One spelling asks, another would be decided: refused before anybody looks at it."""
    rules = (Rule(Action.ASK, path="/chat/*"), Rule(action))
    assert refusal(facts("/%63hat/x"), ruled(*rules)).code == "bad_request"


def test_who_may_use_some_services_gets_at_nothing_else() -> None:
    """Not at another service, and at no host or path without one, whatever the vault's policy."""
    services = (service("the-api", HOST, "/v1/*"), service("other", "other.example"))
    index = ServiceIndex(services)

    def outcome(request: RequestFacts, unmatched: UnmatchedHostPolicy) -> str:
        granted = frozenset(("the-api",))
        try:
            found = decide(index, unmatched, request, False, "default", granted)
        except VaultError as error:
            return error.code
        assert isinstance(found, Decision)
        return found.service.name if found.service else ""

    for unmatched in UnmatchedHostPolicy:
        assert outcome(facts("/v1/x"), unmatched) == "the-api"
        assert outcome(facts("/v2"), unmatched) == "forbidden"
        assert outcome(facts("/", host="other.example"), unmatched) == "service_not_granted"
        assert outcome(facts("/", host="elsewhere.example"), unmatched) == "forbidden"


def test_a_long_grant_is_told_in_short() -> None:
    """A sentence names eight services at most."""
    granted = frozenset(f"service-{number}" for number in range(20))
    with pytest.raises(VaultError) as caught:
        decide(ServiceIndex(()), PASS, facts("/"), False, "default", granted)
    assert caught.value.detail.count("service-") == 8
    assert "and 12 more only" in caught.value.detail
