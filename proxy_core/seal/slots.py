"""Key slots: each wraps the data encryption key (DEK) under a key of its own.

A slot's record holds no secret. Adding, changing or removing one re-encrypts no credential. The
kinds differ only in where the wrapping key (KEK) comes from:

    password_slot   Argon2id of a password
    keyring_slot    a random key in the OS keyring
    keyfile_slot    a random key in a 0600 file
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy_core.base.errors import VaultError
from proxy_core.seal.aad import pack
from proxy_core.seal.sealer import DEK_BYTES, Sealer, overwrite

KEK_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_WRAPPED_BYTES: Final = _NONCE_BYTES + DEK_BYTES + 16


class SlotKind(StrEnum):
    """Where a slot's wrapping key comes from."""

    KEYRING = "keyring"
    PASSWORD = "password"  # noqa: S105 - the kind's name, not a secret
    KEYFILE = "keyfile"


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What is stored of a slot. `created_at` is epoch seconds; `params` is JSON.

    `key_version` is the wrapped DEK's. Everything but `label` and `created_at` is authenticated.
    """

    id: str
    kind: SlotKind
    label: str
    params: Mapping[str, Any]
    wrapped_dek: bytes
    created_at: float
    key_version: int = 1


@dataclass(frozen=True, slots=True)
class SlotDraft:
    """What the owner decides about a new slot before the DEK is wrapped."""

    id: str
    label: str
    created_at: float
    key_version: int = 1


def wrap_dek(
    draft: SlotDraft, kind: SlotKind, params: Mapping[str, Any], kek: bytes, dek: bytearray
) -> SlotRecord:
    """Wrap the DEK under a 32-byte KEK."""
    nonce = os.urandom(_NONCE_BYTES)
    place = _slot_aad(draft.id, kind, params, draft.key_version)
    wrapped = nonce + AESGCM(kek).encrypt(nonce, dek, place)
    return SlotRecord(
        draft.id, kind, draft.label, dict(params), wrapped, draft.created_at, draft.key_version
    )


def open_with_key(slot: SlotRecord, kek: bytes | bytearray) -> bytearray:
    """Unwrap the DEK. Raises VaultError: wrong_key, also for a record that was altered."""
    if len(kek) != KEK_BYTES or len(slot.wrapped_dek) != _WRAPPED_BYTES:
        raise VaultError("wrong_key")
    nonce, ciphertext = slot.wrapped_dek[:_NONCE_BYTES], slot.wrapped_dek[_NONCE_BYTES:]
    place = _slot_aad(slot.id, slot.kind, slot.params, slot.key_version)
    try:
        return bytearray(AESGCM(kek).decrypt(nonce, ciphertext, place))
    except InvalidTag:
        raise VaultError("wrong_key") from None


def rewrap_dek(
    slot: SlotRecord, kek: bytes | bytearray, dek: bytearray, key_version: int
) -> SlotRecord:
    """The slot around another DEK: what opens it stays the same."""
    draft = SlotDraft(slot.id, slot.label, slot.created_at, key_version)
    return wrap_dek(draft, slot.kind, slot.params, bytes(kek), dek)


def prove(sealer: Sealer, candidate: bytearray) -> None:
    """Check that an unwrapped DEK is the live one, then overwrite it.

    Raises VaultError: wrong_key, sealed.
    """
    try:
        if not sealer.holds(candidate):
            raise VaultError("wrong_key")
    finally:
        overwrite(candidate)


def _slot_aad(slot_id: str, kind: str, params: Mapping[str, Any], key_version: int) -> bytes:
    canonical = json.dumps(params, sort_keys=True, separators=(",", ":"))
    return pack("slot", slot_id, kind, canonical, str(key_version))
