"""The sealer holds the data encryption key (DEK) while the vault is open.

A blob is `version byte | key version (4 bytes) | nonce (12) | ciphertext and tag`. The key version
is authenticated beside the place that the caller names.
"""

import hmac
import os
from collections.abc import MutableMapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy_core.base.errors import VaultError
from proxy_core.seal.aad import of_key

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


def sealed_under(blob: bytes) -> int:
    """The version of the key that a blob says it was sealed under; -1 for what is no blob."""
    if len(blob) < _HEAD_BYTES + _TAG_BYTES or blob[:1] != _FORMAT:
        return -1
    return int.from_bytes(blob[1:_PREFIX_BYTES], "big")


class Encryptor:
    """Encrypts under the key that was live when it was taken, and decrypts nothing.

    For a secret that is on its way and must not be lost: a vault that is sealed meanwhile stays
    sealed, yet what arrives can be stored. Hold it no longer than that takes.
    """

    def __init__(self, cipher: AESGCM, key_version: int) -> None:
        self._cipher = cipher
        self._prefix = _FORMAT + key_version.to_bytes(4, "big")
        self.key_version = key_version

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt under a fresh random nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        place = of_key(aad, self.key_version)
        return self._prefix + nonce + self._cipher.encrypt(nonce, plaintext, place)


class Sealer:
    """Encrypts and decrypts under the DEK; sealed until `open` and again after `forget`.

    `encryptions` counts what was sealed under this DEK: the owner stores it now and then and
    gives it back to `open`.
    """

    def __init__(self) -> None:
        self._dek: bytearray | None = None
        self._cipher: AESGCM | None = None
        self._former: tuple[int, AESGCM] | None = None
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
        self.forget()
        self._take(dek, key_version, encryptions)

    def replace(self, dek: bytearray, *, key_version: int, encryptions: int = 0) -> None:
        """Go on with another DEK, taken over as by `open`.

        What the one before has sealed can be read until `forget_former`, nothing else done with
        it: requests under way hold such blobs. Raises VaultError: sealed.
        """
        if self._cipher is None or self._dek is None:
            raise VaultError("sealed")
        overwrite(self._dek)
        self._former = (self.key_version, self._cipher)
        self._take(dek, key_version, encryptions)

    def forget_former(self) -> None:
        """Read nothing any more that was sealed before `replace`."""
        self._former = None

    def _take(self, dek: bytearray, key_version: int, encryptions: int) -> None:
        if len(dek) != DEK_BYTES:
            raise ValueError(f"a DEK has {DEK_BYTES} bytes")
        self._dek = dek
        self._cipher = AESGCM(dek)
        self.key_version = key_version
        self.encryptions = encryptions

    def forget(self) -> None:
        """Overwrite and drop the key. Harmless when sealed."""
        if self._dek is not None:
            overwrite(self._dek)
        self._dek = None
        self._cipher = self._former = None
        self.derived.clear()

    def holds(self, dek: bytes | bytearray) -> bool:
        """Whether `dek` is the live key, compared in constant time. Raises VaultError: sealed."""
        if self._dek is None:
            raise VaultError("sealed")
        return hmac.compare_digest(self._dek, dek)

    def copy_dek(self) -> bytearray:
        """Copy the live key, to wrap it in a slot; the caller overwrites it.

        Raises VaultError: sealed.
        """
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
        return Encryptor(self._cipher, self.key_version)

    def unseal(self, blob: bytes, aad: bytes) -> bytes:
        """Decrypt a blob that was sealed for the same place.

        Raises VaultError: sealed, or credential_unreadable for anything that was altered, cut,
        moved or sealed under another key; the error never says what.
        """
        cipher, version = self._cipher, sealed_under(blob)
        if cipher is None:
            raise VaultError("sealed")
        if version != self.key_version:
            if self._former is None or version != self._former[0]:
                raise VaultError("credential_unreadable")
            cipher = self._former[1]
        place = of_key(aad, version)
        try:
            return cipher.decrypt(blob[_PREFIX_BYTES:_HEAD_BYTES], blob[_HEAD_BYTES:], place)
        except InvalidTag:
            raise VaultError("credential_unreadable") from None
