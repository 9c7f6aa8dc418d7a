"""Trusted issuers: whose JWTs count where an agent's token does."""

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _CHANGE = needs(Permission.READ_ISSUERS), needs(Permission.CHANGE_ISSUERS)
_ONE = "/v1/issuers/{name:str}"


@get("/v1/issuers", opt=_READ, responses=fails(401))
async def list_issuers(app: UseApp) -> wire.IssuerList:
    """The trusted issuers by name, with their rules and what is known of their keys."""
    return app.issuers.list()


@post("/v1/issuers", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def add_issuer(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.AddIssuer]
) -> wire.IssuerInfo:
    """Trust an issuer. Nothing is asked of it yet."""
    return await app.issuers.add(data, caller.known())


@put(_ONE, opt=_CHANGE, responses=change_fails(401, 404, 409))
async def replace_issuer(
    app: UseApp, caller: UseCaller, name: FromPath[str], data: JSONBody[wire.ReplaceIssuer]
) -> wire.IssuerInfo:
    """Trust it with something else. Its tokens' connections end, and are looked at anew."""
    return await app.issuers.replace(name, data, caller.known())


@action(f"{_ONE}/test", _CHANGE, 401, 404)
async def test_issuer(
    app: UseApp, name: FromPath[str], data: JSONBody[wire.TryIssuer]
) -> wire.IssuerTested:
    """Fetch its keys now, and say whom a token would stand for, or why nobody."""
    return await app.issuers.test(name, data.token)


@delete(_ONE, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def remove_issuer(app: UseApp, caller: UseCaller, name: FromPath[str]) -> wire.Deleted:
    """Trust it no more. Its tokens' connections end at once."""
    return await app.issuers.remove(name, caller.known())


HANDLERS = (list_issuers, add_issuer, replace_issuer, test_issuer, remove_issuer)
