"""Who may do what."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services import principal
from proxy_core.services.principal import (
    Permission,
    Principal,
    PrincipalKind,
    authorize,
    operator,
    peer,
)

CHANGES = [
    permission
    for permission in Permission
    if permission.name.startswith(("CHANGE", "REVEAL", "CREATE", "SEAL", "DECIDE"))
]


def agent(
    role: VaultRole | None = None, instance: InstanceRole = InstanceRole.NO_ACCESS
) -> Principal:
    """An agent with a role in the vault `default`."""
    vaults = {} if role is None else {"default": role}
    return Principal(PrincipalKind.AGENT, "a1", "bot", instance, vaults)


def refusal(who: Principal, permission: Permission, vault: str | None = "default") -> str | None:
    """The code that the principal is refused with; None when it may."""
    try:
        authorize(who, permission, vault)
    except VaultError as error:
        return error.code
    return None


@pytest.mark.parametrize("permission", Permission)
def test_an_operator_may_do_everything(permission: Permission) -> None:
    """An operator session is the highest right there is."""
    assert refusal(operator("ada"), permission) is None


@pytest.mark.parametrize("permission", CHANGES)
def test_a_peer_changes_and_reveals_nothing(permission: Permission) -> None:
    """The uid alone reads names, status and traffic."""
    assert refusal(peer("ada"), permission) == "operator_required"


@pytest.mark.parametrize("permission", [p for p in Permission if p not in CHANGES])
def test_a_peer_may_look(permission: Permission) -> None:
    """What isn't a change or a reveal is open to the socket's users."""
    assert refusal(peer(), permission) is None


def test_the_proxy_role_uses_and_nothing_more() -> None:
    """Names only: no values, services, logs or changes."""
    allowed = {p for p in Permission if refusal(agent(VaultRole.PROXY), p) is None}
    assert allowed == {
        Permission.DISCOVER,
        Permission.LIST_CREDENTIALS,
        Permission.LIST_VAULTS,
        Permission.CREATE_PROPOSALS,
        Permission.READ_PROPOSALS,
    }


def test_members_keep_a_vault_and_admins_rule_it() -> None:
    """Settings, names and grants of a vault are its admins' affair."""
    member, admin = agent(VaultRole.MEMBER), agent(VaultRole.ADMIN)
    assert refusal(member, Permission.CHANGE_SERVICES) is None
    assert refusal(member, Permission.CHANGE_VAULT) == "role_forbidden"
    assert refusal(admin, Permission.CHANGE_VAULT) is None


def test_a_grant_counts_in_its_own_vault_only() -> None:
    """An admin of one vault is nobody in another, and nobody without a vault's name."""
    assert refusal(agent(VaultRole.ADMIN), Permission.DISCOVER, "other") == "vault_forbidden"
    assert refusal(agent(VaultRole.ADMIN), Permission.DISCOVER, None) == "vault_forbidden"
    assert refusal(agent(), Permission.DISCOVER) == "vault_forbidden"


def test_instance_roles_are_apart_from_vault_roles() -> None:
    """An owner runs agents and settings but gets no vault's secrets by that."""
    owner = agent(instance=InstanceRole.OWNER)
    assert refusal(owner, Permission.CHANGE_AGENTS) is None
    assert refusal(owner, Permission.REVEAL_CREDENTIALS) == "vault_forbidden"
    assert refusal(agent(instance=InstanceRole.MEMBER), Permission.CREATE_VAULT) is None
    assert refusal(agent(VaultRole.ADMIN), Permission.CREATE_VAULT) == "role_forbidden"


@pytest.mark.parametrize("permission", [Permission.SEAL, Permission.CHANGE_SLOTS])
def test_keys_are_for_operators_alone(permission: Permission) -> None:
    """No token seals the vault or adds a key slot, whatever its role."""
    everything = agent(VaultRole.ADMIN, InstanceRole.OWNER)
    assert refusal(everything, permission) == "role_forbidden"


def test_every_permission_is_decided_somewhere() -> None:
    """A permission that no table names would be a hole or a crash."""
    tables = principal._VAULT_ROLE.keys() | principal._INSTANCE_ROLE.keys()
    assert tables == set(Permission)
