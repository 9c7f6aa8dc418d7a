"""External stores that back vaults, and the rule that nothing else then writes there."""

from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import VaultSource

TABLE, COLUMN = "vault_source", "sealed"
"""Table and column for the sealer's additional authenticated data; the row is `vault_id`."""
_SYNCING = "sources.syncing"


def check_writable(session: Session, vault_id: str) -> None:
    """Raises VaultError: external_credential_store, unless it is the source's own change."""
    if session.info.get(_SYNCING) != vault_id and session.get(VaultSource, vault_id) is not None:
        raise VaultError(
            "external_credential_store",
            "The vault's credentials come from an external store, and are changed there.",
        )


def let_source_write(session: Session, vault_id: str) -> None:
    """From here on this transaction carries over what the vault's source holds."""
    session.info[_SYNCING] = vault_id


def list_sources(session: Session) -> list[VaultSource]:
    """Every source."""
    return list(session.exec(select(VaultSource)))


def source_of(session: Session, vault_id: str) -> VaultSource:
    """A vault's source. Raises VaultError: not_found."""
    row = session.get(VaultSource, vault_id)
    if row is None:
        raise VaultError("not_found", "The vault has no external store.")
    return row


def set_source(session: Session, row: VaultSource) -> None:
    """Add it, or put it in the place of the one before."""
    former = session.get(VaultSource, row.vault_id)
    if former is not None:
        session.delete(former)
        session.flush()
    session.add(row)
    session.flush()


def claim(session: Session, vault_id: str, now: float, next_at: float) -> VaultSource | None:
    """Take the poll that is due, so that no other worker does; None: it is not due any more.

    A time that lies further ahead than any pause is the fault of a clock.
    """
    row = session.get(VaultSource, vault_id, with_for_update=True)
    if row is None or now < row.next_poll_at <= now + MOST_PAUSE:
        return None
    row.next_poll_at = next_at
    session.flush()
    session.expunge(row)
    return row


def unchanged(session: Session, polled: VaultSource) -> VaultSource | None:
    """The source that was polled; None: it was removed, or another was chosen, meanwhile."""
    row = session.get(VaultSource, polled.vault_id, with_for_update=True)
    return row if row is not None and row.sealed == polled.sealed else None


MOST_PAUSE = 2 * 24 * 3600.0
