"""Keeps what a key has sealed out of a database whose key is another one by now.

Every write transaction begins here: it holds the key's version until its end, so that whoever
rotates the key comes before or after it. A worker that has missed a rotation stores nothing: its
secrets would be lost, and what it can't read it would take for damaged.
"""

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.seal import Sealer, sealed_under
from proxy_core.store import installation
from proxy_core.store.sealed import CHECK


class KeyFence:
    """`coming` is the version of a key that this worker is about to take, else None."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.coming: int | None = None

    def begin(self, session: Session) -> None:
        """In a store's thread. Raises VaultError: sealed."""
        version = installation.live_key_version(session)
        if version is None:
            return
        if not self._sealer.sealed and version not in (self._sealer.key_version, self.coming):
            raise VaultError("sealed", "Another worker has rotated the key: unseal this one again.")

        def check(sealed: bytes) -> None:
            if sealed_under(sealed) != version:
                raise VaultError("conflict", "The key was rotated meanwhile: do it once more.")

        session.info[CHECK] = check
