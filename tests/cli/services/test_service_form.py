"""From options and files to service documents."""

import pytest

from proxy_core.base.errors import VaultError
from vault_tui.cli.failures import Usage
from vault_tui.cli.services import service_form


def test_substitution() -> None:
    """Surfaces are optional; the worker knows their default."""
    assert service_form.substitution("K:__k__") == {"key": "K", "placeholder": "__k__"}
    assert service_form.substitution("K:__k__:path, query")["in"] == ["path", "query"]
    with pytest.raises(Usage):
        service_form.substitution("K")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("deny DELETE /v1/*", {"action": "deny", "methods": ["DELETE"], "path": "/v1/*"}),
        ("allow get,post /x", {"action": "allow", "methods": ["GET", "POST"], "path": "/x"}),
        ("deny * /admin/*", {"action": "deny", "path": "/admin/*"}),
        ("deny /admin/*", {"action": "deny", "path": "/admin/*"}),
        ("deny DELETE", {"action": "deny", "methods": ["DELETE"]}),
    ],
)
def test_rule(text: str, document: object) -> None:
    """A rule reads like a sentence."""
    assert service_form.rule(text) == document


@pytest.mark.parametrize("text", ["", "deny", "deny GET /a b", "DENY!"])
def test_a_rule_without_sense_is_refused(text: str) -> None:
    """A bare action would deny everything by a typing error."""
    with pytest.raises(Usage):
        service_form.rule(text)


@pytest.mark.parametrize(
    "text",
    ["services: [{name: a}]", "[{name: a}]", "{name: a}", '{"services": [{"name": "a"}]}'],
)
def test_a_file_may_hold_services_in_three_shapes(text: str) -> None:
    """YAML or JSON; with `services:`, a list, or one document."""
    assert service_form.documents_of(text) == [{"name": "a"}]


def test_an_export_has_the_services_of_each_vault() -> None:
    """Those of the vault that is meant; one that is not there is not guessed at."""
    text = "export: 1\nvaults:\n- {name: one, services: [{name: a}]}\n- {name: two, services: []}"
    assert service_form.documents_of(text, "one") == [{"name": "a"}]
    assert service_form.documents_of(text, "two") == []
    for vault in ("three", ""):
        with pytest.raises(VaultError, match="holds no vault"):
            service_form.documents_of(text, vault)


@pytest.mark.parametrize(
    "text", ["[", "text", "3", "services: [1]", "services: []\nsevices: []", "!!python/object:x {}"]
)
def test_a_file_of_another_kind_is_refused(text: str) -> None:
    """Nothing is guessed, and no YAML tag makes objects."""
    with pytest.raises(VaultError) as refused:
        service_form.documents_of(text)
    assert refused.value.code == "bad_request"


@pytest.mark.parametrize(
    ("text", "listed"), [("429", [429]), ("429,529", [429, 529]), ("none", [])]
)
def test_statuses(text: str, listed: list[int]) -> None:
    """A list, or no status at all."""
    assert service_form.statuses(text) == listed


@pytest.mark.parametrize("text", ["", "429;529", "often"])
def test_statuses_that_are_none(text: str) -> None:
    """Refused with an example."""
    with pytest.raises(VaultError, match="429,529"):
        service_form.statuses(text)


def test_a_gateway_is_a_prefix_and_perhaps_an_upstream() -> None:
    """The prefix may be written as in a base URL; an upstream alone leads nowhere."""
    assert service_form.gateway("/slack/", None) == {"prefix": "slack"}
    found = service_form.gateway("slack", "https://slack.com")
    assert found == {"prefix": "slack", "upstream": "https://slack.com"}
    with pytest.raises(Usage):
        service_form.gateway(None, "https://slack.com")
