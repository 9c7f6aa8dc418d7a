"""What an operator's answer covers, and the rule that it becomes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.approval import (
    MAX_URL,
    Duration,
    Scope,
    parse_duration,
    readable_url,
    scope_of,
    settled,
)
from proxy_core.domain.exchange import Ask, Decision, Ingress, RequestFacts
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.policy import decide
from proxy_core.domain.service import Action, AuthType, Rule, Service, UnmatchedHostPolicy
from tests.domain import samples
from tests.domain.samples import facts, refused, service

HOST = "api.example.com"
POLICY = UnmatchedHostPolicy.ASK


def outcome(request: RequestFacts, *services: Service) -> Decision | Ask:
    """Decide in a vault that asks about unmatched hosts."""
    return decide(ServiceIndex(services), POLICY, request, True, "default")


def asked(request: RequestFacts, *services: Service) -> Ask:
    """The question that a request raises."""
    found = outcome(request, *services)
    assert isinstance(found, Ask)
    return found


def test_durations_are_those_of_the_contract() -> None:
    """Two of them name a time; anything else is refused with the choices."""
    assert [
        parse_duration(text).seconds for text in ("once", "session", "15m", "1h", "always")
    ] == [
        None,
        None,
        900.0,
        3600.0,
        None,
    ]
    error = refused(lambda: parse_duration("2h"))
    assert error is not None
    assert (error.code, "15m" in error.detail) == ("bad_request", True)


def test_the_scope_is_what_was_seen() -> None:
    """Service, origin, method and path; not the query."""
    ruled = service("the-api", HOST, rules=(Rule(Action.ASK),))
    ask = asked(facts("/a"), ruled)
    scope = scope_of(facts("/a"), ask)
    assert scope == Scope("the-api", "https", HOST, 443, "GET", "/a")
    assert scope.url == f"https://{HOST}/a"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("key=s3cret", "?key=…"),
        ("a=1&b=2&a=3&&c", "?a=…&b=…&c=…"),
    ],
)
def test_values_of_the_query_are_not_shown(query: str, shown: str) -> None:
    """They may be secrets; their names help to decide."""
    request = RequestFacts("https", HOST, 8443, "GET", "/p", query, Ingress.CONNECT)
    scope = Scope("", "https", HOST, 8443, "GET", "/p")
    assert readable_url(request, scope) == f"https://{HOST}:8443/p{shown}"


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_a_url_is_never_long(path: str, query: str) -> None:
    """Path and query are as long as a client likes; what is shown is not."""
    request = RequestFacts("https", HOST, 443, "GET", f"/{path}", query, Ingress.CONNECT)
    scope = Scope("", "https", HOST, 443, "GET", f"/{path}")
    assert len(readable_url(request, scope)) <= 2 * MAX_URL + 1


def test_a_rule_goes_before_the_one_that_asks() -> None:
    """Earlier rules keep their say; the new one names method and path."""
    deny = Rule(Action.DENY, path="/admin/*")
    ask = Rule(Action.ASK, frozenset({"GET", "PUT"}))
    made = settled(
        asked(facts("/x"), service("the-api", HOST, rules=(deny, ask))), facts("/x"), Action.ALLOW
    )
    assert made.rules == (deny, Rule(Action.ALLOW, frozenset({"GET"}), "/x"), ask)


def test_a_host_without_a_service_gets_one_without_a_credential() -> None:
    """It answers this request, asks about every other, and is named apart from the others."""
    made = settled(asked(facts("/x")), facts("/x"), Action.DENY, {"api-example-com"})
    assert (made.name, made.pattern) == ("api-example-com-2", f"{HOST}:443")
    assert made.auth.type is AuthType.PASSTHROUGH
    error = refused(lambda: outcome(facts("/x"), made))
    assert error is not None
    assert error.code == "method_not_allowed"
    assert isinstance(outcome(facts("/y"), made), Ask)


@pytest.mark.parametrize("path", ["/a*", "/%2e", "/" + "x" * 300, "/a//b"])
def test_a_path_that_no_rule_can_name_is_refused(path: str) -> None:
    """Rather than a rule that allows more than was asked for."""
    ask = Ask(Decision("default", None, ""), -1, "")
    with pytest.raises(VaultError) as caught:
        settled(ask, facts(path), Action.ALLOW)
    assert caught.value.code == "bad_request"


@given(
    services=st.lists(samples.services, max_size=4, unique_by=lambda item: item.name),
    path=st.sampled_from(["/", "/a", "/b", "/ab", "/c/a", "/c/"]),
    method=st.sampled_from(["GET", "POST", "DELETE", "get"]),
    host=samples.hosts,
    action=st.sampled_from([Action.ALLOW, Action.DENY]),
)
def test_the_rule_answers_this_request_and_no_other(
    services: list[Service], path: str, method: str, host: str, action: Action
) -> None:
    """With the rule the request is allowed or denied; other methods and paths stay as they were."""
    request = facts(path, method, host)
    before = refused_or(request, services)
    assume(isinstance(before, Ask))
    assert isinstance(before, Ask)
    made = settled(before, request, action, {item.name for item in services})
    rest = [made if item.name == made.name else item for item in services]
    after = [*rest, made] if before.decision.service is None else rest
    answer = refused_or(request, after)
    if action is Action.ALLOW:
        assert isinstance(answer, Decision)
        assert answer.credential_keys == before.decision.credential_keys
    else:
        assert answer in ("method_not_allowed", "path_not_allowed")
    for other in (facts(path + "x", method, host), facts(path, "PATCH", host)):
        assert kind_of(refused_or(other, after)) == kind_of(refused_or(other, services))


def refused_or(request: RequestFacts, services: list[Service]) -> Decision | Ask | str:
    """The outcome, or the refusal's code."""
    try:
        return outcome(request, *services)
    except VaultError as error:
        return error.code


def kind_of(found: Decision | Ask | str) -> object:
    """What of an outcome a neighbour's rule may not change."""
    if isinstance(found, str):
        return "denied" if found.endswith("not_allowed") else found
    return type(found), (found.decision if isinstance(found, Ask) else found).credential_keys


def test_every_duration_has_a_name_that_fits_the_command_line() -> None:
    """The API's word and the option's are one."""
    assert [str(duration) for duration in Duration] == ["once", "session", "15m", "1h", "always"]
