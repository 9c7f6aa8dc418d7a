"""A backup's file: encrypted in chunks under a key made of the DEK, authenticated as a whole.

    vault-tui backup 1 LF
    length of the header (4 bytes) | header (JSON): when, by which version, salt, key slots
    chunks of 1 MiB, each AES-256-GCM; the last one says that it is

Whoever opens one of the slots has the DEK, so the vault's password alone opens the file, anywhere.
Each chunk's nonce is its number and whether it is the last; the header is authenticated with each:
a file that was altered, cut or added to does not decrypt.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from proxy_core.base.errors import VaultError
from proxy_core.seal.slots import SlotKind, SlotRecord

CHUNK_BYTES: Final = 1024 * 1024
_PROGRAM: Final = b"vault-tui backup "
_FORMAT: Final = b"1\n"
_SALT_BYTES: Final = 32
_TAG_BYTES: Final = 16
_MOST_HEADER_BYTES: Final = 256 * 1024
_MOST_CHUNKS: Final = 2**32
_MOST_SLOTS: Final = 64
_LAST_SECOND: Final = 253_402_300_799.0
_Time = Annotated[float, Meta(ge=0, le=_LAST_SECOND)]


class _Slot(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    kind: SlotKind
    label: str
    params: dict[str, Any]
    wrapped_dek: bytes
    created_at: _Time
    key_version: Annotated[int, Meta(ge=1, lt=2**32)]


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    created_at: _Time
    version: str
    salt: bytes
    slots: Annotated[list[_Slot], Meta(max_length=_MOST_SLOTS)]
    """Each may cost a derivation before anything is authenticated: hence the limit."""


@dataclass(frozen=True, slots=True)
class BackupHead:
    """What a backup says before it is decrypted. `created_at` is epoch seconds.

    `version` is the program's that made it. Nothing of it is certain until `unpack` has ended.
    """

    created_at: float
    version: str
    slots: Sequence[SlotRecord]
    salt: bytes
    raw: bytes


def pack(
    plain: BinaryIO,
    out: BinaryIO,
    dek: bytearray,
    slots: Sequence[SlotRecord],
    *,
    created_at: float,
    version: str,
) -> None:
    """Write a backup of `plain`. Blocking. Raises VaultError: bad_request (too many slots)."""
    salt = os.urandom(_SALT_BYTES)
    kept = [
        _Slot(
            slot.id,
            slot.kind,
            slot.label,
            dict(slot.params),
            slot.wrapped_dek,
            slot.created_at,
            slot.key_version,
        )
        for slot in slots
    ]
    header = msgspec.json.encode(_Header(created_at, version, salt, kept))
    if len(kept) > _MOST_SLOTS or len(header) > _MOST_HEADER_BYTES:  # none could be restored
        raise VaultError(
            "bad_request", f"A backup holds {_MOST_SLOTS} key slots at most: remove some."
        )
    raw = _PROGRAM + _FORMAT + len(header).to_bytes(4, "big") + header
    out.write(raw)
    cipher, place = _cipher(dek, salt), hashlib.sha256(raw).digest()
    for number, chunk, is_last in _chunks(plain, CHUNK_BYTES):
        out.write(cipher.encrypt(_nonce(number, is_last), chunk, place))


def read_head(file: BinaryIO) -> BackupHead:
    """Read a backup's header; the file then stands at its chunks.

    Raises VaultError: backup_damaged, also for what is no backup or one of a later format.
    """
    line = file.read(len(_PROGRAM) + len(_FORMAT))
    if not line.startswith(_PROGRAM):
        raise VaultError("backup_damaged", "The file is not a backup of a vault.")
    if line != _PROGRAM + _FORMAT:
        raise VaultError("backup_damaged", "The backup has a format that this version can't read.")
    length = file.read(4)
    size = int.from_bytes(length, "big")
    if len(length) != 4 or size > _MOST_HEADER_BYTES:
        raise damaged()
    header = file.read(size)
    try:
        found = msgspec.json.decode(header, type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise damaged() from None
    slots = [
        SlotRecord(
            one.id,
            one.kind,
            one.label,
            one.params,
            one.wrapped_dek,
            one.created_at,
            one.key_version,
        )
        for one in found.slots
    ]
    raw = line + length + header
    return BackupHead(found.created_at, found.version, slots, found.salt, raw)


def unpack(file: BinaryIO, head: BackupHead, dek: bytearray, out: BinaryIO) -> None:
    """Decrypt what follows the header. What was written counts only once this has returned.

    Blocking. Raises VaultError: backup_damaged.
    """
    cipher, place = _cipher(dek, head.salt), hashlib.sha256(head.raw).digest()
    for number, chunk, is_last in _chunks(file, CHUNK_BYTES + _TAG_BYTES):
        try:
            out.write(cipher.decrypt(_nonce(number, is_last), chunk, place))
        except InvalidTag:
            raise damaged() from None


def damaged() -> VaultError:
    """The file is not as it was written."""
    return VaultError("backup_damaged", "The backup was altered, cut short or added to.")


def _cipher(dek: bytearray, salt: bytes) -> AESGCM:
    derivation = HKDF(hashes.SHA256(), 32, salt, _PROGRAM + _FORMAT)
    return AESGCM(derivation.derive(bytes(dek)))


def _nonce(number: int, is_last: bool) -> bytes:
    if number >= _MOST_CHUNKS:
        raise VaultError("bad_request", "The vault is too large for a backup.")
    return number.to_bytes(11, "big") + bytes([is_last])


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Chunks by number, and whether each is the last; one empty chunk of an empty file."""
    number, chunk = 0, file.read(size)
    while True:
        following = file.read(size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following
