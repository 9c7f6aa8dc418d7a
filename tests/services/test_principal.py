"""Who may do what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services import principal
from proxy_core.services.principal import (
    Permission,
    Principal,
    PrincipalKind,
    allowed_vaults,
    authorize,
    operator,
    peer,
)

CHANGES = [
    permission
    for permission in Permission
    if permission.name.startswith(("CHANGE", "REVEAL", "CREATE", "SEAL", "DECIDE", "RUN"))
    or permission.name.endswith(("AUDIT", "ISSUERS", "WEBHOOKS"))
]


def agent(
    role: VaultRole | None = None, instance: InstanceRole = InstanceRole.NO_ACCESS
) -> Principal:
    """An agent with a role in the vault `default`."""
    vaults = {} if role is None else {"default": role}
    return Principal(PrincipalKind.AGENT, "a1", "bot", instance, vaults)


def user(
    role: VaultRole | None = None,
    instance: InstanceRole = InstanceRole.NO_ACCESS,
    *,
    proved: bool = True,
) -> Principal:
    """Somebody who signed in, with a role in the vault `default`."""
    vaults = {} if role is None else {"default": role}
    return Principal(PrincipalKind.USER, "u1", "ada", instance, vaults, proved=proved)


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
    """The uid alone reads names, status and traffic, and not what others did."""
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


@pytest.mark.parametrize(
    "permission", [Permission.SEAL, Permission.CHANGE_SLOTS, Permission.CREATE_BACKUPS]
)
def test_keys_are_for_operators_alone(permission: Permission) -> None:
    """No token seals the vault, changes its keys or backs it up, whatever its role."""
    everything = agent(VaultRole.ADMIN, InstanceRole.OWNER)
    assert refusal(everything, permission) == "role_forbidden"


def test_every_permission_is_decided_somewhere() -> None:
    """A permission that no table names would be a hole or a crash."""
    tables = principal._VAULT_ROLE.keys() | principal._INSTANCE_ROLE.keys()
    assert tables == set(Permission)


# --- users -------------------------------------------------------------------------------------

PROOF = {
    Permission.REVEAL_CREDENTIALS,
    Permission.CHANGE_USERS,
    Permission.CHANGE_ISSUERS,
    Permission.RUN_COMMANDS,
    Permission.CHANGE_SLOTS,
    Permission.SEAL,
    Permission.CREATE_BACKUPS,
}
ROLES = st.none() | st.sampled_from(VaultRole)
INSTANCE = st.sampled_from(InstanceRole)


@pytest.mark.parametrize("permission", Permission)
def test_an_owner_acts_as_an_operator(permission: Permission) -> None:
    """In every vault and for the instance; what shows secrets or rules takes a fresh proof."""
    owner = user(instance=InstanceRole.OWNER)
    assert owner.is_operator
    assert refusal(owner, permission, "any-vault") is None
    stale = user(instance=InstanceRole.OWNER, proved=False)
    expected = "reauth_required" if permission in PROOF else None
    assert refusal(stale, permission, "any-vault") == expected


@given(st.sampled_from(Permission), ROLES, st.sampled_from(["default", "other"]))
def test_a_member_acts_by_its_vault_roles_as_an_agent_does(
    permission: Permission, role: VaultRole | None, vault: str
) -> None:
    """Except that people alone decide about held requests, see one another and give machines
    settings.
    """
    instance = InstanceRole.MEMBER
    of_user = refusal(user(role, instance), permission, vault)
    of_agent = refusal(agent(role, instance), permission, vault)
    people = {Permission.DECIDE_HOLDS, Permission.READ_USERS, Permission.CHANGE_CLAUDE_SETTINGS}
    if permission in people:
        assert of_agent is not None
    else:
        assert of_user == of_agent


@given(st.sampled_from(Permission), ROLES, INSTANCE, st.booleans(), st.booleans())
def test_more_is_never_less(
    permission: Permission,
    role: VaultRole | None,
    instance: InstanceRole,
    proved: bool,
    is_user: bool,
) -> None:
    """A higher role in the vault or of the instance never takes a permission away."""

    def may(role: VaultRole | None, instance: InstanceRole) -> bool:
        who = user(role, instance, proved=proved) if is_user else agent(role, instance)
        return refusal(who, permission) is None

    higher = [one for one in VaultRole if role is None or one.at_least(role)]
    above = [one for one in InstanceRole if one.at_least(instance)]
    if may(role, instance):
        assert all(may(one, other) for one in (role, *higher) for other in above)


@given(st.sampled_from(sorted(principal._VAULT_ROLE)), ROLES, INSTANCE, st.booleans())
def test_the_vaults_of_a_permission_are_those_that_allow_it(
    permission: Permission, role: VaultRole | None, instance: InstanceRole, is_user: bool
) -> None:
    """`allowed_vaults` says what `authorize` would say of each."""
    who = user(role, instance) if is_user else agent(role, instance)
    try:
        vaults = allowed_vaults(who, permission)
    except VaultError:
        vaults = frozenset()
    for name in ("default", "other"):
        allowed = refusal(who, permission, name) is None
        assert allowed == (vaults is None or name in vaults)


def test_a_role_is_looked_at_before_a_proof_is_asked_for() -> None:
    """Nobody types a password to be told that it was for nothing."""
    assert refusal(user(VaultRole.PROXY, proved=False), Permission.REVEAL_CREDENTIALS) == (
        "role_forbidden"
    )
    assert refusal(user(proved=False), Permission.SEAL) == "role_forbidden"
    member = user(VaultRole.MEMBER, proved=False)
    assert refusal(member, Permission.REVEAL_CREDENTIALS) == "reauth_required"


def test_a_peer_may_ask_for_vaults_as_it_may_for_one() -> None:
    """The socket shows what it shows of every vault, and an operator decides."""
    assert allowed_vaults(peer(), Permission.READ_HOLDS) is None
    with pytest.raises(VaultError) as caught:
        allowed_vaults(peer(), Permission.DECIDE_HOLDS)
    assert caught.value.code == "operator_required"
