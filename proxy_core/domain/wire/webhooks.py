"""Webhooks: where other programs are told what happens."""

from typing import ClassVar

import msgspec

from proxy_core.domain.wire.base import Request, Response


class AddWebhook(Request):
    """`POST /v1/webhooks`. `url` may hold a secret, as Slack's do, and is never shown again.

    `format` is json or slack. `events` are types, families (`proposal.*`) or `*`; empty: all.
    `vault` empty: all vaults, and what concerns the worker.
    """

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str
    format: str = "json"
    events: list[str] = msgspec.field(default_factory=list)
    vault: str = ""


class ChangeWebhook(Request):
    """`PATCH /v1/webhooks/{id}`: switch it on or off."""

    enabled: bool


class WebhookInfo(Response):
    """A webhook; `url` is its scheme and host.

    `state` is new, ok, failing or disabled. Times are empty where there is none. `waiting` and
    `dropped` count the notices of the worker that answers: what is still to be delivered, and
    what found the queue full or was given up.
    """

    id: str
    url: str
    format: str
    events: list[str]
    vault: str
    state: str
    created_at: str
    last_at: str
    last_error: str
    failing_since: str
    waiting: int
    dropped: int


class WebhookList(Response):
    """`GET /v1/webhooks`, oldest first."""

    webhooks: list[WebhookInfo]


class WebhookSecret(Response):
    """Answer of AddWebhook and of `POST /v1/webhooks/{id}/rotate`: the secret is shown once.

    `former_until`: until then a secret that was replaced signs as well; empty without one.
    """

    webhook: WebhookInfo
    secret: str
    former_until: str = ""


class WebhookTested(Response):
    """Answer of `POST /v1/webhooks/{id}/test`; `status` is the receiver's, 0 without an answer."""

    delivered: bool
    status: int
    error: str = ""
