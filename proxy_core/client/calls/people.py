"""Users: signing in, sessions, roles and invites."""

from collections.abc import Sequence

from proxy_core.client.calls.call import Call, given, in_vault, segment
from proxy_core.domain import wire


def login(email: str, password: str) -> Call[wire.LoggedIn]:
    """Sign in over the network; the token is in the answer and never again."""
    body = wire.Login(email=email, password=password)
    return Call("POST", "/v1/auth/login", wire.LoggedIn, body=body)


def logout() -> Call[wire.Done]:
    """End the session that asks."""
    return Call("POST", "/v1/auth/logout", wire.Done)


def reauth(password: str) -> Call[wire.Reauthed]:
    """Prove the signed-in user's password again."""
    return Call("POST", "/v1/auth/reauth", wire.Reauthed, body=wire.Reauth(password=password))


def change_password(current: str, new: str) -> Call[wire.LoggedIn]:
    """Change the password; every session ends, and the answer is a new one."""
    body = wire.ChangePassword(current_password=current, new_password=new)
    return Call("POST", "/v1/auth/change-password", wire.LoggedIn, body=body)


def me() -> Call[wire.Me]:
    """Who the caller is."""
    return Call("GET", "/v1/auth/me", wire.Me)


def user_sessions(email: str = "") -> Call[wire.UserSessionList]:
    """Live sessions: one's own, a user's, or for an operator everybody's."""
    return Call("GET", "/v1/auth/sessions", wire.UserSessionList, given(email=email))


def revoke_user_session(session_id: str) -> Call[wire.Done]:
    """End a session."""
    return Call("DELETE", f"/v1/auth/sessions/{segment(session_id)}", wire.Done)


def users() -> Call[wire.UserList]:
    """Every user."""
    return Call("GET", "/v1/users", wire.UserList)


def create_user(
    email: str, password: str, role: str = "member", vaults: Sequence[wire.UserVault] = ()
) -> Call[wire.UserInfo]:
    """Make a user with a password."""
    body = wire.CreateUser(email=email, password=password, role=role, vaults=list(vaults))
    return Call("POST", "/v1/users", wire.UserInfo, body=body)


def user(email: str) -> Call[wire.UserInfo]:
    """One user; `me` is the caller."""
    return Call("GET", f"/v1/users/{segment(email)}", wire.UserInfo)


def remove_user(email: str) -> Call[wire.UserRemoved]:
    """Remove a user, with every session at once."""
    return Call("DELETE", f"/v1/users/{segment(email)}", wire.UserRemoved)


def change_user_role(email: str, role: str) -> Call[wire.UserRole]:
    """Change a user's instance role."""
    path = f"/v1/users/{segment(email)}/role"
    return Call("POST", path, wire.UserRole, body=wire.RoleChange(role=role))


def invites() -> Call[wire.InviteList]:
    """The invites that wait."""
    return Call("GET", "/v1/users/invites", wire.InviteList)


def create_invite(
    email: str = "",
    role: str = "member",
    vaults: Sequence[wire.UserVault] = (),
    ttl_seconds: int = 172_800,
) -> Call[wire.InviteCreated]:
    """Invite somebody; the token is in the answer and never again."""
    body = wire.CreateInvite(email=email, role=role, vaults=list(vaults), ttl_seconds=ttl_seconds)
    return Call("POST", "/v1/users/invites", wire.InviteCreated, body=body)


def revoke_invite(invite_id: str) -> Call[wire.Done]:
    """Take an invite back."""
    return Call("DELETE", f"/v1/users/invites/{segment(invite_id)}", wire.Done)


def accept_invite(token: str, password: str, email: str = "") -> Call[wire.InviteAccepted]:
    """Become a user by an invite's token."""
    body = wire.AcceptInvite(token=token, password=password, email=email)
    return Call("POST", "/v1/auth/accept-invite", wire.InviteAccepted, body=body)


def vault_users(vault: str) -> Call[wire.VaultUserList]:
    """The users of a vault, and those who are invited to it."""
    return Call("GET", in_vault(vault, "/users"), wire.VaultUserList)


def add_vault_user(vault: str, email: str, role: str = "member") -> Call[wire.UserRole]:
    """Let a user use a vault, or change the role there."""
    body = wire.AddVaultUser(email=email, role=role)
    return Call("POST", in_vault(vault, "/users"), wire.UserRole, body=body)


def change_vault_user(vault: str, email: str, role: str) -> Call[wire.UserRole]:
    """Change a user's role in a vault."""
    path = in_vault(vault, f"/users/{segment(email)}/role")
    return Call("POST", path, wire.UserRole, body=wire.RoleChange(role=role))


def remove_vault_user(vault: str, email: str) -> Call[wire.UserRemoved]:
    """Take a vault from a user."""
    return Call("DELETE", in_vault(vault, f"/users/{segment(email)}"), wire.UserRemoved)
