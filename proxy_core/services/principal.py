"""Who asks, and what they may do: one small table, no I/O.

operator   the control socket with an operator session, or the `vt_user_` token of one
peer       the control socket without one: names, status and traffic, nothing else
user       a `vt_user_` token of somebody who signed in, or a JWT that stands for somebody: an
           instance role, and a role in each granted vault; an owner acts as an operator
agent      a `vt_agt_` token: an instance role, and a role in each granted vault
session    a `vt_sess_` token: the proxy role in one vault
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import InstanceRole, VaultRole


class PrincipalKind(StrEnum):
    """What proved the principal's identity."""

    OPERATOR = "operator"
    PEER = "peer"
    USER = "user"
    AGENT = "agent"
    SESSION = "session"


class Permission(StrEnum):
    """What a use case needs. The values appear in refusals."""

    DISCOVER = "discover what a vault offers"
    LIST_CREDENTIALS = "list credential names"
    REVEAL_CREDENTIALS = "reveal credentials"
    CHANGE_CREDENTIALS = "change credentials"
    RUN_COMMANDS = "set, approve and run commands of credentials"
    CHANGE_SOURCES = "set and remove the external store of a vault"
    READ_ACCOUNTS = "list accounts, their quota and pools"
    CHANGE_ACCOUNTS = "add, change and remove accounts and pools"
    READ_SERVICES = "read services"
    CHANGE_SERVICES = "change services"
    READ_LOGS = "read the request log"
    READ_SESSIONS = "list sessions"
    CHANGE_SESSIONS = "create and revoke sessions"
    READ_VAULT = "read a vault's settings and agents"
    CHANGE_VAULT = "change, rename or delete a vault and its grants"
    LIST_VAULTS = "list vaults"
    CREATE_VAULT = "create vaults"
    READ_AGENTS = "list agents"
    CHANGE_AGENTS = "create, change and delete agents"
    READ_USERS = "list users"
    CHANGE_USERS = "invite, change and remove users"
    READ_SETTINGS = "read the worker's settings"
    CHANGE_SETTINGS = "change the worker's settings"
    READ_METRICS = "read the worker's metrics"
    READ_EVENTS = "follow the worker's events"
    READ_AUDIT = "read a vault's audit"
    READ_WHOLE_AUDIT = "read and verify the audit"
    READ_HOLDS = "list held requests and grants"
    DECIDE_HOLDS = "decide held requests and revoke grants"
    READ_DEVICES = "list devices"
    DECIDE_DEVICES = "approve and revoke devices"
    CHANGE_CLAUDE_SETTINGS = "change the managed settings of Claude Code"
    CREATE_PROPOSALS = "raise proposals"
    READ_PROPOSALS = "read proposals"
    REVIEW_PROPOSALS = "review proposals"
    DECIDE_PROPOSALS = "approve and reject proposals"
    READ_WEBHOOKS = "list webhooks"
    CHANGE_WEBHOOKS = "add, change, try and remove webhooks"
    READ_ISSUERS = "list trusted issuers"
    CHANGE_ISSUERS = "add, change, try and remove trusted issuers"
    READ_SLOTS = "list key slots"
    CHANGE_SLOTS = "change key slots and the key"
    SEAL = "seal the vault"
    CREATE_BACKUPS = "make backups"


@dataclass(frozen=True, slots=True)
class Principal:
    """`vaults` maps vault names to the role held there; empty for operators and peers.

    `proved`: a user's password was proved a short while ago, or the user to the issuer. `issuer`:
    the name of the one by whose JWT the principal is known; empty without one.
    """

    kind: PrincipalKind
    id: str = ""
    name: str = ""
    instance_role: InstanceRole = InstanceRole.NO_ACCESS
    vaults: Mapping[str, VaultRole] = field(default_factory=dict)
    token_sha256: bytes = field(default=b"", repr=False)
    proved: bool = False
    issuer: str = ""

    @property
    def label(self) -> str:
        """How events and logs name the principal, for example `agent ci-bot`."""
        return f"{self.kind.value} {self.name}" if self.name else self.kind.value

    @property
    def is_operator(self) -> bool:
        """Whether everything is allowed, though some of it only with a fresh proof."""
        if self.kind is PrincipalKind.USER:
            return self.instance_role is InstanceRole.OWNER
        return self.kind is PrincipalKind.OPERATOR

    @property
    def is_token(self) -> bool:
        """Whether it is a program's: an agent's or a session's."""
        return self.kind in (PrincipalKind.AGENT, PrincipalKind.SESSION)


