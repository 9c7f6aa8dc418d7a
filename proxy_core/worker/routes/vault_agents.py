"""The agents that may use a vault: a vault's admin manages them, its members see them."""

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

_CHANGE = needs(Permission.CHANGE_VAULT, "path")
_ONE = "/v1/vaults/{vault:str}/agents/{agent:str}"


@get(
    "/v1/vaults/{vault:str}/agents",
    opt=needs(Permission.READ_VAULT, "path"),
    responses=fails(401, 404),
)
async def list_vault_agents(app: UseApp, vault: FromPath[str]) -> wire.VaultAgentList:
    """The agents that may use the vault, and which of its services."""
    return app.agent_grants.list(vault)


@post("/v1/vaults/{vault:str}/agents", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def add_vault_agent(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.AddVaultAgent]
) -> wire.VaultAgentChanged:
    """Let an agent use the vault, or some of its services."""
    return await app.agent_grants.add(vault, data, caller.known())


@delete(_ONE, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def remove_vault_agent(
    app: UseApp, caller: UseCaller, vault: FromPath[str], agent: FromPath[str]
) -> wire.VaultAgentRemoved:
    """Take the vault from an agent; its connections end at once."""
    return await app.agent_grants.remove(vault, agent, caller.known())


@post(f"{_ONE}/role", status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def change_vault_agent(
    app: UseApp,
    caller: UseCaller,
    vault: FromPath[str],
    agent: FromPath[str],
    data: JSONBody[wire.ChangeVaultAgent],
) -> wire.VaultAgentChanged:
    """Change role and services; what is left out stays."""
    return await app.agent_grants.change(vault, agent, data, caller.known())


HANDLERS = (list_vault_agents, add_vault_agent, remove_vault_agent, change_vault_agent)
