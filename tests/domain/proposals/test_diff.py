"""What a proposal would change, as data."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.proposals import Authority, AuthorityDiff, Change, diff, digest, effect
from tests.domain.proposals.samples import document, proposal, vault

SLOT = {"key": "KEY_NEW"}


def difference(now: Authority, *services: dict[str, Any], **more: Any) -> AuthorityDiff:
    """Before and after a proposal."""
    made = proposal(now, *services, **more)
    return diff(made, now, effect(made, now))


def test_a_new_service_and_its_credential() -> None:
    """Both are added; the credential goes where the service is."""
    found = difference(vault(), document("api", "a.example.com", "KEY_NEW"), slots=[SLOT])
    (service,), (credential,) = found.services, found.credentials
    assert (service.change, service.before) == (Change.ADDED, None)
    assert (credential.change, credential.type) == (Change.ADDED, "static")
    assert (credential.hosts_before, credential.hosts_after) == ((), ("a.example.com",))


def test_a_changed_service_shows_its_fields() -> None:
    """Field by field; what stays is not mentioned."""
    now = vault(document("api", "a.example.com"))
    found = difference(now, document("api", "b.example.com", scrub=False))
    (service,) = found.services
    assert service.change is Change.CHANGED
    assert service.fields == (
        ("host", "a.example.com", "b.example.com"),
        ("scrub", None, False),
    )
    (credential,) = found.credentials
    assert credential.change is Change.UNCHANGED
    assert credential.hosts_before == ("a.example.com",)
    assert credential.hosts_after == ("b.example.com",)


def test_what_is_not_touched_is_left_out() -> None:
    """Another service and its credential are no part of the difference."""
    now = vault(document("api", "a.example.com"), document("other", "o.example.com", "KEY_O"))
    found = difference(now, {"action": "delete", "name": "api"})
    assert [one.name for one in found.services] == ["api"]
    assert found.services[0].change is Change.REMOVED
    assert [one.key for one in found.credentials] == ["KEY_A"]
    assert found.credentials[0].hosts_after == ()


def test_a_login_that_was_connected_for_it_changes_nothing() -> None:
    """What is reviewed before and after connecting is the same, digest included."""
    oauth = {"token_url": "https://issuer.example.com/token"}
    made = proposal(
        vault(), document("api", "a.example.com", "KEY_O"), slots=[{"key": "KEY_O", "oauth": oauth}]
    )
    connected = vault(KEY_O="oauth")
    first = diff(made, vault(), effect(made, vault()))
    later = diff(made, connected, effect(made, connected))
    assert digest(first) == digest(later)


def test_what_is_gone_meanwhile_is_refused() -> None:
    """A change of a service, or a deletion, of what is not there any more has no effect to show."""
    now = vault(document("api", "a.example.com"))
    for one in ({"name": "api", "enabled": False}, {"action": "delete", "name": "api"}):
        made = proposal(now, one)
        with pytest.raises(VaultError, match="api"):
            effect(made, vault(KEY_A="static"))


_NAMES = st.sampled_from(["one", "two", "six"])
_SERVICES = st.lists(
    st.builds(document, _NAMES, st.sampled_from(["a.example.com", "b.example.com/v1/*"])),
    unique_by=lambda one: one["name"],
    min_size=1,
)


@given(_SERVICES, _SERVICES)
def test_effects_are_exact(before: list[dict[str, Any]], asked: list[dict[str, Any]]) -> None:
    """Services that are asked for are as asked, all others as before, in their order; and asking
    again changes nothing more.
    """
    now = vault(*before)
    made = proposal(now, *asked)
    after = effect(made, now)
    wanted = {one["name"]: one["host"] for one in before} | {
        one["name"]: one["host"] for one in asked
    }
    assert {one.name: one.pattern for one in after.services} == wanted
    assert [one.name for one in after.services][: len(before)] == [one["name"] for one in before]
    assert effect(made, after) == after
    assert all(one.change is Change.UNCHANGED for one in diff(made, after, after).services)


@given(_SERVICES, _SERVICES)
def test_a_digest_stands_for_what_is_shown(
    before: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    """Two differences have one digest exactly when they are equal."""
    made = proposal(vault(*before, KEY_A="static"), document("one", "c.example.com"))
    first, second = (diff(made, now, effect(made, now)) for now in (vault(*before), vault(*other)))
    assert (digest(first) == digest(second)) == (first == second)
