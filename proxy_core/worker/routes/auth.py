"""Signing in over the network, and the sessions of those who did."""

from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission, PrincipalKind
from proxy_core.worker.guard import anyone, change_fails, fails
from proxy_core.worker.uses import UseApp, UseCaller

_DEVICE = Annotated[str | None, HeaderParameter(name="User-Agent", required=False)]


@post("/v1/auth/login", status_code=200, opt=anyone(), responses=change_fails(401, 429))
async def login(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.Login], user_agent: _DEVICE = None
) -> wire.LoggedIn:
    """Sign in; the token is shown this once. Whatever is wrong, the answer is the same."""
    label = data.device_label or user_agent or ""
    return await app.users.login(data.email, data.password, caller.address, label)


@post("/v1/auth/logout", status_code=200, responses=change_fails(401))
async def logout(app: UseApp, caller: UseCaller) -> wire.Done:
    """End the session that asks."""
    return await app.users.sessions.logout(caller.known())


@post("/v1/auth/reauth", status_code=200, responses=change_fails(401, 429))
async def reauth(app: UseApp, caller: UseCaller, data: JSONBody[wire.Reauth]) -> wire.Reauthed:
    """Prove the password again: what reveals and what rules asks for a recent proof."""
    return await app.users.signing_in.reauth(data.password, caller.known(), caller.address)


@post("/v1/auth/change-password", status_code=200, responses=change_fails(401, 429))
async def change_password(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.ChangePassword], user_agent: _DEVICE = None
) -> wire.LoggedIn:
    """Every session of the user ends; go on with the one that is answered."""
    by = caller.known()
    return await app.users.signing_in.change_password(data, by, caller.address, user_agent or "")


@get("/v1/auth/me", responses=fails(401))
async def me(app: UseApp, caller: UseCaller) -> wire.Me:
    """Who the caller is, and what it may do."""
    by = caller.known()
    vaults = [
        wire.UserVault(vault_name=name, vault_role=role.value)
        for name, role in sorted(by.vaults.items())
    ]
    is_user = by.kind is PrincipalKind.USER
    return wire.Me(
        type=by.kind.value,
        role=by.instance_role.value,
        is_owner=by.is_operator,
        vaults=vaults,
        email=by.name if is_user else "",
        agent_name=by.name if by.kind is PrincipalKind.AGENT else "",
        has_password=is_user,
        proved_until=app.identity.proved_until(by),
        issuer=by.issuer,
    )


@get("/v1/auth/sessions", responses=fails(401, 404))
async def list_sessions(
    app: UseApp, caller: UseCaller, email: FromQuery[str] = ""
) -> wire.UserSessionList:
    """One's own live sessions; an owner may name another user, and an operator sees all."""
    return app.users.sessions.list(caller.person(Permission.CHANGE_USERS), email)


@delete("/v1/auth/sessions/{session_id:str}", status_code=200, responses=change_fails(401, 404))
async def revoke_session(app: UseApp, caller: UseCaller, session_id: FromPath[str]) -> wire.Done:
    """End one of one's own sessions; an owner may end anybody's."""
    return await app.users.sessions.revoke(session_id, caller.person(Permission.CHANGE_USERS))


HANDLERS = (
    login,
    logout,
    reauth,
    change_password,
    me,
    list_sessions,
    revoke_session,
)
