"""Values that agents supply, sealed under an authenticated place of their own."""

from proxy_core.seal import Sealer, aad
from proxy_core.store import proposals as store
from proxy_core.store.tables import ProposalRow


def seal_value(sealer: Sealer, row: ProposalRow, key: str, value: bytes) -> bytes:
    """As it is stored with its proposal. Raises VaultError: sealed."""
    place = store.value_row_id(row.id, key)
    return sealer.seal(value, aad(row.vault_id, store.TABLE, place, store.COLUMN))


def unseal_value(sealer: Sealer, value: store.ProposedValue) -> bytes:
    """The value again. Raises VaultError: sealed, credential_unreadable."""
    place = aad(value.vault_id, store.TABLE, value.row_id, store.COLUMN)
    return sealer.unseal(value.sealed, place)
