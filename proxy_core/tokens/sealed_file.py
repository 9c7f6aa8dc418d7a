"""Where no OS keyring works: the secrets in an encrypted file (0600) of the login's directory.

AES-256-GCM. The key comes from a random key file beside it and the machine's id. So a copy of the
file alone, or of the whole home on another machine (a backup, a synchronised directory), opens
nothing. Against a program of the same user on this machine it protects no more than its mode.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import open_private_file
from proxy_core.tokens.login import LoginDirectory

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MACHINE_ID: Final = Path("/etc/machine-id")

_FILE, _KEY_FILE = "tokens.sealed", "tokens.key"
_MAGIC: Final = b"VTTOK1"
_KEY_BYTES, _NONCE_BYTES, _MAX_BYTES = 32, 12, 1 << 20


class SealedFile:
    """The file of one login's directory."""

    def __init__(self, directory: LoginDirectory, machine_id: Path = MACHINE_ID) -> None:
        self._directory = directory
        self._machine_id = machine_id

    def read(self) -> str | None:
        """What was written; None if there is nothing.

        Raises VaultError not_signed_in: it does not open.
        """
        content = self._content(_FILE)
        if content is None:
            return None
        from cryptography.exceptions import InvalidTag

        head = len(_MAGIC) + _NONCE_BYTES
        try:
            if not content.startswith(_MAGIC):
                raise ValueError("another format")
            nonce = content[len(_MAGIC) : head]
            return self._cipher(create=False).decrypt(nonce, content[head:], _MAGIC).decode()
        except (InvalidTag, ValueError):
            detail = "The login kept here is damaged, or was made on another machine."
            raise VaultError("not_signed_in", detail) from None

    def write(self, text: str) -> None:
        """Replace it, durably. Raises VaultError home_unusable, OSError."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher(create=True).encrypt(nonce, text.encode(), _MAGIC)
        self._directory.write(_FILE, _MAGIC + nonce + sealed)

    def delete(self) -> None:
        """Remove the file and its key."""
        for name in (_FILE, _KEY_FILE):
            (self._directory.path / name).unlink(missing_ok=True)

    def _cipher(self, *, create: bool) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        key = self._content(_KEY_FILE)
        if key is None or len(key) != _KEY_BYTES:
            if not create:
                raise ValueError("no key")
            key = os.urandom(_KEY_BYTES)
            self._directory.write(_KEY_FILE, key)
        return AESGCM(HKDF(SHA256(), _KEY_BYTES, self._machine(), b"vault-tui tokens").derive(key))

    def _machine(self) -> bytes:
        try:
            return self._machine_id.read_bytes().strip()
        except OSError:
            return b""

    def _content(self, name: str) -> bytes | None:
        path = self._directory.path / name
        if not path.exists():
            return None
        with os.fdopen(open_private_file(path, os.O_RDONLY), "rb") as file:
            return file.read(_MAX_BYTES)