def operator(name: str = "") -> Principal:
    """A principal with an operator session; `name` is the Unix user, where known."""
    return Principal(PrincipalKind.OPERATOR, name=name)


def peer(name: str = "") -> Principal:
    """A process on the control socket that has proved no key slot."""
    return Principal(PrincipalKind.PEER, name=name)


# The lowest vault role that suffices. Whatever is missing here is no matter of one vault.
_VAULT_ROLE: Mapping[Permission, VaultRole] = {
    Permission.DISCOVER: VaultRole.PROXY,
    Permission.LIST_CREDENTIALS: VaultRole.PROXY,
    Permission.CREATE_PROPOSALS: VaultRole.PROXY,
    Permission.READ_PROPOSALS: VaultRole.PROXY,
    Permission.REVIEW_PROPOSALS: VaultRole.MEMBER,
    Permission.DECIDE_PROPOSALS: VaultRole.MEMBER,
    Permission.REVEAL_CREDENTIALS: VaultRole.MEMBER,
    Permission.CHANGE_CREDENTIALS: VaultRole.MEMBER,
    Permission.READ_ACCOUNTS: VaultRole.MEMBER,
    Permission.CHANGE_ACCOUNTS: VaultRole.MEMBER,
    Permission.READ_SERVICES: VaultRole.MEMBER,
    Permission.CHANGE_SERVICES: VaultRole.MEMBER,
    Permission.READ_LOGS: VaultRole.MEMBER,
    Permission.READ_SESSIONS: VaultRole.MEMBER,
    Permission.CHANGE_SESSIONS: VaultRole.MEMBER,
    Permission.READ_VAULT: VaultRole.MEMBER,
    Permission.READ_EVENTS: VaultRole.MEMBER,
    Permission.READ_HOLDS: VaultRole.MEMBER,
    Permission.DECIDE_HOLDS: VaultRole.MEMBER,
    Permission.CHANGE_VAULT: VaultRole.ADMIN,
    Permission.CHANGE_CLAUDE_SETTINGS: VaultRole.ADMIN,
    Permission.READ_AUDIT: VaultRole.ADMIN,
}

# The lowest instance role that suffices; None: no agent's token does, only an operator.
_INSTANCE_ROLE: Mapping[Permission, InstanceRole | None] = {
    Permission.LIST_VAULTS: InstanceRole.NO_ACCESS,
    Permission.CREATE_VAULT: InstanceRole.MEMBER,
    Permission.READ_METRICS: InstanceRole.OWNER,
    Permission.READ_AGENTS: InstanceRole.OWNER,
    Permission.CHANGE_AGENTS: InstanceRole.OWNER,
    Permission.READ_DEVICES: InstanceRole.OWNER,
    Permission.DECIDE_DEVICES: InstanceRole.OWNER,
    Permission.READ_USERS: InstanceRole.MEMBER,
    Permission.CHANGE_USERS: None,
    Permission.READ_SETTINGS: InstanceRole.OWNER,
    Permission.CHANGE_SETTINGS: InstanceRole.OWNER,
    Permission.READ_WHOLE_AUDIT: InstanceRole.OWNER,
    Permission.READ_WEBHOOKS: InstanceRole.OWNER,
    Permission.CHANGE_WEBHOOKS: None,
    Permission.RUN_COMMANDS: None,
    Permission.CHANGE_SOURCES: None,
    Permission.READ_ISSUERS: InstanceRole.OWNER,
    Permission.CHANGE_ISSUERS: None,
    Permission.READ_SLOTS: None,
    Permission.CHANGE_SLOTS: None,
    Permission.SEAL: None,
    Permission.CREATE_BACKUPS: None,
}

# No secret is in it, so an instance's owner of any kind has it for every vault.
_OWNERS_TOO = frozenset({Permission.READ_EVENTS, Permission.READ_HOLDS, Permission.READ_AUDIT})

# An agent must not let its own requests pass, nor look for people to be, nor give the machines of
# people settings, which may name programs to be run: only people do this.
_PEOPLE_ONLY = frozenset(
    {
        Permission.DECIDE_HOLDS,
        Permission.DECIDE_DEVICES,
        Permission.CHANGE_CLAUDE_SETTINGS,
        Permission.READ_USERS,
    }
)

