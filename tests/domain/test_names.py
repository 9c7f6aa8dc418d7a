"""Names and roles."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain import names
from proxy_core.domain.names import InstanceRole, VaultRole
from tests.domain.samples import refused


@pytest.mark.parametrize("slug", ["abc", "a-b", "0-9", "a" * 64])
def test_slugs_pass(slug: str) -> None:
    """3 to 64 characters with single hyphens inside."""
    assert names.check_slug(slug) == slug


@pytest.mark.parametrize(
    "slug", ["", "ab", "a" * 65, "-ab", "ab-", "a--b", "Abc", "a_b", "abc\n", "äbc"]
)
def test_other_names_are_refused_with_the_rule(slug: str) -> None:
    """The message says what a name looks like."""
    with pytest.raises(VaultError, match="3 to 64") as caught:
        names.check_agent_name(slug)
    assert caught.value.code == "bad_request"
    with pytest.raises(VaultError, match="vault name"):
        names.check_vault_name(slug)


@pytest.mark.parametrize("key", ["a", "A-B", "_A", "1A", "", "A" * 129, "A\n", "É"])
def test_credential_keys_are_upper_snake_case(key: str) -> None:
    """Anything else is refused; what fits is returned."""
    with pytest.raises(VaultError, match="UPPER_SNAKE_CASE"):
        names.check_credential_key(key)
    assert names.check_credential_key("GITHUB_TOKEN_2") == "GITHUB_TOKEN_2"


@given(st.text(max_size=20))
def test_messages_about_names_are_printable(text: str) -> None:
    """A hostile name cannot reach the terminal through the error."""
    for check in (names.check_slug, names.check_credential_key, names.parse_vault_role):
        error = refused(partial(check, text))
        assert error is None or error.detail.isprintable()


def test_roles_are_ordered() -> None:
    """An admin may do what a member may, not the other way round."""
    assert VaultRole.ADMIN.at_least(VaultRole.MEMBER)
    assert VaultRole.MEMBER.at_least(VaultRole.MEMBER)
    assert not VaultRole.PROXY.at_least(VaultRole.MEMBER)
    assert InstanceRole.OWNER.at_least(InstanceRole.NO_ACCESS)
    assert not InstanceRole.NO_ACCESS.at_least(InstanceRole.MEMBER)


def test_roles_of_two_kinds_cannot_be_compared() -> None:
    """Both kinds have a member: mixing them up must not pass silently."""
    with pytest.raises(TypeError):
        VaultRole.MEMBER.at_least(InstanceRole.MEMBER)


def test_unknown_roles_are_answered_with_the_choices() -> None:
    """So that a script's author sees what to write."""
    assert names.parse_instance_role("no-access") is InstanceRole.NO_ACCESS
    with pytest.raises(VaultError, match="proxy, member, admin"):
        names.parse_vault_role("root")
    with pytest.raises(VaultError, match="no-access, member, owner"):
        names.parse_instance_role("admin")
