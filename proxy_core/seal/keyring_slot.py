"""The keyring slot: a random key in the operating system's keyring.

Over SSH there is often no keyring, or one that waits for a desktop to ask for a password: every
call runs in a thread of its own with a time limit, and a failure is one sentence.
"""

import base64
import binascii
import os
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.seal.sealer import overwrite
from proxy_core.seal.slots import (
    KEK_BYTES,
    SlotDraft,
    SlotKind,
    SlotRecord,
    open_with_key,
    wrap_dek,
)

SERVICE_NAME: Final = "vault-tui"
TIMEOUT_SECONDS: Final = 10.0

T = TypeVar("T")


def keyring_problem(timeout: float = TIMEOUT_SECONDS) -> str | None:
    """Say in one sentence why the OS keyring can't be used; None when it looks usable."""
    try:
        _bounded(_backend, timeout)
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
        backend = _backend()
        backend.set_password(SERVICE_NAME, draft.id, encoded)
        kept: str | None = backend.get_password(SERVICE_NAME, draft.id)
        return kept

    if _bounded(store, timeout) != encoded:
        raise VaultError("keyring_unavailable", "The OS keyring did not keep the key.")
    return wrap_dek(draft, SlotKind.KEYRING, {}, kek, dek)


def open_keyring_slot(slot: SlotRecord, timeout: float = TIMEOUT_SECONDS) -> bytearray:
    """Unwrap the DEK with the key from the keyring. Blocks up to `timeout` seconds.

    Raises VaultError: keyring_unavailable, wrong_key (the keyring's key is another or missing).
    """
    encoded = _bounded(lambda: _backend().get_password(SERVICE_NAME, slot.id), timeout)
    if not encoded:
        raise VaultError("wrong_key", "The OS keyring holds no key for this vault.")
    try:
        kek = bytearray(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        raise VaultError("wrong_key") from None
    try:
        return open_with_key(slot, kek)
    finally:
        overwrite(kek)


def remove_keyring_key(slot: SlotRecord, timeout: float = TIMEOUT_SECONDS) -> None:
    """Delete a removed slot's key from the keyring. Raises VaultError: keyring_unavailable."""
    _bounded(lambda: _delete(slot.id), timeout)


def _delete(slot_id: str) -> None:
    backend = _backend()
    if backend.get_password(SERVICE_NAME, slot_id) is not None:
        backend.delete_password(SERVICE_NAME, slot_id)


def _backend() -> Any:
    """Find a backend that stores. `keyring` is imported here: it costs 100 ms."""
    import keyring

    backend = keyring.get_keyring()
    if type(backend).__module__ in {"keyring.backends.fail", "keyring.backends.null"}:
        raise VaultError("keyring_unavailable", "This session has no OS keyring.")
    # The chainer without members: nothing to store in.
    if getattr(backend, "backends", None) == []:
        raise VaultError("keyring_unavailable", "No OS keyring backend works in this session.")
    return backend


def _bounded(call: Callable[[], T], timeout: float) -> T:
    """Run a keyring call in a daemon thread: one that hangs is left behind, not waited for."""
    answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((call(), None))
        except Exception as error:  # backends raise whatever their libraries raise
            answers.put((None, error))

    threading.Thread(target=work, name="keyring", daemon=True).start()
    try:
        value, error = answers.get(timeout=timeout)
    except queue.Empty:
        raise VaultError("keyring_unavailable", "The OS keyring does not answer.") from None
    if isinstance(error, VaultError):
        raise error
    if error is not None:
        # The library's text may name what was stored: only the kind of failure is passed on.
        kind = type(error).__name__
        raise VaultError("keyring_unavailable", f"The OS keyring failed ({kind}).") from None
    return value  # type: ignore[return-value] # None only where T allows it
