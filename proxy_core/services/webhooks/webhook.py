"""One webhook: what is known of it while the vault is sealed, and the address that isn't."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from proxy_core.base.clock import rfc3339
from proxy_core.domain.notices import Format
from proxy_core.seal import Sealer, aad
from proxy_core.store import webhooks as store
from proxy_core.store.tables import WebhookRow


class Address(msgspec.Struct, frozen=True):
    """Where a webhook leads, and the secrets that sign: the present one, then the former."""

    url: str
    secrets: list[str]

    def __repr__(self) -> str:
        return f"Address({shown_url(self.url)})"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A stored webhook. `shown` is its address as it may be read; `vault_id` None: all vaults."""

    id: str
    vault_id: str | None
    format: Format
    events: frozenset[str]
    shown: str
    enabled: bool
    row: WebhookRow = field(repr=False)

    @property
    def state(self) -> str:
        """`new`, `ok`, `failing` or `disabled`."""
        if not self.enabled:
            return "disabled"
        if self.row.failing_since is not None:
            return "failing"
        return "new" if self.row.last_at is None else "ok"


def webhook_of(row: WebhookRow) -> Webhook:
    """A row of the table, as a value."""
    return Webhook(
        id=row.id,
        vault_id=row.vault_id,
        format=Format(row.format),
        events=frozenset(row.events),
        shown=row.shown,
        enabled=row.enabled,
        row=row,
    )


def shown_url(url: str) -> str:
    """A URL without what may be secret in it: `https://hooks.slack.com/…`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


def seal_address(address: Address, row: WebhookRow, sealer: Sealer) -> bytes:
    """The address as it is stored in the row. Raises VaultError: sealed."""
    return sealer.seal(msgspec.json.encode(address), _place(row))


def open_address(row: WebhookRow, sealer: Sealer, now: float) -> Address:
    """The row's address, with the secrets that sign at `now`.

    Raises VaultError: sealed, credential_unreadable.
    """
    found = msgspec.json.decode(sealer.unseal(row.sealed, _place(row)), type=Address)
    if row.former_until is None or row.former_until <= now:
        return Address(found.url, found.secrets[:1])
    return found


def moment(time: float | None) -> str:
    """RFC 3339, or empty."""
    return "" if time is None else rfc3339(time)


def _place(row: WebhookRow) -> bytes:
    place = store.sealed_row_id(row)
    return aad(row.vault_id or "", store.TABLE, place, store.COLUMN)
