"""Which service serves a base URL, and what has to be changed so that one does."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.claude_code import GATEWAY, missing_services
from proxy_core.domain.service_document import parse_service, parse_services
from proxy_core.domain.setup_services import OPENAI_GATEWAY, gateway_for, missing_service

OWN = {
    "name": "mine",
    "host": "api.anthropic.com",
    "auth": {"type": "bearer", "token": "TEAM"},
    "rules": [{"methods": ["DELETE"], "path": "/*", "action": "deny"}],
    "hits": 3,
    "last_hit_at": "",
}
OTHER = {
    "name": "openai",
    "host": "x.example",
    "auth": {"type": "passthrough"},
    "gateway": {"prefix": "anthropic"},
}


def test_an_empty_vault_gets_the_service_with_its_prefix() -> None:
    """`/anthropic` leads to the API, with the pool's token."""
    prefix, document = gateway_for(GATEWAY, [])
    assert document is not None
    service = parse_service(document)
    assert service.gateway is not None
    assert (prefix, service.gateway.upstream) == ("anthropic", "https://api.anthropic.com")


def test_claude_codes_services_have_it_already() -> None:
    """What `vault-tui claude` adds needs no further change."""
    assert gateway_for(GATEWAY, missing_services([])) == ("anthropic", None)


def test_an_operators_own_service_keeps_what_it_says() -> None:
    """It gets the prefix, and its credential and rules stay."""
    _, document = gateway_for(GATEWAY, [OWN])
    assert document is not None
    assert document["name"] == "mine"
    assert document["auth"] == OWN["auth"]
    assert document["rules"] == OWN["rules"]
    assert gateway_for(GATEWAY, [document]) == ("anthropic", None)


def test_a_gateway_under_another_prefix_is_used() -> None:
    """It leads to the same host: a second one is not needed."""
    own = {**OWN, "gateway": {"prefix": "claude"}}
    assert gateway_for(GATEWAY, [own]) == ("claude", None)


def test_a_wildcard_gets_the_host_as_its_upstream() -> None:
    """It names more than one host, and the gateway has to lead to one."""
    wide = {**OWN, "host": "*.anthropic.com"}
    _, document = gateway_for(GATEWAY, [wide])
    assert document is not None
    assert document["gateway"]["upstream"] == "https://api.anthropic.com"


def test_a_prefix_that_leads_elsewhere_is_told() -> None:
    """Nothing is changed about somebody's own gateway; services do without the prefix."""
    with pytest.raises(VaultError, match="Gateway prefix anthropic is that of service openai"):
        gateway_for(GATEWAY, [OTHER])
    assert "gateway" not in missing_services([OTHER])[0]


def test_a_service_with_a_gateway_of_its_own_elsewhere_is_told() -> None:
    """A service has one gateway."""
    own = {**OWN, "gateway": {"prefix": "v1", "upstream": "https://api.anthropic.com/v1"}}
    with pytest.raises(VaultError, match="gateway prefix v1 already"):
        gateway_for(GATEWAY, [own])


def test_a_name_that_is_taken_is_left_alone() -> None:
    """The new service is named after its host."""
    missing = missing_service(OPENAI_GATEWAY, [OTHER])
    assert missing is not None
    assert missing["name"] == "api-openai-com"
    assert len(parse_services([OTHER, missing])) == 2
    assert missing_service(OPENAI_GATEWAY, [missing]) is None
