"""Agents: named tokens."""

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _CHANGE = needs(Permission.READ_AGENTS), needs(Permission.CHANGE_AGENTS)


@post("/v1/agents", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def create_agent(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.CreateAgent]
) -> wire.AgentCreated:
    """Create an agent; its token is shown this once."""
    return await app.agents.create(data, caller.known())


@get("/v1/agents", opt=_READ, responses=fails(401, 503))
async def list_agents(app: UseApp) -> wire.AgentList:
    """Every agent."""
    return await app.agents.list()


@get("/v1/agents/{name:str}", opt=_READ, responses=fails(401, 404, 503))
async def get_agent(app: UseApp, name: FromPath[str]) -> wire.AgentInfo:
    """One agent."""
    return await app.agents.get(name)


@delete("/v1/agents/{name:str}", status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def delete_agent(app: UseApp, caller: UseCaller, name: FromPath[str]) -> wire.Deleted:
    """Delete an agent; its connections end at once."""
    return await app.agents.delete(name, caller.known())


@post(
    "/v1/agents/{name:str}/rotate",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404),
)
async def rotate_agent(
    app: UseApp,
    caller: UseCaller,
    name: FromPath[str],
    data: JSONBody[wire.RotateAgent | None] = None,
) -> wire.AgentCreated:
    """A new token; the old one ends at once. The expiry stays unless the body gives a new one."""
    ttl_seconds = None if data is None else data.ttl_seconds
    return await app.agents.rotate(name, caller.known(), ttl_seconds)


@post(
    "/v1/agents/{name:str}/rename",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def rename_agent(
    app: UseApp, caller: UseCaller, name: FromPath[str], data: JSONBody[wire.Rename]
) -> wire.AgentInfo:
    """Rename an agent; its token stays."""
    return await app.agents.rename(name, data, caller.known())


@post(
    "/v1/agents/{name:str}/role",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404),
)
async def change_agent_role(
    app: UseApp, caller: UseCaller, name: FromPath[str], data: JSONBody[wire.AgentRole]
) -> wire.AgentRoleChanged:
    """Change the instance role."""
    return await app.agents.change_role(name, data.role, caller.known())


@post(
    "/v1/agents/{name:str}/account",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def pin_agent(
    app: UseApp, caller: UseCaller, name: FromPath[str], data: JSONBody[wire.AgentAccount]
) -> wire.AgentInfo:
    """Let an agent use one account alone, or any again."""
    pin = wire.PinAccount(vault=data.vault, agent=name)
    if data.account:
        await app.accounts.admin.pin(data.account, pin, caller.known())
    else:
        await app.accounts.admin.unpin(pin, caller.known())
    return await app.agents.get(name)


HANDLERS = (
    create_agent,
    list_agents,
    get_agent,
    delete_agent,
    rotate_agent,
    rename_agent,
    change_agent_role,
    pin_agent,
)
