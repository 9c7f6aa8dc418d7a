"""Invites: made by operators, accepted by whoever has the token.

A token may also stand in the path, where clients of the public protocol put it. Then it may be in
the logs of whatever stands between, which matters little: it is good once, and for two days.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.principal import Permission
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import anyone, change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

_CHANGE = needs(Permission.CHANGE_USERS)
_ALL = "/v1/users/invites"
_ONE = f"{_ALL}/{{invite:str}}"
_ACCEPT_FAILS = change_fails(401, 404, 409)


@get(_ALL, opt=_CHANGE, responses=fails(401, 503))
async def list_invites(app: UseApp) -> wire.InviteList:
    """The invites that wait."""
    return await app.users.invites.list()


@post(_ALL, opt=_CHANGE, responses=change_fails(401, 404, 409))
async def create_invite(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.CreateInvite]
) -> wire.InviteCreated:
    """Invite somebody; the token is shown this once."""
    return await app.users.invites.create(data, caller.known())


@delete(_ONE, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def revoke_invite(app: UseApp, caller: UseCaller, invite: FromPath[str]) -> wire.Done:
    """Take an invite back, named by its id or its token."""
    return await app.users.invites.revoke(invite, caller.known())


@post(f"{_ONE}/reinvite", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def renew_invite(app: UseApp, caller: UseCaller, invite: FromPath[str]) -> wire.InviteCreated:
    """Give an invite, named by its id or its token, another token and its time anew."""
    return await app.users.invites.renew(invite, caller.known())


@get(f"{_ONE}/details", opt=anyone(), responses=fails(401, 404, 503))
async def invite_details(
    app: UseApp, caller: UseCaller, invite: FromPath[str]
) -> wire.InviteDetails:
    """What whoever has this token would become."""
    with _counted(app, caller):
        return await app.users.invites.details(invite)


@post(f"{_ONE}/accept", status_code=200, opt=anyone(), responses=_ACCEPT_FAILS)
async def accept_named_invite(
    app: UseApp, caller: UseCaller, invite: FromPath[str], data: JSONBody[wire.AcceptNamedInvite]
) -> wire.InviteAccepted:
    """Become a user by the invite's token in the path."""
    accepted = wire.AcceptInvite(token=invite, password=data.password, email=data.email)
    with _counted(app, caller):
        return await app.users.invites.accept(accepted)


@post("/v1/auth/accept-invite", status_code=201, opt=anyone(), responses=_ACCEPT_FAILS)
async def accept_invite(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.AcceptInvite]
) -> wire.InviteAccepted:
    """Become a user by an invite's token."""
    with _counted(app, caller):
        return await app.users.invites.accept(data)


@contextmanager
def _counted(app: Application, caller: Caller) -> Iterator[None]:
    """Count a token that is none to the client's address, as any wrong token is."""
    try:
        yield
    except VaultError as error:
        if error.code == "not_found":
            app.auth_failures.failed(caller.address)
        raise


HANDLERS = (
    list_invites,
    create_invite,
    revoke_invite,
    renew_invite,
    invite_details,
    accept_named_invite,
    accept_invite,
)
