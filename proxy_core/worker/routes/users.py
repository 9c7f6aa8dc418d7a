"""Users and their roles."""

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _CHANGE = needs(Permission.READ_USERS), needs(Permission.CHANGE_USERS)
_READ_VAULT = needs(Permission.READ_VAULT, "path")
_CHANGE_VAULT = needs(Permission.CHANGE_VAULT, "path")
_ONE = "/v1/users/{email:str}"
_OF_VAULT = "/v1/vaults/{vault:str}/users"


@get("/v1/users", opt=_READ, responses=fails(401))
async def list_users(app: UseApp, caller: UseCaller) -> wire.UserList:
    """Every user; their vaults are for owners to see."""
    return app.users.admin.list(caller.known())


@post("/v1/users", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def create_user(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.CreateUser]
) -> wire.UserInfo:
    """Make a user with a password that was chosen for them; an invite lets them choose it."""
    return await app.users.admin.create(data, caller.known())


@get(_ONE, responses=fails(401, 404))
async def get_user(app: UseApp, caller: UseCaller, email: FromPath[str]) -> wire.UserInfo:
    """One user; `me` is the caller. Others are for owners to see."""
    return app.users.admin.get(email, caller.person(Permission.READ_USERS))


@delete(_ONE, status_code=200, opt=_CHANGE, responses=change_fails(401, 404, 409))
async def remove_user(app: UseApp, caller: UseCaller, email: FromPath[str]) -> wire.UserRemoved:
    """Remove a user, with every session at once; never the last owner."""
    return await app.users.admin.remove(email, caller.known())


@post(f"{_ONE}/role", status_code=200, opt=_CHANGE, responses=change_fails(401, 404, 409))
async def change_user_role(
    app: UseApp, caller: UseCaller, email: FromPath[str], data: JSONBody[wire.RoleChange]
) -> wire.UserRole:
    """Change the instance role; never the last owner's."""
    return await app.users.admin.change_role(email, data.role, caller.known())


@get(_OF_VAULT, opt=_READ_VAULT, responses=fails(401, 404, 503))
async def list_vault_users(app: UseApp, vault: FromPath[str]) -> wire.VaultUserList:
    """The users with a role in the vault, and those who are invited to it."""
    return await app.users.members.list(vault)


@post(_OF_VAULT, status_code=200, opt=_CHANGE_VAULT, responses=change_fails(401, 404))
async def add_vault_user(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.AddVaultUser]
) -> wire.UserRole:
    """Let a user use the vault."""
    return await app.users.members.grant(vault, data.email, data.role, caller.known())


@delete(
    f"{_OF_VAULT}/{{email:str}}",
    status_code=200,
    opt=_CHANGE_VAULT,
    responses=change_fails(401, 404),
)
async def remove_vault_user(
    app: UseApp, caller: UseCaller, vault: FromPath[str], email: FromPath[str]
) -> wire.UserRemoved:
    """Take the vault from a user."""
    return await app.users.members.revoke(vault, email, caller.known())


@post(
    f"{_OF_VAULT}/{{email:str}}/role",
    status_code=200,
    opt=_CHANGE_VAULT,
    responses=change_fails(401, 404),
)
async def change_vault_user(
    app: UseApp,
    caller: UseCaller,
    vault: FromPath[str],
    email: FromPath[str],
    data: JSONBody[wire.RoleChange],
) -> wire.UserRole:
    """Change a user's role in the vault."""
    by = caller.known()
    return await app.users.members.grant(vault, email, data.role, by, known=True)


HANDLERS = (
    list_users,
    create_user,
    get_user,
    remove_user,
    change_user_role,
    list_vault_users,
    add_vault_user,
    remove_vault_user,
    change_vault_user,
)
