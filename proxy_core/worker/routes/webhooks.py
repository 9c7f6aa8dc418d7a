"""Webhooks: where other programs are told what happens."""

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _CHANGE = needs(Permission.READ_WEBHOOKS), needs(Permission.CHANGE_WEBHOOKS)
_ONE = "/v1/webhooks/{webhook_id:str}"


@get("/v1/webhooks", opt=_READ, responses=fails(401))
async def list_webhooks(app: UseApp) -> wire.WebhookList:
    """The webhooks, oldest first, and how their deliveries go."""
    return app.webhooks.list()


@post("/v1/webhooks", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def add_webhook(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.AddWebhook]
) -> wire.WebhookSecret:
    """Add one. The secret that signs what it is told is in this answer alone."""
    return await app.webhooks.add(data, caller.known())


@patch(_ONE, opt=_CHANGE, responses=change_fails(401, 404))
async def change_webhook(
    app: UseApp, caller: UseCaller, webhook_id: FromPath[str], data: JSONBody[wire.ChangeWebhook]
) -> wire.WebhookInfo:
    """Switch it on, as if it had never failed, or off."""
    return await app.webhooks.enable(webhook_id, data.enabled, caller.known())


@action(f"{_ONE}/rotate", _CHANGE, 401, 404)
async def rotate_webhook(
    app: UseApp, caller: UseCaller, webhook_id: FromPath[str]
) -> wire.WebhookSecret:
    """A new secret; for a day the one before signs as well."""
    return await app.webhooks.rotate(webhook_id, caller.known())


@action(f"{_ONE}/test", _CHANGE, 401, 404)
async def test_webhook(app: UseApp, webhook_id: FromPath[str]) -> wire.WebhookTested:
    """Try to deliver a notice, once and at once."""
    return await app.notifying.test(webhook_id)


@delete(_ONE, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def remove_webhook(app: UseApp, caller: UseCaller, webhook_id: FromPath[str]) -> wire.Deleted:
    """Tell it nothing any more."""
    return await app.webhooks.remove(webhook_id, caller.known())


HANDLERS = (
    list_webhooks,
    add_webhook,
    change_webhook,
    rotate_webhook,
    test_webhook,
    remove_webhook,
)
