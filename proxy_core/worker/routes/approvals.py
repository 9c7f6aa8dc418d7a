"""Held requests, and what operators allowed for a while."""

from litestar import delete, get
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _DECIDE = needs(Permission.READ_HOLDS, "any"), needs(Permission.DECIDE_HOLDS, "any")


@get("/v1/holds", opt=_READ, responses=fails(401))
async def list_holds(app: UseApp, caller: UseCaller) -> wire.HoldList:
    """The requests that wait for an operator, oldest first; of the vaults that one may see."""
    vaults = caller.allowed_vaults(Permission.READ_HOLDS)
    found = app.holds.list().holds
    return wire.HoldList(holds=[one for one in found if vaults is None or one.vault in vaults])


@get("/v1/holds/{hold_id:str}", opt=_READ, responses=fails(401, 404))
async def get_hold(app: UseApp, caller: UseCaller, hold_id: FromPath[str]) -> wire.Hold:
    """One held request."""
    found = app.approvals.get(hold_id)
    caller.authorize(Permission.READ_HOLDS, found.vault)
    return found


@action("/v1/holds/{hold_id:str}/approve", _DECIDE, 401, 404, 409)
async def approve_hold(
    app: UseApp,
    caller: UseCaller,
    hold_id: FromPath[str],
    data: JSONBody[wire.ApproveHold | None] = None,
) -> wire.HoldResolved:
    """Let a held request go on, and others like it for as long as the body says."""
    by = caller.authorize(Permission.DECIDE_HOLDS, app.approvals.get(hold_id).vault)
    return await app.approvals.approve(hold_id, data or wire.ApproveHold(), by)


@action("/v1/holds/{hold_id:str}/deny", _DECIDE, 401, 404, 409)
async def deny_hold(
    app: UseApp,
    caller: UseCaller,
    hold_id: FromPath[str],
    data: JSONBody[wire.DenyHold | None] = None,
) -> wire.HoldResolved:
    """Refuse a held request; with `always`, a rule refuses those like it from now on."""
    by = caller.authorize(Permission.DECIDE_HOLDS, app.approvals.get(hold_id).vault)
    return await app.approvals.deny(hold_id, data or wire.DenyHold(), by)


@get("/v1/grants", opt=_READ, responses=fails(401))
async def list_grants(app: UseApp, caller: UseCaller) -> wire.GrantList:
    """What operators allowed for a while and is in force; of the vaults that one may see."""
    vaults = caller.allowed_vaults(Permission.READ_HOLDS)
    found = app.grants.list().grants
    return wire.GrantList(grants=[one for one in found if vaults is None or one.vault in vaults])


@delete("/v1/grants/{grant_id:str}", status_code=200, opt=_DECIDE, responses=change_fails(401, 404))
async def revoke_grant(app: UseApp, caller: UseCaller, grant_id: FromPath[str]) -> wire.Deleted:
    """End a grant: the next request that it covered is asked about again."""
    by = caller.authorize(Permission.DECIDE_HOLDS, app.grants.get(grant_id).vault)
    return await app.grants.revoke(grant_id, by)


HANDLERS = (list_holds, get_hold, approve_hold, deny_hold, list_grants, revoke_grant)
