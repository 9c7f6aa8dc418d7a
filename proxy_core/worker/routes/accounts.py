"""Accounts: logins at providers, their quota, and who is pinned to one."""

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_READ = needs(Permission.READ_ACCOUNTS, "query")
_CHANGE = needs(Permission.CHANGE_ACCOUNTS, "query")
_CHANGE_BODY = needs(Permission.CHANGE_ACCOUNTS, "body")
_PIN = needs(Permission.CHANGE_AGENTS)


@get("/v1/accounts", opt=_READ, responses=fails(401, 404, 503))
async def list_accounts(
    app: UseApp,
    vault: FromQuery[str] = DEFAULT_VAULT,
    provider: FromQuery[str] = "",
    removed: FromQuery[bool] = False,
) -> wire.AccountList:
    """A vault's accounts with their quota; with `removed` those that can be brought back."""
    return app.accounts.admin.list(vault, provider, removed=removed)


@post("/v1/accounts", opt=_CHANGE_BODY, responses=change_fails(401, 404, 409, 502))
async def add_account(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.AddAccount]
) -> wire.AccountAdded:
    """Add an account from its tokens; a refresh token is proven by using it at once."""
    by = caller.authorize(Permission.CHANGE_ACCOUNTS, data.vault)
    return await app.accounts.adding.paste(data, by)


@get("/v1/accounts/{name:str}", opt=_READ, responses=fails(401, 404, 409, 503))
async def get_account(
    app: UseApp, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """One account, by id, e-mail, nickname or a prefix that only one has."""
    return app.accounts.admin.get(vault, name)


@patch("/v1/accounts/{name:str}", opt=_CHANGE_BODY, responses=change_fails(401, 404, 409))
async def change_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], data: JSONBody[wire.ChangeAccount]
) -> wire.AccountInfo:
    """Nickname, priority, tier."""
    by = caller.authorize(Permission.CHANGE_ACCOUNTS, data.vault)
    return await app.accounts.admin.change(name, data, by)


@delete(
    "/v1/accounts/{name:str}",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def remove_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountRemoved:
    """It serves no more; for 30 days it can be brought back."""
    return await app.accounts.admin.remove(vault, name, caller.known())


@action("/v1/accounts/{name:str}/restore", _CHANGE, 401, 404, 409)
async def restore_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """Bring back what was removed."""
    return await app.accounts.admin.restore(vault, name, caller.known())


@action("/v1/accounts/{name:str}/use", _CHANGE, 401, 404, 409)
async def use_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """Let it be its provider's default."""
    return await app.accounts.admin.use(vault, name, caller.known())


@action("/v1/accounts/{name:str}/pause", _CHANGE, 401, 404, 409)
async def pause_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """Take it for no more requests; its tokens are refreshed all the same."""
    return await app.accounts.admin.pause(vault, name, caller.known())


@action("/v1/accounts/{name:str}/resume", _CHANGE, 401, 404, 409)
async def resume_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """Take it for requests again."""
    return await app.accounts.admin.resume(vault, name, caller.known())


@action("/v1/accounts/{name:str}/refresh", _CHANGE, 401, 404, 409, 502)
async def refresh_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """Refresh its tokens now."""
    return await app.accounts.admin.refresh(vault, name, caller.known())


@action("/v1/accounts/{name:str}/quota", _CHANGE, 401, 404, 409)
async def ask_quota(
    app: UseApp, name: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.AccountInfo:
    """Ask the provider for its quota now; `quota_error` says what went wrong."""
    return await app.accounts.admin.ask_quota(vault, name)


@action("/v1/accounts/{name:str}/pin", _PIN, 401, 404, 409)
async def pin_account(
    app: UseApp, caller: UseCaller, name: FromPath[str], data: JSONBody[wire.PinAccount]
) -> wire.Pinned:
    """Let an agent or a session use this account alone."""
    return await app.accounts.admin.pin(name, data, caller.known())


@action("/v1/accounts/unpin", _PIN, 401, 404)
async def unpin_account(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.PinAccount]
) -> wire.Pinned:
    """Let an agent or a session use any account again."""
    return await app.accounts.admin.unpin(data, caller.known())


HANDLERS = (
    list_accounts,
    add_account,
    get_account,
    change_account,
    remove_account,
    restore_account,
    use_account,
    pause_account,
    resume_account,
    refresh_account,
    ask_quota,
    pin_account,
    unpin_account,
)
