"""Webhooks as operators keep them, and how their deliveries go.

The secret is shown once, when it is made. The address is shown by its host alone: what follows may
be a secret, as in Slack's. Both are sealed by the DEK together.
"""

import secrets
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.notices import Format, check_subjects
from proxy_core.domain.oauth.urls import check_endpoint_url
from proxy_core.services.context import Context, Swap
from proxy_core.services.keys import count_encryptions
from proxy_core.services.principal import Principal
from proxy_core.services.webhooks.posting import GONE, Outcome
from proxy_core.services.webhooks.webhook import (
    Address,
    Webhook,
    moment,
    open_address,
    seal_address,
    shown_url,
    webhook_of,
)
from proxy_core.store import webhooks as store
from proxy_core.store.tables import WebhookRow

MAX_WEBHOOKS: Final = 20
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets begin with
FORMER_SECONDS: Final = 86_400.0
"""For how long a secret that was replaced signs as well."""
STATE_SECONDS: Final = 60.0
"""A delivery that went like the one before is stored no more often than this."""
_DAY: Final = 86_400.0


class Webhooks:
    """Asking (`by_id`) touches a dictionary only. `disable_days` answers the setting."""

    def __init__(
        self,
        context: Context,
        disable_days: Callable[[], int],
        allow_http_loopback: bool = False,
    ) -> None:
        self._context = context
        self._disable_days = disable_days
        self._allow_http_loopback = allow_http_loopback
        self.by_id: dict[str, Webhook] = {}
        self.queued: Callable[[str], tuple[int, int]] = lambda _: (0, 0)
        """How many notices wait for a webhook, and how many were dropped."""

    async def load(self) -> None:
        """Read what is stored."""
        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read what is stored; what is answered puts it in force."""
        stored = {row.id: webhook_of(row) for row in store.list_webhooks(session)}

        def swap() -> None:
            self.by_id = stored

        return swap

    def forget_vault(self, vault_id: str) -> None:
        """A vault was deleted, and its webhooks with it."""
        self.by_id = {name: one for name, one in self.by_id.items() if one.vault_id != vault_id}

    def problems(self) -> list[str]:
        """One sentence for each webhook that fails or was switched off for it."""
        return [
            f"Webhook {hook.shown} ({hook.id}) {_TROUBLES[hook.state]}: {hook.row.last_error}."
            for hook in self.by_id.values()
            if hook.state in _TROUBLES and hook.row.last_error
        ]

    def list(self) -> wire.WebhookList:
        """Oldest first."""
        return wire.WebhookList(webhooks=[self._info(hook) for hook in self.by_id.values()])

    def get(self, webhook_id: str) -> Webhook:
        """Raises VaultError: not_found."""
        hook = self.by_id.get(webhook_id)
        if hook is None:
            raise VaultError("not_found", "No such webhook.")
        return hook

    def address(self, hook: Webhook) -> Address:
        """Where it leads. Raises VaultError: sealed, credential_unreadable."""
        return open_address(hook.row, self._context.sealer, self._context.clock.time())

    # --- changes --------------------------------------------------------------------------------

    async def add(self, request: wire.AddWebhook, by: Principal) -> wire.WebhookSecret:
        """Add a webhook. Raises VaultError: bad_request, vault_not_found, conflict, sealed."""
        check_endpoint_url(request.url, "url", self._allow_http_loopback)
        if request.format not in tuple(Format):
            raise VaultError("bad_request", f"format must be one of {', '.join(Format)}.")
        address = Address(request.url, [_new_secret()])
        row = WebhookRow(
            id=new_id(),
            vault_id=self._context.vault(request.vault).id if request.vault else None,
            format=request.format,
            events=check_subjects(request.events),
            shown=shown_url(request.url),
            version=1,
            sealed=b"",
            enabled=True,
            created_at=self._context.clock.time(),
        )
        row.sealed = seal_address(address, row, self._context.sealer)

        def work(session: Session) -> WebhookRow:
            count_encryptions(session, self._context.sealer)
            return store.add_webhook(session, row, MAX_WEBHOOKS)

        hook = await self._store(work, by, "added")
        return wire.WebhookSecret(webhook=self._info(hook), secret=address.secrets[0])

    async def rotate(self, webhook_id: str, by: Principal) -> wire.WebhookSecret:
        """A new secret; for FORMER_SECONDS the one before signs as well.

        Raises VaultError: not_found, sealed, credential_unreadable.
        """
        sealer, now = self._context.sealer, self._context.clock.time()
        self.get(webhook_id)
        if sealer.sealed:
            raise VaultError("sealed")
        secret = _new_secret()

        def work(session: Session) -> WebhookRow:
            row = store.webhook(session, webhook_id)
            before = open_address(row, sealer, -inf)
            row.version += 1
            row.former_until = now + FORMER_SECONDS
            row.sealed = seal_address(Address(before.url, [secret, before.secrets[0]]), row, sealer)
            count_encryptions(session, sealer)
            session.flush()
            return row

        hook = await self._store(work, by, "rotated")
        until = moment(hook.row.former_until)
        return wire.WebhookSecret(webhook=self._info(hook), secret=secret, former_until=until)

    async def enable(self, webhook_id: str, enabled: bool, by: Principal) -> wire.WebhookInfo:
        """Switch it on, as if it had never failed, or off. Raises VaultError: not_found."""
        self.get(webhook_id)
        changes = {"enabled": enabled, "failing_since": None, "last_error": ""}
        hook = await self._store(
            lambda session: store.change_webhook(session, webhook_id, changes),
            by,
            "enabled" if enabled else "disabled",
        )
        return self._info(hook)

    async def remove(self, webhook_id: str, by: Principal) -> wire.Deleted:
        """Tell it nothing any more. Raises VaultError: not_found."""
        hook = self.get(webhook_id)

        def then(_: None) -> None:
            self.by_id.pop(webhook_id, None)
            self._publish(EventType.WEBHOOK_CHANGED, hook, by, change="removed")

        await self._context.change(lambda session: store.delete_webhook(session, webhook_id), then)
        return wire.Deleted(name=webhook_id)

    # --- how deliveries go ----------------------------------------------------------------------

    async def told(self, webhook_id: str, outcome: Outcome) -> None:
        """Keep how a delivery ended. Raises VaultError: database_unavailable.

        A webhook that did nothing but fail for the days of the setting is switched off, and at
        once where the receiver says that it is gone for good (410).
        """
        hook = self.by_id.get(webhook_id)
        if hook is None or not hook.enabled:
            return
        row, now = hook.row, self._context.clock.time()
        same = outcome.error == row.last_error and row.last_at is not None
        changes: dict[str, Any] = {"last_at": now, "last_error": outcome.error}
        if not outcome.error:
            changes["failing_since"] = None
        elif row.failing_since is None:
            changes["failing_since"] = now
        disabled = bool(outcome.error) and self._is_hopeless(row, outcome, now)
        if disabled:
            changes["enabled"] = False
        elif same and now - (row.last_at or now) < STATE_SECONDS:
            return
        await self._keep(hook, changes)

    def _is_hopeless(self, row: WebhookRow, outcome: Outcome, now: float) -> bool:
        days = self._disable_days()
        failing = now - (row.failing_since or now)
        return outcome.status == GONE or (days > 0 and failing >= days * _DAY)

    async def _keep(self, hook: Webhook, changes: Mapping[str, Any]) -> None:
        def then(row: WebhookRow) -> None:
            self.by_id[hook.id] = webhook_of(row)
            facts = {"error": row.last_error}
            if "enabled" in changes:
                self._publish(EventType.WEBHOOK_DISABLED, hook, "worker", **facts)
            elif row.last_error and hook.row.failing_since is None:
                self._publish(EventType.WEBHOOK_FAILED, hook, "worker", **facts)
            elif not row.last_error and hook.row.failing_since is not None:
                self._publish(EventType.WEBHOOK_CHANGED, hook, "worker", change="recovered")

        await self._context.change(
            lambda session: store.change_webhook(session, hook.id, changes), then
        )

    async def _store(
        self, work: Callable[[Session], WebhookRow], by: Principal, change: str
    ) -> Webhook:
        def then(row: WebhookRow) -> None:
            self.by_id = {**self.by_id, row.id: webhook_of(row)}
            self._publish(EventType.WEBHOOK_CHANGED, self.by_id[row.id], by, change=change)

        row = await self._context.change(work, then)
        return webhook_of(row)

    def _publish(self, type: EventType, hook: Webhook, by: Principal | str, **data: Any) -> None:
        """An operator's change keeps the vault from sealing itself; a delivery does not."""
        who = by if isinstance(by, str) else by.label
        if not isinstance(by, str):
            self._context.stir()
        facts = {"name": hook.shown, "id": hook.id, **data, "by": who}
        self._context.bus.publish(type.value, facts)

    def _info(self, hook: Webhook) -> wire.WebhookInfo:
        entry = self._context.snapshot.by_id.get(hook.vault_id or "")
        waiting, dropped = self.queued(hook.id)
        return wire.WebhookInfo(
            id=hook.id,
            url=hook.shown,
            format=hook.format.value,
            events=list(hook.row.events),
            vault=entry.name if entry else "",
            state=hook.state,
            created_at=moment(hook.row.created_at),
            last_at=moment(hook.row.last_at),
            last_error=hook.row.last_error,
            failing_since=moment(hook.row.failing_since),
            waiting=waiting,
            dropped=dropped,
        )


_TROUBLES: Final = {"failing": "fails", "disabled": "was switched off because it failed"}


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(32)
