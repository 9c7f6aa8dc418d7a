"""Webhooks: where other programs are told what happens."""

from collections.abc import Sequence

from proxy_core.client.calls.call import Call, segment
from proxy_core.domain import wire


def webhooks() -> Call[wire.WebhookList]:
    """The webhooks, and how their deliveries go."""
    return Call("GET", "/v1/webhooks", wire.WebhookList)


def add_webhook(
    url: str, format: str = "json", events: Sequence[str] = (), vault: str = ""
) -> Call[wire.WebhookSecret]:
    """Add one; the answer holds the secret that signs."""
    body = wire.AddWebhook(url=url, format=format, events=list(events), vault=vault)
    return Call("POST", "/v1/webhooks", wire.WebhookSecret, body=body)


def enable_webhook(webhook_id: str, enabled: bool = True) -> Call[wire.WebhookInfo]:
    """Switch it on or off."""
    body = wire.ChangeWebhook(enabled=enabled)
    return Call("PATCH", _one(webhook_id), wire.WebhookInfo, body=body)


def rotate_webhook(webhook_id: str) -> Call[wire.WebhookSecret]:
    """Give it a new secret."""
    return Call("POST", _one(webhook_id, "/rotate"), wire.WebhookSecret)


def try_webhook(webhook_id: str) -> Call[wire.WebhookTested]:
    """Try to deliver a notice."""
    return Call("POST", _one(webhook_id, "/test"), wire.WebhookTested)


def remove_webhook(webhook_id: str) -> Call[wire.Deleted]:
    """Tell it nothing any more."""
    return Call("DELETE", _one(webhook_id), wire.Deleted)


def _one(webhook_id: str, rest: str = "") -> str:
    return f"/v1/webhooks/{segment(webhook_id)}{rest}"
