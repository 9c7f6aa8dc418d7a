"""Key slots by kind: making one, opening one. Blocking: call everything here in a thread."""

import base64
import binascii
from functools import cache
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from proxy_core.seal import (
    Sealer,
    SlotDraft,
    SlotKind,
    SlotRecord,
    open_with_key,
    overwrite,
    prove,
    rewrap_dek,
)
from proxy_core.seal.keyfile_slot import create_keyfile_slot, open_keyfile_slot, read_keyfile
from proxy_core.seal.keyring_slot import (
    create_keyring_slot,
    keyring_problem,
    open_keyring_slot,
    read_keyring,
    remove_keyring_key,
)
from proxy_core.seal.password_slot import (
    check_password_slot,
    create_password_slot,
    derive_key,
    open_password_slot,
)
from proxy_core.store import tables

AUTOMATIC_ORDER = (SlotKind.KEYRING, SlotKind.KEYFILE)
"""Slots that the worker opens by itself, in the order in which it tries."""


KEYRING_LOOK_SECONDS = 3.0
MAX_LABEL = 100


@cache
def keyring_trouble() -> str:
    """Why no keyring slot can be made here; empty when one can. Looked up once a process."""
    return keyring_problem(KEYRING_LOOK_SECONDS) or ""


def slot_kind(text: str) -> SlotKind:
    """The kind of that name. Raises VaultError: bad_request."""
    try:
        return SlotKind(text)
    except ValueError:
        choices = ", ".join(SlotKind)
        raise VaultError("bad_request", f"slot must be one of {choices}") from None


def checked_label(request: wire.InitRequest) -> str:
    """What the slot is to be called. Raises VaultError: bad_request."""
    label = request.label or request.slot
    if len(label) > MAX_LABEL or display_safe(label) != label:
        raise VaultError("bad_request", f"label must be at most {MAX_LABEL} printable characters")
    return label


def create_slot(request: wire.InitRequest, draft: SlotDraft, dek: bytearray) -> SlotRecord:
    """Wrap the DEK as asked. Raises VaultError: bad_request, keyring_unavailable, …"""
    kind = slot_kind(request.slot)
    if kind is SlotKind.PASSWORD:
        return create_password_slot(draft, dek, request.secret.encode("utf-8", "surrogateescape"))
    if request.secret:
        raise VaultError("bad_request", f"A {kind.value} slot makes its own key: send no secret.")
    if kind is SlotKind.KEYRING:
        return create_keyring_slot(draft, dek)
    path = Path(request.path)
    if not path.is_absolute() or "\0" in request.path:
        raise VaultError("bad_request", "path must say in full where the key file is to be made")
    return create_keyfile_slot(draft, dek, path)


def discard_slot(slot: SlotRecord) -> None:
    """Take back the key that `create_slot` left outside, when the slot itself was not stored."""
    if slot.kind is SlotKind.KEYRING:
        remove_keyring_key(slot)
    elif slot.kind is SlotKind.KEYFILE:
        Path(str(slot.params["path"])).unlink(missing_ok=True)


def open_slot(slot: SlotRecord, secret: str) -> bytearray:
    """Unwrap the DEK with what the caller knows. Raises VaultError: wrong_key, …"""
    if slot.kind is SlotKind.PASSWORD:
        return open_password_slot(slot, secret.encode("utf-8", "surrogateescape"))
    try:
        key = bytearray(base64.b64decode(secret, validate=True))
    except (binascii.Error, ValueError):
        raise VaultError("wrong_key") from None
    try:
        return open_with_key(slot, key)
    finally:
        overwrite(key)


def open_unattended(slot: SlotRecord) -> bytearray:
    """Unwrap the DEK with a key that the worker itself can reach.

    Raises VaultError: wrong_key, keyring_unavailable, key_slot_unusable.
    """
    if slot.kind is SlotKind.KEYRING:
        return open_keyring_slot(slot)
    if slot.kind is SlotKind.KEYFILE:
        return open_keyfile_slot(slot)
    raise VaultError("wrong_key", "A password slot opens with its password only.")


def change_password(slot: SlotRecord, secret: str, dek: bytearray, key_version: int) -> SlotRecord:
    """The slot under another password. Raises VaultError: bad_request."""
    if slot.kind is not SlotKind.PASSWORD:
        raise VaultError(
            "bad_request", f"A {slot.kind.value} slot has no password: add another, remove this."
        )
    draft = SlotDraft(slot.id, slot.label, slot.created_at, key_version)
    return create_password_slot(draft, dek, secret.encode("utf-8", "surrogateescape"))


def rewrap(
    slot: SlotRecord, secret: str, live: Sealer, dek: bytearray, key_version: int
) -> SlotRecord:
    """The slot around another DEK, once it has opened the live one.

    `secret` is a password slot's; the worker has the other kinds' keys. Raises VaultError:
    wrong_key, keyring_unavailable, key_slot_unusable, sealed.
    """
    if slot.kind is SlotKind.PASSWORD:
        kek = bytearray(derive_key(slot, secret.encode("utf-8", "surrogateescape")))
    elif slot.kind is SlotKind.KEYRING:
        kek = read_keyring(slot)
    else:
        kek = read_keyfile(Path(str(slot.params.get("path", ""))))
    try:
        prove(live, open_with_key(slot, kek))
        return rewrap_dek(slot, kek, dek, key_version)
    finally:
        overwrite(kek)


def opens_unattended(slot: SlotRecord, live: Sealer) -> bool:
    """Whether the worker can open the vault with it, now and by itself."""
    try:
        prove(live, open_unattended(slot))
    except VaultError:
        return False
    return True


def opens_by_password(slot: SlotRecord) -> bool:
    """Whether some password opens it."""
    if slot.kind is not SlotKind.PASSWORD:
        return False
    try:
        check_password_slot(slot)
    except VaultError:
        return False
    return True


def slot_record(row: tables.KeySlot) -> SlotRecord:
    """A stored slot as the sealer's floor has it."""
    return SlotRecord(
        id=row.id,
        kind=SlotKind(row.kind),
        label=row.label,
        params=row.params,
        wrapped_dek=row.wrapped_dek,
        created_at=row.created_at,
        key_version=row.key_version,
    )


def slot_row(slot: SlotRecord) -> tables.KeySlot:
    """A slot as it is stored."""
    return tables.KeySlot(
        id=slot.id,
        kind=slot.kind.value,
        label=slot.label,
        params=dict(slot.params),
        wrapped_dek=slot.wrapped_dek,
        key_version=slot.key_version,
        created_at=slot.created_at,
    )
