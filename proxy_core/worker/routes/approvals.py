"""Held requests, and what operators allowed for a while."""

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _DECIDE = needs(Permission.READ_HOLDS), needs(Permission.DECIDE_HOLDS)


@get("/v1/holds", opt=_READ, responses=fails(401))
async def list_holds(app: UseApp) -> wire.HoldList:
    """The requests that wait for an operator, oldest first."""
    return app.holds.list()


@get("/v1/holds/{hold_id:str}", opt=_READ, responses=fails(401, 404))
async def get_hold(app: UseApp, hold_id: FromPath[str]) -> wire.Hold:
    """One held request."""
    return app.approvals.get(hold_id)


@post(
    "/v1/holds/{hold_id:str}/approve",
    status_code=200,
    opt=_DECIDE,
    responses=change_fails(401, 404, 409),
)
async def approve_hold(
    app: UseApp,
    caller: UseCaller,
    hold_id: FromPath[str],
    data: JSONBody[wire.ApproveHold | None] = None,
) -> wire.HoldResolved:
    """Let a held request go on, and others like it for as long as the body says."""
    return await app.approvals.approve(hold_id, data or wire.ApproveHold(), caller.known())


@post(
    "/v1/holds/{hold_id:str}/deny",
    status_code=200,
    opt=_DECIDE,
    responses=change_fails(401, 404, 409),
)
async def deny_hold(
    app: UseApp,
    caller: UseCaller,
    hold_id: FromPath[str],
    data: JSONBody[wire.DenyHold | None] = None,
) -> wire.HoldResolved:
    """Refuse a held request; with `always`, a rule refuses those like it from now on."""
    return await app.approvals.deny(hold_id, data or wire.DenyHold(), caller.known())


@get("/v1/grants", opt=_READ, responses=fails(401))
async def list_grants(app: UseApp) -> wire.GrantList:
    """What operators allowed for a while and is in force."""
    return app.grants.list()


@delete("/v1/grants/{grant_id:str}", status_code=200, opt=_DECIDE, responses=change_fails(401, 404))
async def revoke_grant(app: UseApp, caller: UseCaller, grant_id: FromPath[str]) -> wire.Deleted:
    """End a grant: the next request that it covered is asked about again."""
    return await app.grants.revoke(grant_id, caller.known())


HANDLERS = (list_holds, get_hold, approve_hold, deny_hold, list_grants, revoke_grant)
