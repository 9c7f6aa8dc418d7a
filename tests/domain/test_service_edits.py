"""Changes to a list of services."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.service_edits import (
    find_service,
    remove_service,
    set_enabled,
    upsert_services,
)
from tests.domain.samples import service

CURRENT = (
    service("slack-bot", "slack.com", "/api/*"),
    service("slack-conn", "slack.com", "/api/apps.connections.*"),
    service("the-api", "api.example.com", "", 8443),
)


def test_an_upsert_keeps_places_and_appends_what_is_new() -> None:
    """Order decides between equals, so a change must not move a service."""
    changed, new = service("slack-bot", "slack.com", "/x/*"), service("new-one", "b.example")
    assert upsert_services(CURRENT, (new, changed)) == (changed, *CURRENT[1:], new)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("slack-conn", "slack-conn"),
        ("Slack.com/api/*", "slack-bot"),
        ("api.example.com", "the-api"),
        ("api.example.com:8443", "the-api"),
    ],
)
def test_a_service_is_found_by_name_host_or_pattern(text: str, name: str) -> None:
    """Hosts in any spelling."""
    assert find_service(CURRENT, text).name == name


@pytest.mark.parametrize(
    "text", ["none", "a.example", "slack.com/other", "api.example.com:1", "\x1b"]
)
def test_an_unknown_service_is_not_found(text: str) -> None:
    """With a text that is fit for a terminal."""
    with pytest.raises(VaultError) as caught:
        find_service(CURRENT, text)
    assert caught.value.code == "not_found"
    assert caught.value.detail.isprintable()


def test_a_host_of_several_services_is_ambiguous() -> None:
    """The answer lists names to choose from."""
    with pytest.raises(VaultError) as caught:
        remove_service(CURRENT, "slack.com")
    assert caught.value.code == "ambiguous_host"
    assert caught.value.extra["candidates"] == [
        {"name": "slack-bot", "host": "slack.com/api/*"},
        {"name": "slack-conn", "host": "slack.com/api/apps.connections.*"},
    ]


def test_removing_returns_the_rest_and_the_removed() -> None:
    """The order of the rest stays."""
    assert remove_service(CURRENT, "slack-conn") == ((CURRENT[0], CURRENT[2]), CURRENT[1])


def test_enabling_and_disabling_changes_one_in_its_place() -> None:
    """Nothing else about it changes."""
    services, changed = set_enabled(CURRENT, "slack.com/api/*", False)
    assert not changed.enabled
    assert services == (changed, *CURRENT[1:])
    assert set_enabled(services, "slack-bot", True)[0] == CURRENT
