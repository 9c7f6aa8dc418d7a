"""The keyring slot: a random key in the operating system's keyring."""

import base64
import binascii
import os

from proxy_core.base.errors import VaultError
from proxy_core.base.os_keyring import SERVICE_NAME, TIMEOUT_SECONDS, bounded, find_backend
from proxy_core.seal.sealer import overwrite
from proxy_core.seal.slots import (
    KEK_BYTES,
    SlotDraft,
    SlotKind,
    SlotRecord,
    open_with_key,
    wrap_dek,
)


def keyring_problem(timeout: float = TIMEOUT_SECONDS) -> str | None:
    """Say in one sentence why the OS keyring can't be used; None when it looks usable."""
    try:
        bounded(find_backend, timeout)
    except VaultError as failure:
        return failure.detail
    return None


def create_keyring_slot(
    draft: SlotDraft, dek: bytearray, timeout: float = TIMEOUT_SECONDS
) -> SlotRecord:
    """Put a new random key into the keyring (account = slot id) and wrap the DEK under it.

    Blocks up to `timeout` seconds. Raises VaultError: keyring_unavailable.
    """
    kek = os.urandom(KEK_BYTES)
    encoded = base64.b64encode(kek).decode()

    def store() -> str | None:
        backend = find_backend()
        backend.set_password(SERVICE_NAME, draft.id, encoded)
        kept: str | None = backend.get_password(SERVICE_NAME, draft.id)
        return kept

    if bounded(store, timeout) != encoded:
        raise VaultError("keyring_unavailable", "The OS keyring did not keep the key.")
    return wrap_dek(draft, SlotKind.KEYRING, {}, kek, dek)


def open_keyring_slot(slot: SlotRecord, timeout: float = TIMEOUT_SECONDS) -> bytearray:
    """Unwrap the DEK with the key from the keyring. Blocks up to `timeout` seconds.

    Raises VaultError: keyring_unavailable, wrong_key (the keyring's key is another or missing).
    """
    kek = read_keyring(slot, timeout)
    try:
        return open_with_key(slot, kek)
    finally:
        overwrite(kek)


def read_keyring(slot: SlotRecord, timeout: float = TIMEOUT_SECONDS) -> bytearray:
    """The slot's key in the keyring. Raises as `open_keyring_slot`."""
    encoded = bounded(lambda: find_backend().get_password(SERVICE_NAME, slot.id), timeout)
    if not encoded:
        raise VaultError("wrong_key", "The OS keyring holds no key for this vault.")
    try:
        return bytearray(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        raise VaultError("wrong_key") from None


def remove_keyring_key(slot: SlotRecord, timeout: float = TIMEOUT_SECONDS) -> None:
    """Delete a removed slot's key from the keyring. Raises VaultError: keyring_unavailable."""
    bounded(lambda: _delete(slot.id), timeout)


def _delete(slot_id: str) -> None:
    backend = find_backend()
    if backend.get_password(SERVICE_NAME, slot_id) is not None:
        backend.delete_password(SERVICE_NAME, slot_id)
