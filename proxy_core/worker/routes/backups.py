"""Backups: on the control socket only, since the worker writes a file of this machine."""

from litestar import post
from litestar.params import JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.facts import product_version
from proxy_core.worker.guard import change_fails, needs, socket_only
from proxy_core.worker.uses import UseApp


@post(
    "/v1/backup",
    status_code=201,
    opt=needs(Permission.CREATE_BACKUPS) | socket_only(),
    responses=change_fails(401, 409),
)
async def make_backup(app: UseApp, data: JSONBody[wire.MakeBackup]) -> wire.BackupMade:
    """Write an encrypted backup of the whole vault into a new file of this machine."""
    return await app.backups.make(data, product_version())


HANDLERS = (make_backup,)