# A stolen session shall not show secrets, make users of its own or take the vault away.
_NEEDS_PROOF = frozenset(
    {
        Permission.REVEAL_CREDENTIALS,
        Permission.CHANGE_USERS,
        Permission.CHANGE_ISSUERS,
        Permission.CHANGE_SLOTS,
        Permission.RUN_COMMANDS,
        Permission.SEAL,
        Permission.CREATE_BACKUPS,
    }
)

_PEER_MAY = frozenset(
    {
        Permission.DISCOVER,
        Permission.LIST_CREDENTIALS,
        Permission.READ_ACCOUNTS,
        Permission.READ_SERVICES,
        Permission.READ_LOGS,
        Permission.READ_SESSIONS,
        Permission.READ_VAULT,
        Permission.LIST_VAULTS,
        Permission.READ_AGENTS,
        Permission.READ_DEVICES,
        Permission.READ_USERS,
        Permission.READ_SETTINGS,
        Permission.READ_METRICS,
        Permission.READ_EVENTS,
        Permission.READ_HOLDS,
        Permission.READ_PROPOSALS,
        Permission.REVIEW_PROPOSALS,
        Permission.READ_SLOTS,
    }
)


def is_operators_alone(permission: Permission) -> bool:
    """Whether a process on the control socket needs an operator session for it."""
    return permission not in _PEER_MAY


def authorize(principal: Principal, permission: Permission, vault: str | None = None) -> None:
    """Return when allowed. `vault` is a name and must be given for what concerns one vault.

    Raises VaultError: operator_required (a peer), vault_forbidden (no grant), role_forbidden,
    reauth_required (a user who may, but has not proved the password for a while), and in its place
    issuer_proof_required for a JWT's.
    """
    if not _has_all(principal, permission):
        if permission in _VAULT_ROLE:
            _check_vault_role(principal, permission, vault)
        else:
            _check_instance_role(principal, permission)
    _check_proof(principal, permission)


def allowed_vaults(principal: Principal, permission: Permission) -> frozenset[str] | None:
    """The vaults, by name, in which a permission of vaults is held; None: in every one.

    Raises VaultError: as `authorize`, when it is held in none.
    """
    if _has_all(principal, permission):
        return None
    needed = _VAULT_ROLE[permission]
    held = [name for name, role in principal.vaults.items() if role.at_least(needed)]
    if not held:
        raise _role_needed(permission, f"the vault role {needed.value} is needed")
    _check_person(principal, permission)
    return frozenset(held)


def _has_all(principal: Principal, permission: Permission) -> bool:
    """Whether no role has to be looked at. Raises VaultError: operator_required."""
    if principal.kind is PrincipalKind.PEER:
        if is_operators_alone(permission):
            raise VaultError("operator_required", f"To {permission.value}, unlock this terminal.")
        return True
    is_owner = principal.instance_role is InstanceRole.OWNER
    return principal.is_operator or (is_owner and permission in _OWNERS_TOO)


def _check_vault_role(principal: Principal, permission: Permission, vault: str | None) -> None:
    held = principal.vaults.get(vault or "")
    if held is None:
        raise VaultError("vault_forbidden")
    needed = _VAULT_ROLE[permission]
    if not held.at_least(needed):
        raise _role_needed(permission, f"the vault role {needed.value} is needed")
    _check_person(principal, permission)


def _check_instance_role(principal: Principal, permission: Permission) -> None:
    needed = _INSTANCE_ROLE[permission]
    if needed is None:
        raise VaultError("role_forbidden", f"To {permission.value} takes an operator.")
    if not principal.instance_role.at_least(needed):
        raise _role_needed(permission, f"the instance role {needed.value} is needed")
    _check_person(principal, permission)


def _check_person(principal: Principal, permission: Permission) -> None:
    if permission in _PEOPLE_ONLY and principal.is_token:
        raise VaultError("role_forbidden", f"To {permission.value} takes a person.")


def _check_proof(principal: Principal, permission: Permission) -> None:
    if principal.kind is not PrincipalKind.USER or permission not in _NEEDS_PROOF:
        return
    if principal.proved:
        return
    if principal.issuer:
        why = f"To {permission.value}, sign in at the issuer {principal.issuer} again."
        raise VaultError("issuer_proof_required", why)
    raise VaultError("reauth_required", f"To {permission.value}, prove your password again.")


def _role_needed(permission: Permission, what: str) -> VaultError:
    return VaultError("role_forbidden", f"To {permission.value}, {what}.")
