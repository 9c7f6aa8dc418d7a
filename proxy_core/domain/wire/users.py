"""Users of the network: signing in, sessions, roles, invites. `email` may be a login name."""

import msgspec

from proxy_core.domain.wire.base import Request, Response


class Login(Request):
    """`POST /v1/auth/login`. `device_label`: what the list of sessions calls the device; without
    one, what the client calls itself.
    """

    email: str
    password: str
    device_label: str = ""


class LoggedIn(Response):
    """Also the answer of a changed password. The token is shown this once."""

    token: str
    expires_at: str


class Reauth(Request):
    """`POST /v1/auth/reauth`: the signed-in user's password once more."""

    password: str


class Reauthed(Response):
    """Until then the session may do what takes a recent proof of the password."""

    proved_until: str


class ChangePassword(Request):
    """`POST /v1/auth/change-password`."""

    current_password: str
    new_password: str


class Done(Response):
    """Answer of what has nothing else to say: `ok`, `revoked`, `removed`."""

    status: str = "ok"


class UserVault(Request):
    """A user may use this vault with this role (proxy, member, admin)."""

    vault_name: str
    vault_role: str = "member"


class Me(Response):
    """`GET /v1/auth/me`: who the token is. `type`: user, agent, session, operator or peer."""

    type: str
    role: str
    is_owner: bool
    vaults: list[UserVault]
    email: str = ""
    agent_name: str = ""
    has_password: bool = False
    proved_until: str = ""
    """Until when a user's proof of the password counts, or the sign-in at the issuer; empty when it
    does no more."""
    issuer: str = ""
    """The trusted issuer by whose JWT the caller is known."""


class UserSessionInfo(Response):
    """One signed-in session. `current`: the one that asks."""

    id: str
    email: str
    device_label: str
    last_ip: str
    created_at: str
    last_used_at: str
    expires_at: str
    current: bool


class UserSessionList(Response):
    """`GET /v1/auth/sessions`."""

    sessions: list[UserSessionInfo]


class CreateUser(Request):
    """`POST /v1/users`."""

    email: str
    password: str
    role: str = "member"
    vaults: list[UserVault] = msgspec.field(default_factory=list)


class UserInfo(Response):
    """One user. `vaults` is empty for those who may not see it."""

    email: str
    role: str
    vaults: list[UserVault]
    created_at: str


class UserList(Response):
    """`GET /v1/users`."""

    users: list[UserInfo]


class UserRemoved(Response):
    """Answer of a removal."""

    email: str
    status: str = "removed"


class RoleChange(Request):
    """`POST …/role`."""

    role: str


class UserRole(Response):
    """A user's role, of the instance or of a vault."""

    email: str
    role: str


class CreateInvite(Request):
    """`POST /v1/users/invites`. No `email`: whoever accepts it chooses the name."""

    email: str = ""
    role: str = "member"
    vaults: list[UserVault] = msgspec.field(default_factory=list)
    ttl_seconds: int = 172_800


class InviteCreated(Response):
    """The token is shown this once. `email_sent`: this worker sends no mail."""

    id: str
    token: str
    email: str
    role: str
    vaults: list[UserVault]
    expires_at: str
    email_sent: bool = False


class InviteInfo(Response):
    """An invite that waits."""

    id: str
    email: str
    role: str
    vaults: list[UserVault]
    created_by: str
    created_at: str
    expires_at: str
    status: str = "pending"


class InviteList(Response):
    """`GET /v1/users/invites`."""

    invites: list[InviteInfo]


class AcceptInvite(Request):
    """`POST /v1/auth/accept-invite`. `email` may be left out when the invite names it."""

    token: str
    password: str
    email: str = ""


class AcceptNamedInvite(Request):
    """`POST /v1/users/invites/{token}/accept`: as `AcceptInvite`."""

    password: str
    email: str = ""


class InviteDetails(Response):
    """`GET /v1/users/invites/{token}/details`: what accepting it makes of somebody.

    `needs_account`: false where a user of that name has been made since.
    """

    email: str
    role: str
    vaults: list[UserVault]
    needs_account: bool


class InviteAccepted(Response):
    """The new user, who may sign in now."""

    email: str
    message: str


class AddVaultUser(Request):
    """`POST /v1/vaults/{v}/users`: let a user use the vault, or change the role there."""

    email: str
    role: str = "member"


class VaultUser(Response):
    """A user of a vault; `status` is `pending` for one who was invited."""

    email: str
    role: str
    status: str = "active"


class VaultUserList(Response):
    """`GET /v1/vaults/{v}/users`."""

    users: list[VaultUser]
