"""The sealer holds the data encryption key (DEK) while the vault is open.

A blob is `version byte | key version (4 bytes) | nonce (12) | ciphertext and tag`.
"""

import hmac
import os
from collections.abc import MutableMapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy_core.base.errors import VaultError

DEK_BYTES: Final = 32
WARN_ENCRYPTIONS: Final = 2**28
"""Random 96-bit nonces are safe up to 2**32 encryptions per key: warn at a sixteenth of that."""

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PREFIX_BYTES: Final = 1 + 4
_HEAD_BYTES: Final = _PREFIX_BYTES + _NONCE_BYTES


def new_dek() -> bytearray:
    """Make a random data encryption key of 256 bits."""
    return bytearray(os.urandom(DEK_BYTES))


def overwrite(secret: bytearray) -> None:
    """Replace a secret's bytes by zeros, in place."""
    secret[:] = bytes(len(secret))


class Encryptor:
    """Encrypts under the key that was live when it was taken, and decrypts nothing.

    For a secret that is on its way and must not be lost: a vault that is sealed meanwhile stays
    sealed, yet what arrives can be stored. Hold it no longer than that takes.
    """

    def __init__(self, cipher: AESGCM, prefix: bytes, key_version: int) -> None:
        self._cipher = cipher
        self._prefix = prefix
        self.key_version = key_version

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt under a fresh random nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._prefix + nonce + self._cipher.encrypt(nonce, plaintext, aad)


class Sealer:
    """Encrypts and decrypts under the DEK; sealed until `open` and again after `forget`.

    `encryptions` counts what was sealed under this DEK: the owner stores it now and then and
    gives it back to `open`.
    """

    def __init__(self) -> None:
        self._dek: bytearray | None = None
        self._cipher: AESGCM | None = None
        self._prefix = b""
        self.key_version = 0
        self.encryptions = 0
        self.derived: MutableMapping[Any, Any] = WeakKeyDictionary()
        """What was made from plaintexts, by sealed values: gone with those, or with the key."""

    @property
    def sealed(self) -> bool:
        """Whether no key is held."""
        return self._cipher is None

    @property
    def worn(self) -> bool:
        """Whether the DEK has encrypted so much that it should be rotated."""
        return self.encryptions >= WARN_ENCRYPTIONS

    def open(self, dek: bytearray, *, key_version: int = 1, encryptions: int = 0) -> None:
        """Take over `dek` (32 bytes): the sealer overwrites it when it forgets."""
        if len(dek) != DEK_BYTES:
            raise ValueError(f"a DEK has {DEK_BYTES} bytes")
        self.forget()
        self._dek = dek
        self._cipher = AESGCM(dek)
        self._prefix = _FORMAT + key_version.to_bytes(4, "big")
        self.key_version = key_version
        self.encryptions = encryptions

    def forget(self) -> None:
        """Overwrite and drop the key. Harmless when sealed."""
        if self._dek is not None:
            overwrite(self._dek)
        self._dek = None
        self._cipher = None
        self.derived.clear()

    def holds(self, dek: bytes | bytearray) -> bool:
        """Whether `dek` is the live key, compared in constant time. Raises VaultError: sealed."""
        if self._dek is None:
            raise VaultError("sealed")
        return hmac.compare_digest(self._dek, dek)

    def copy_dek(self) -> bytearray:
        """Copy the live key, to wrap it in a slot; the caller overwrites it. VaultError: sealed."""
        if self._dek is None:
            raise VaultError("sealed")
        return bytearray(self._dek)

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt under a fresh random nonce. Raises VaultError: sealed."""
        return self.encryptor().seal(plaintext, aad)

    def encryptor(self, uses: int = 1) -> Encryptor:
        """What outlives `forget`, to encrypt `uses` times. Raises VaultError: sealed."""
        if self._cipher is None:
            raise VaultError("sealed")
        self.encryptions += uses
        return Encryptor(self._cipher, self._prefix, self.key_version)

    def unseal(self, blob: bytes, aad: bytes) -> bytes:
        """Decrypt a blob that was sealed for the same place.

        Raises VaultError: sealed, or credential_unreadable for anything that was altered, cut,
        moved or sealed under another key; the error never says what.
        """
        cipher = self._cipher
        if cipher is None:
            raise VaultError("sealed")
        if len(blob) < _HEAD_BYTES + _TAG_BYTES or blob[:_PREFIX_BYTES] != self._prefix:
            raise VaultError("credential_unreadable")
        try:
            return cipher.decrypt(blob[_PREFIX_BYTES:_HEAD_BYTES], blob[_HEAD_BYTES:], aad)
        except InvalidTag:
            raise VaultError("credential_unreadable") from None
