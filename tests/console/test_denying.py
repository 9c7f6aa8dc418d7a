"""Deny like this: the rule refuses what was seen, and little else."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.service_document import parse_service
from tests.console.fake_worker import record, service
from vault_tui.denying import Denial, denials_of, refusing

_SEEN = record(1, method="post", path="/v1/refunds", host="api.stripe.com", matched_service="pay")


def _pay() -> dict[str, object]:
    allow = {"action": "allow", "methods": ["POST"]}
    return service("pay", "api.stripe.com", "STRIPE_KEY", hits=3, rules=[allow])


def _first_rule(document: dict[str, object], method: str, path: str) -> str:
    """The action of the first rule that covers a request, as the worker reads the document."""
    found = parse_service(document)
    entry = ServiceIndex([found]).lookup(found.host, found.port or 443, path)
    assert entry is not None
    for rule in found.rules:
        if method in (rule.methods or {method}) and rule.path in {"", path}:
            return str(rule.action)
    return "allow"


def test_the_narrowest_refusal_comes_first():
    """Method and path, then the path, then the method."""
    assert [one.text for one in denials_of(_SEEN)] == [
        "POST /v1/refunds", "every method on /v1/refunds", "POST on every path",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/a*b", "/a//b", "/" + "x" * 300, "/a b"])
def test_a_path_that_no_rule_can_name_is_left_out(path: str):
    """What is offered can be written, and means what it says."""
    assert denials_of(record(1, path=path)) == [Denial("GET", "")]


def test_the_refusal_stands_before_the_services_other_rules():
    """It counts although an older rule allows the same; the rest stays as it was."""
    document = refusing(_SEEN, Denial("POST", "/v1/refunds"), [_pay()], "passthrough")
    assert _first_rule(document, "POST", "/v1/refunds") == "deny"
    assert _first_rule(document, "POST", "/v1/invoices") == "allow"
    assert {**document, "rules": 0, "hits": 3, "last_hit_at": ""} == {**_pay(), "rules": 0}


@pytest.mark.parametrize(
    ("policy", "rest"), [("passthrough", "allow"), ("ask", "ask"), ("deny", "deny"), ("", "deny")]
)
def test_without_a_service_the_vaults_policy_stays_what_it_was(policy: str, rest: str):
    """A new service for the host, without a credential, that opens nothing that was closed."""
    seen = record(1, host="pack.org", port=8443, path="/simple/", matched_service="")
    document = refusing(
        seen, Denial("GET", "/simple/"), [service("pack-org", "x.test", "K")], policy
    )
    assert (document["name"], document["host"]) == ("pack-org-2", "pack.org:8443")
    assert document["auth"] == {"type": "passthrough"}
    assert _first_rule(document, "GET", "/simple/") == "deny"
    assert _first_rule(document, "GET", "/other") == rest


def test_a_service_that_has_gone_is_not_made_anew():
    """Somebody has deleted it since the row was seen."""
    with pytest.raises(VaultError, match="pay"):
        refusing(_SEEN, Denial("POST", ""), [], "passthrough")
